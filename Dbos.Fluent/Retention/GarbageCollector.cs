using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Retention;

/// <summary>Deletes ended workflows, batch by batch.</summary>
/// <remarks>
/// Each batch is a transaction of its own: a pass that is interrupted has deleted what its batches so far were about, and the next one goes
/// on. Rows that somebody holds are left to the next pass, so that it waits for nobody and hardly anybody waits for it.
/// </remarks>
internal sealed class GarbageCollector(IManagementStore store)
{
    private const int FailuresMax = 10;

    // A pass through what has to stay should not take a statement for each few rows.
    private const int LookedMin = 500;

    /// <summary>Deletes what a policy says, and gives how many workflows that were.</summary>
    /// <param name="scope">The policy, and whose workflows.</param>
    /// <param name="pace">How much at once, and how long it rests in between.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    public async Task<long> CollectAsync(
        RetentionScope scope, RetentionPace pace, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
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
            var batchBegan = TimeProvider.System.GetTimestamp();
            var most = pace.Batch(TimeProvider.System.GetElapsedTime(began));
            var batch = await StoreBackoff.RepeatAsync(
                failures =>
                {
                    // Histories may be so long that a whole batch of them takes longer than a statement may.
                    var limit = Math.Max(1, most >> Math.Min(failures, FailuresMax));
                    var request = new RetentionRequest(scope, last, from, limit) { LookedMax = Math.Max(LookedMin, 4 * limit) };
                    return store.CollectAsync(request, cancellationToken);
                },
                cancellationToken).ConfigureAwait(false);
            (total, after) = (total + batch.Deleted, batch.Last);
            if (after is null)
            {
                return total;
            }

            var rest = pace.Rest(TimeProvider.System.GetElapsedTime(batchBegan), TimeProvider.System.GetElapsedTime(began));
            await Task.Delay(rest, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }
}
