using System.Diagnostics;

namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
/// <remarks>Nothing is ever <see cref="CommitStatus.Busy"/> here: the file has one lock, and the writer waits for it.</remarks>
internal sealed class SqliteCommitStore(SqliteThreads writer, TimeProvider time) : ICommitStore
{
    public async ValueTask<IReadOnlyList<CommitResult>> CommitAsync(IReadOnlyList<CommitUnit> batch, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => Write(session, batch), cancellationToken).ConfigureAwait(false);

    public async ValueTask<CommitResult> CommitWaitingAsync(CommitUnit unit, CancellationToken cancellationToken) =>
        (await CommitAsync([unit], cancellationToken).ConfigureAwait(false))[0];

    private CommitResult[] Write(SqliteSession session, IReadOnlyList<CommitUnit> batch)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var writing = new SqliteCommit(session, now);
        var messaging = new SqliteMessagingCommit(session, now);
        var results = new CommitResult[batch.Count];
        for (var index = 0; index < results.Length; index++)
        {
            results[index] = batch[index] switch
            {
                CheckpointUnit checkpoints => writing.Write(checkpoints),
                OutcomeUnit outcome => writing.Write(outcome),
                StartUnit start => writing.Write(start),
                SendUnit send => messaging.Write(send),
                ReceiveUnit receive => messaging.Write(receive),
                EventUnit set => messaging.Write(set),
                StreamUnit stream => messaging.Write(stream),
                ParkUnit park => new SqlitePark(session, now).Write(park),
                ContinueUnit again => new SqliteContinue(session, now).Write(again),
                DebounceUnit debounce => new SqliteDebounce(session, now).Write(debounce),
                var other => throw new UnreachableException($"Unknown unit {other.GetType()}."),
            };
        }

        return results;
    }
}
