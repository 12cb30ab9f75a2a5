using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Queues;

/// <summary>Claims from queues with limits, each separately.</summary>
internal sealed class LimitedQueues(
    ClaimedRuns runs, RunEnvironment environment, Action wake, CancellationToken stopping) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The number of empty claims after which a search over full partitions pauses; it continues from its last place at the next mark.
    /// </summary>
    private const int EmptyClaimsMax = 8;
    private const int RetryMin = 10;

    private readonly Lock gate = new();
    private MomentTimer? timer;

    /// <summary>Starts a claim for each marked queue that has no claim under way. It waits for nothing.</summary>
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

            if (lane.IsMarked && lane.Claiming.IsCompleted && runs.Room.Left > 0)
            {
                lane.Claiming = ClaimAsync(lane);

                // After the claim, the loop handles marks set since it began, and any rate window that it found.
                _ = lane.Claiming.ContinueWith(
                    _ => wake(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            next = lane.RetryAtMs < (next ?? long.MaxValue) ? lane.RetryAtMs : next;
        }

        lock (gate)
        {
            timer ??= new MomentTimer(environment.Clock, environment.Logger, wake, stopping);
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
            while (runs.Room.Left > 0 && lane.TakeMark())
            {
                await ClaimOnceAsync(lane).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopping: the engine hands back what was claimed.
        }
        catch (Exception exception)
        {
            // Without a retry the queue would be stranded, so its claims begin again.
            environment.Logger.QueueClaimFailed(lane.Row.Queue.Name, exception);
            lane.Mark();
            await Task.Delay(Pause, TimeProvider.System, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ClaimOnceAsync(QueueLane lane)
    {
        var after = lane.AfterPartition;
        var claim = await runs.ClaimLimitedAsync(lane.Row.Queue, after, stopping).ConfigureAwait(false);
        lane.AfterPartition = claim.LastPartition;

        // The store's clock may be behind this one after a step back. The minimum keeps the loop from asking again and again.
        lane.RetryAtMs = claim.RetryAtMs is { } at ? Math.Max(at, environment.Clock.NowMs + RetryMin) : null;
        lane.EmptyClaims = claim.Result.Claimed.Count + claim.Result.DeadLettered.Count > 0 ? 0 : lane.EmptyClaims + 1;
        if (claim.More && lane.EmptyClaims < EmptyClaimsMax)
        {
            lane.Mark();
            if (lane.EmptyClaims > 0 && claim.LastPartition == after)
            {
                // Peers hold the rows that were looked at. An immediate retry would find them still held.
                await Task.Delay(CrowdedLanes.RestAfter(lane.EmptyClaims), TimeProvider.System, stopping).ConfigureAwait(false);
            }
        }
    }
}
