using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Writes the units of a client, each in a transaction of its own; an engine gathers its units in the checkpointer.</summary>
internal sealed class DirectWrites(ICommitStore store, CancellationToken stopped)
{
    /// <summary>Writes one unit. Outages of the database are waited out.</summary>
    // A row that somebody was deleting or held is asked for again: the next try sees what has become of it.
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
