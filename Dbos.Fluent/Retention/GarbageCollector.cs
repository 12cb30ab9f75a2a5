using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Retention;

/// <summary>Deletes ended workflows, batch by batch.</summary>
/// <remarks>
/// Each batch is a transaction of its own: a pass that is interrupted has deleted what its batches so far were about, and the next one goes
/// on. Rows that somebody holds are left to the next pass, so that it waits for nobody and hardly anybody waits for it. What stayed because
/// a workflow that could be resumed might look at it ended before that one: when that one is gone, a pass begins anew.
/// </remarks>
internal sealed class GarbageCollector(IManagementStore store)
{
    // A full batch is one workflow after as many halvings. One that takes longer than a statement may by itself is told of then.
    private const int FailuresMax = 10;

    // A pass through what has to stay should not take a statement for each few rows.
    private const int LookedMin = 500;

    /// <summary>Deletes what a policy says.</summary>
    /// <param name="scope">The policy, and whose workflows.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    /// <returns>How many workflows that were, and how long the database was at work for it.</returns>
    /// <exception cref="StoreUnavailableException">Not even one workflow at a time was deleted in time, again and again.</exception>
    public async Task<(long Deleted, TimeSpan Taken)> CollectAsync(
        RetentionScope scope, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var others = new OtherWork(store.ReadCommitsAsync, TimeProvider.System);
        var (bound, taken) = await TakeTimeAsync(_ => store.ReadRetentionBoundAsync(scope, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        if (bound is not { } last)
        {
            return (0, taken);
        }

        var (total, after, frees) = (0L, (PageKey?)null, false);
        while (true)
        {
            var from = after;
            var isBusy = await StoreBackoff.RepeatInTimeAsync(
                "delete ended workflows", _ => others.IsBusyAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
            var most = RetentionPace.Batch(isBusy, TimeProvider.System.GetElapsedTime(began));
            var (batch, batchTaken) = await TakeTimeAsync(
                failures =>
                {
                    // Histories may be so long that a whole batch of them takes longer than a statement may.
                    var limit = Math.Max(1, most >> Math.Min(failures, FailuresMax));
                    var request = new RetentionRequest(scope, last, from, limit) { LookedMax = Math.Max(LookedMin, 4 * limit) };
                    return store.CollectAsync(request, cancellationToken);
                },
                cancellationToken).ConfigureAwait(false);
            others.AddOwn();
            (total, taken, after, frees) = (total + batch.Deleted, taken + batchTaken, batch.Last, frees || batch.Frees);
            if (after is null && !frees)
            {
                return (total, taken);
            }

            frees = frees && after is not null;
            var rest = RetentionPace.Rest(isBusy, batchTaken, TimeProvider.System.GetElapsedTime(began));
            await Task.Delay(rest, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    // What the call itself took when it was answered: an outage before that is no work of the database's.
    private static async Task<(T Result, TimeSpan Taken)> TakeTimeAsync<T>(
        Func<int, Task<T>> call, CancellationToken cancellationToken)
    {
        var asked = 0L;
        var result = await StoreBackoff.RepeatInTimeAsync(
            "delete ended workflows",
            failures =>
            {
                asked = TimeProvider.System.GetTimestamp();
                return call(failures);
            },
            cancellationToken,
            FailuresMax + StoreBackoff.TimeoutsMax).ConfigureAwait(false);
        return (result, TimeProvider.System.GetElapsedTime(asked));
    }
}
