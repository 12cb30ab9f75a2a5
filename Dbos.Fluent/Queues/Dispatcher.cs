using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>Takes waiting workflows from the queues, as many as their limits and this process have room for, and runs them.</summary>
/// <remarks>
/// Nothing is asked of the database unless something may be there: a queue is marked by enqueues here and elsewhere, by runs that end where
/// a limit held others back, when a delay or a rate window is over, and by the outlook behind them all. A claimed row is always run or
/// handed back. Queues without limits are claimed together; one with limits by itself, so that waiting for its lock holds up no other.
/// </remarks>
internal sealed class Dispatcher : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly ClaimedRuns runs;
    private readonly RunEnvironment environment;
    private readonly QueueBoard board;
    private readonly AsyncSignal wake = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly LimitedQueues limited;
    private readonly DelayedStarts delays;
    private readonly TakeUpPace pace;
    private readonly CrowdedLanes crowded = new();
    private Task loop = Task.CompletedTask;
    private volatile bool full;
    private bool held;
    private bool internalFirst;

    public Dispatcher(IQueueStore store, ClaimedRuns runs, RunEnvironment environment, QueueBoard board)
    {
        (this.runs, this.environment, this.board, pace) = (runs, environment, board, runs.Pace);
        limited = new LimitedQueues(runs, environment, wake.Set, stopping.Token);
        delays = new DelayedStarts(store, environment, wake.Set, stopping.Token);
    }

    /// <summary>Called where only a look at everything shows how to continue.</summary>
    public required Action Look { get; init; }

    public void Start()
    {
        board.Mark("");
        loop = Task.Run(RunAsync);
    }

    /// <summary>Something was enqueued; without a queue's name, somewhere.</summary>
    public void Enqueued(string queue)
    {
        board.Mark(queue);
        wake.Set();
    }

    /// <summary>Takes in a look at everything.</summary>
    public void Saw(QueueOutlook outlook)
    {
        board.Update(outlook);
        delays.Next(outlook.NextDelayedAtMs);
        wake.Set();
    }

    /// <summary>A run has given up its place in its queue: looks again where it was in the way of others.</summary>
    public void PlaceFree(ClaimedWorkflow work)
    {
        if (work.Queue is { } queue && board.Find(queue) is { Row.Queue.IsLimited: true } lane)
        {
            lane.Mark();
            wake.Set();
        }
    }

    /// <summary>A run has ended, or only waits from now on: this process has room for another.</summary>
    public void RoomMade()
    {
        if (full)
        {
            wake.Set();
        }
    }

    /// <summary>Claims no more; what is claimed already runs on.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        await Task.WhenAll(board.Lanes.Select(lane => lane.Claiming)).ConfigureAwait(false);
        limited.Dispose();
        delays.Dispose();
        stopping.Dispose();
        wake.Dispose();
    }

    // What waits in the internal queue while there is a rest is looked at again when it is over; rounded up, as a wait of a part of a
    // millisecond is none.
    private TimeSpan Rest
    {
        get
        {
            if (!held)
            {
                return crowded.Rest;
            }

            var left = TimeSpan.FromMilliseconds(Math.Ceiling(pace.Left.TotalMilliseconds));
            return crowded.Rest is var rest && rest != Timeout.InfiniteTimeSpan && rest < left ? rest : left;
        }
    }

    private QueueLane Internal => board.Find(QueueNames.Internal)!;

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await DispatchAsync(stopping.Token).ConfigureAwait(false);
                await wake.WaitAsync(Rest, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // It says what happened, and the next look at everything marks what it left.
                environment.Logger.ClaimFailed(exception);
                await Task.Delay(Pause, TimeProvider.System, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Look();
            }
        }
    }

    private async Task DispatchAsync(CancellationToken cancellationToken)
    {
        foreach (var queue in await delays.ReleaseAsync(cancellationToken).ConfigureAwait(false))
        {
            board.Mark(queue);
        }

        if (delays.Unsettled)
        {
            Look();
        }

        full = runs.Room <= 0;
        crowded.Mark();
        limited.Claim(board.Lanes);
        while (await ClaimAsync(cancellationToken).ConfigureAwait(false))
        {
            // A full batch: there may be more.
        }
    }

    // What executors left that are gone waits in the internal queue, perhaps by the thousands, and is older than all else: with a statement
    // of its own it keeps no other queue waiting. They take turns at being first, so that where there is room for one more neither keeps it
    // from the other.
    private async Task<bool> ClaimAsync(CancellationToken cancellationToken)
    {
        internalFirst = !internalFirst;
        var more = !internalFirst && await ClaimNamedAsync(cancellationToken).ConfigureAwait(false);
        more |= await ClaimInternalAsync(cancellationToken).ConfigureAwait(false);
        return (internalFirst && await ClaimNamedAsync(cancellationToken).ConfigureAwait(false)) || more;
    }

    private Task<bool> ClaimNamedAsync(CancellationToken cancellationToken)
    {
        var lanes = board.Lanes.Where(lane => lane != Internal && lane is { Row: { Paused: false, Queue.IsLimited: false } }).ToList();
        return ClaimAsync(lanes, runs.Room, cancellationToken);
    }

    // Whether there is a rest is asked once before and once after, and remembered: one that ends meanwhile is waited for no longer, and
    // none is slept through.
    private async Task<bool> ClaimInternalAsync(CancellationToken cancellationToken)
    {
        held = pace.Left > TimeSpan.Zero && Internal.IsMarked;
        if (held || !await ClaimAsync([Internal], pace.Limit(runs.Room), cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        held = pace.Left > TimeSpan.Zero;
        return !held;
    }

    private async Task<bool> ClaimAsync(List<QueueLane> among, int limit, CancellationToken cancellationToken)
    {
        full = limit <= 0;
        if (full)
        {
            return false;
        }

        var lanes = among.FindAll(lane => lane.TakeMark());
        if (lanes.Count == 0)
        {
            return false;
        }

        var end = await runs.ClaimAsync(limit, [.. lanes.Select(lane => lane.Row.Queue.Name)], cancellationToken).ConfigureAwait(false);
        crowded.Note(lanes, end);
        if (end.Taken < limit)
        {
            return false;
        }

        lanes.ForEach(lane => lane.Mark());
        return true;
    }
}
