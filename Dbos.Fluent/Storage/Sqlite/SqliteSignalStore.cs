using System.Runtime.CompilerServices;

namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteSignalStore(SqliteThreads writer, TimeSpan pollInterval) : ISignalStore
{
    public Task AnnounceAsync(IReadOnlyCollection<StoreSignal> signals, CancellationToken cancellationToken) => Task.CompletedTask;

    public async IAsyncEnumerable<StoreSignal> ListenAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The version is read before the first signal, so that no change is missed in between.
        var seen = await ReadAsync(cancellationToken).ConfigureAwait(false);
        yield return StoreSignal.Anything;
        while (true)
        {
            await Task.Delay(pollInterval, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            var now = await ReadAsync(cancellationToken).ConfigureAwait(false);
            if (now is null || now == seen)
            {
                continue;
            }

            seen = now;
            yield return StoreSignal.Anything;
        }
    }

    // Reads on the writer's connection, whose own commits do not count: only commits of others wake anyone.
    private async Task<FileVersion?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await writer.RunAsync(Read, SqliteJobKind.Bare, cancellationToken).ConfigureAwait(false);
        }
        catch (DbosException)
        {
            // Callers that read or write the file get any error themselves; here the next look may succeed.
            return null;
        }
    }

    private static FileVersion Read(SqliteSession session)
    {
        using var statement = session.Use(TransactionSql.ReadDataVersion);
        statement.Step();
        return new FileVersion(session, statement.Int64(0));
    }

    /// <summary>A version is valid only on the connection it was read on; another connection counts as a change.</summary>
    private sealed record FileVersion(SqliteSession Session, long Version);
}
