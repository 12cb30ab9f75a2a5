using System.Runtime.CompilerServices;

namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteSignalStore(SqliteThreads writer, TimeSpan pollInterval) : ISignalStore
{
    public Task AnnounceAsync(IReadOnlyCollection<StoreSignal> signals, CancellationToken cancellationToken) => Task.CompletedTask;

    public async IAsyncEnumerable<StoreSignal> ListenAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The version is read before the first signal, so that no change falls between.
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

    // Read on the writer's connection, whose own commits do not count: only what others commit wakes anybody.
    private async Task<FileVersion?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await writer.RunAsync(Read, SqliteJobKind.Bare, cancellationToken).ConfigureAwait(false);
        }
        catch (DbosException)
        {
            // Whatever is wrong with the file now, those who read and write it are told; here the next look may succeed.
            return null;
        }
    }

    private static FileVersion Read(SqliteSession session)
    {
        using var statement = session.Use(TransactionSql.ReadDataVersion);
        statement.Step();
        return new FileVersion(session, statement.Int64(0));
    }

    /// <summary>A version means something only on the connection it was read on; another connection counts as a change.</summary>
    private sealed record FileVersion(SqliteSession Session, long Version);
}
