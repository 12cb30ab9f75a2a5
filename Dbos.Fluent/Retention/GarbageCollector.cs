using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Retention;

/// <summary>Deletes ended workflows, batch by batch.</summary>
/// <remarks>
/// Each batch is a transaction of its own: a pass that is interrupted has deleted what its batches so far were about, and the next one goes
/// on. Rows that somebody holds are left to the next pass, so that it waits for nobody and hardly anybody waits for it.
/// </remarks>
internal sealed class GarbageCollector(IManagementStore store)
{
    // A few hundredths of a second of the database's time. More hardly helps, and whoever comes behind it waits longer.
    private const int BatchMax = 1000;
    private const int FailuresMax = 10;

    /// <summary>Deletes what a policy says, and gives how many workflows that were.</summary>
    /// <param name="scope">The policy, and whose workflows.</param>
    /// <param name="pause">Waits after a batch that took so long, before the next.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    public async Task<long> CollectAsync(
        RetentionScope scope, Func<TimeSpan, CancellationToken, Task> pause, CancellationToken cancellationToken)
    {
        var bound = await StoreBackoff.RepeatAsync(_ => store.ReadRetentionBoundAsync(scope, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        if (bound is not { } last)
        {
            return 0;
        }

        var (total, after) = (0L, (PageKey?)null);
        while (true)
        {
            var from = after;
            var begun = TimeProvider.System.GetTimestamp();
            var batch = await StoreBackoff.RepeatAsync(
                failures =>
                {
                    // Histories may be so long that a whole batch of them takes longer than a statement may.
                    var limit = Math.Max(1, BatchMax >> Math.Min(failures, FailuresMax));
                    return store.CollectAsync(new RetentionRequest(scope, last, from, limit), cancellationToken);
                },
                cancellationToken).ConfigureAwait(false);
            (total, after) = (total + batch.Deleted, batch.Last);
            if (after is null)
            {
                return total;
            }

            await pause(TimeProvider.System.GetElapsedTime(begun), cancellationToken).ConfigureAwait(false);
        }
    }
}
