using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Retention;

/// <summary>Deletes ended workflows in batches.</summary>
/// <remarks>
/// Each batch is its own transaction: an interrupted pass keeps the deletions of its finished batches, and the next pass continues. Rows
/// that someone has locked are left to the next pass, so that a pass waits for nobody and hardly anybody waits for it. A workflow that
/// stays because a resumable workflow may look at it ended before that one. Once the resumable workflow is deleted, the pass starts again.
/// </remarks>
internal sealed class GarbageCollector(IManagementStore store)
{
    // After this many halvings a full batch is one workflow. If even that one takes longer than a statement may, the pass fails.
    private const int FailuresMax = 10;

    // A pass over workflows that must stay should not need one statement for every few rows.
    private const int LookedMin = 500;

    /// <summary>Deletes the workflows that a policy selects.</summary>
    /// <param name="scope">The policy, and whose workflows it applies to.</param>
    /// <param name="cancellationToken">Ends the pass between two batches.</param>
    /// <returns>How many workflows were deleted, and how long the database worked on it.</returns>
    /// <exception cref="StoreUnavailableException">In repeated tries, not even a single workflow was deleted in time.</exception>
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
                    // Histories may be so long that deleting a whole batch takes longer than one statement may.
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

    // Measures only the call that was answered, as time lost to an outage before it is not work of the database.
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
