using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Writes the units of a client, each in its own transaction; an engine collects its units in the checkpointer.</summary>
internal sealed class DirectWrites(ICommitStore store, CancellationToken stopped)
{
    /// <summary>Writes one unit, and retries while the database is unavailable.</summary>
    // If another process was deleting or held the row, the write is tried again: the next try sees the result.
    public async Task<CommitResult> WriteAsync(CommitUnit unit)
    {
        while (true)
        {
            var result = await StoreBackoff.RepeatAsync(_ => store.CommitWaitingAsync(unit, stopped).AsTask(), stopped)
                .ConfigureAwait(false);
            if (result.Status != CommitStatus.Busy)
            {
                return result;
            }
        }
    }
}
