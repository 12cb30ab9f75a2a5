using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Retention;

/// <summary>Deletes ended workflows in batches.</summary>
/// <remarks>
/// Each batch is its own transaction: an interrupted pass keeps the deletions of its finished batches, and the next pass continues. Rows
/// that someone has locked are left to the next pass, so that a pass waits for nobody and hardly anybody waits for it. A workflow that
/// stays because a resumable workflow may look at it ended before that one. Once the resumable workflow is deleted, the pass starts again.
/// A workflow that even alone takes longer than a statement may is left alone for an hour, so that it does not keep the others.
/// </remarks>
internal sealed class GarbageCollector(IManagementStore store, ILogger logger)
{
    private const string Doing = "delete ended workflows";

    // Each timeout costs the database a statement's whole time, so that few of them must lead to a single row.
    private const int ShrinkBits = 2;

    // So many one after the other are hardly too large: something else may hold up every deletion, such as an index that is being built.
    // Then the pass ends, and none is named. If they are too large, the next passes go on behind them.
    private const int LeftInARowMax = 5;

    // A pass over workflows that must stay should not need one statement for every few rows.
    private const int LookedMin = 500;

    private readonly LeftRows left = new(TimeProvider.System);

    /// <summary>Deletes the workflows that a policy selects.</summary>
    /// <param name="scope">The policy, and whose workflows it applies to.</param>
    /// <param name="cancellationToken">Ends the pass between two batches.</param>
    /// <returns>How many workflows were deleted, and how long the database worked on it.</returns>
    /// <exception cref="StoreUnavailableException">
    /// In repeated tries the database did not say in time what to delete, or could not delete any of several workflows, each alone.
    /// </exception>
    public async Task<(long Deleted, TimeSpan Taken)> CollectAsync(
        RetentionScope scope, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var others = new OtherWork(store.ReadCommitsAsync, TimeProvider.System);
        var (bound, taken) = await TakeTimeAsync(
            _ => store.ReadRetentionBoundAsync(scope, cancellationToken), StoreBackoff.TimeoutsMax, cancellationToken)
            .ConfigureAwait(false);
        if (bound is not { } last)
        {
            return (0, taken);
        }

        var (total, after, frees) = (0L, (PageKey?)null, false);
        while (true)
        {
            var isBusy = await StoreBackoff.RepeatInTimeAsync(
                Doing, _ => others.IsBusyAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
            var most = RetentionPace.Batch(isBusy, TimeProvider.System.GetElapsedTime(began));
            var (batch, batchTaken) = await DeleteAsync(new RetentionRequest(scope, last, after, most), cancellationToken)
                .ConfigureAwait(false);
            others.AddOwn();
            (total, taken, after, frees) = (total + batch.Deleted, taken + batchTaken, batch.Last, frees || batch.Frees);
            if (after is null && !frees)
            {
                left.ForgetOver();
                return (total, taken);
            }

            frees = frees && after is not null;
            var rest = RetentionPace.Rest(isBusy, batchTaken, TimeProvider.System.GetElapsedTime(began));
            await Task.Delay(rest, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
    }

    // Histories may be so long that deleting a whole batch takes longer than one statement may, or even deleting one of them.
    private async Task<(RetentionBatch Batch, TimeSpan Taken)> DeleteAsync(RetentionRequest whole, CancellationToken cancellationToken)
    {
        var suspects = new List<string>();
        while (true)
        {
            try
            {
                var answer = await TakeTimeAsync(
                    failures => store.CollectAsync(Shrunk(whole, failures), cancellationToken),
                    TriesToOne(whole.Limit),
                    cancellationToken).ConfigureAwait(false);
                suspects.ForEach(logger.WorkflowTooLarge);
                return answer;
            }
            catch (StoreUnavailableException late) when (late.TimedOut)
            {
                var single = Shrunk(whole, TriesToOne(whole.Limit));
                if (suspects.Count == LeftInARowMax || await FindFirstAsync(single, cancellationToken).ConfigureAwait(false) is not { } id)
                {
                    throw;
                }

                left.Add(id);
                suspects.Add(id);
            }
        }
    }

    private RetentionRequest Shrunk(RetentionRequest whole, int failures)
    {
        var limit = Math.Max(1, whole.Limit >> Math.Min(ShrinkBits * failures, 31));
        return whole with { Limit = limit, LookedMax = Math.Max(LookedMin, 4 * limit), Except = left.Ids };
    }

    // How many tries in a row, each shorter than the one before, end with a single workflow.
    private static int TriesToOne(int limit)
    {
        var tries = 1;
        for (var rest = limit; rest > 1; rest >>= ShrinkBits)
        {
            tries++;
        }

        return tries;
    }

    private async Task<string?> FindFirstAsync(RetentionRequest single, CancellationToken cancellationToken)
    {
        var first = await StoreBackoff.RepeatInTimeAsync(
            Doing, _ => store.FindFirstAsync(single, cancellationToken), cancellationToken).ConfigureAwait(false);
        return first?.Id;
    }

    // Measures only the call that was answered, as time lost to an outage before it is not work of the database.
    private static async Task<(T Result, TimeSpan Taken)> TakeTimeAsync<T>(
        Func<int, Task<T>> call, int timeoutsMax, CancellationToken cancellationToken)
    {
        var asked = 0L;
        var result = await StoreBackoff.RepeatInTimeAsync(
            Doing,
            failures =>
            {
                asked = TimeProvider.System.GetTimestamp();
                return call(failures);
            },
            cancellationToken,
            timeoutsMax).ConfigureAwait(false);
        return (result, TimeProvider.System.GetElapsedTime(asked));
    }
}
