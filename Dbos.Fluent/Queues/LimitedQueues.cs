using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Queues;

/// <summary>Claims from queues with limits, each by itself.</summary>
internal sealed class LimitedQueues(
    ClaimedRuns runs, RunEnvironment environment, Action wake, CancellationToken stopping) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Where very many partitions are full, the search for one with room goes on from its last place at the next mark, not at once.
    /// </summary>
    private const int EmptyClaimsMax = 8;
    private const int RetryMin = 10;

    private readonly Lock gate = new();
    private MomentTimer? timer;

    /// <summary>Begins to claim from those that are marked and from which nobody claims yet. Nothing is waited for.</summary>
    public void Claim(IEnumerable<QueueLane> lanes)
    {
        var now = environment.Clock.NowMs;
        long? next = null;
        foreach (var lane in lanes.Where(lane => lane.Row is { Paused: false, Queue.IsLimited: true }))
        {
            if (lane.RetryAtMs <= now)
            {
                lane.RetryAtMs = null;
                lane.Mark();
            }

            if (lane.IsMarked && lane.Claiming.IsCompleted && runs.Room > 0)
            {
                lane.Claiming = ClaimAsync(lane);

                // What was marked since its last claim began, or learnt of a rate window, is the loop's to see once it has ended.
                _ = lane.Claiming.ContinueWith(
                    _ => wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            next = lane.RetryAtMs < (next ?? long.MaxValue) ? lane.RetryAtMs : next;
        }

        lock (gate)
        {
            timer ??= new MomentTimer(environment.Clock, wake, stopping);
            timer.Set(next);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            timer?.Dispose();
        }
    }

    private async Task ClaimAsync(QueueLane lane)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            lane.EmptyClaims = 0;
            while (runs.Room > 0 && lane.TakeMark())
            {
                await ClaimOnceAsync(lane).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped: what was claimed is handed back.
        }
        catch (Exception exception)
        {
            // A queue whose claims ended would be stranded: they begin again.
            environment.Logger.QueueClaimFailed(lane.Row.Queue.Name, exception);
            lane.Mark();
            await Task.Delay(Pause, TimeProvider.System, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ClaimOnceAsync(QueueLane lane)
    {
        var after = lane.AfterPartition;
        var claim = await runs.ClaimLimitedAsync(lane.Row.Queue.Name, after, stopping).ConfigureAwait(false);
        lane.AfterPartition = claim.LastPartition;

        // The store's clock may have stepped back behind this one: it is not asked again and again.
        lane.RetryAtMs = claim.RetryAtMs is { } at ? Math.Max(at, environment.Clock.NowMs + RetryMin) : null;
        lane.EmptyClaims = claim.Result.Claimed.Count + claim.Result.DeadLettered.Count > 0 ? 0 : lane.EmptyClaims + 1;
        if (claim.More && lane.EmptyClaims < EmptyClaimsMax)
        {
            lane.Mark();
            if (lane.EmptyClaims > 0 && claim.LastPartition == after)
            {
                // Peers hold what was looked at: the same again at once would find them still at it.
                await Task.Delay(CrowdedLanes.RestAfter(lane.EmptyClaims), TimeProvider.System, stopping).ConfigureAwait(false);
            }
        }
    }
}
