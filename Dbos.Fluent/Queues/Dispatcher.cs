using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Queues;

/// <summary>Claims waiting workflows from the queues, within their limits and this process's room, and runs them.</summary>
/// <remarks>
/// The database is asked only if a queue is marked. A queue is marked by an enqueue here or elsewhere, by a run that ends in a queue with a
/// limit, by the end of a delay or a rate window, and by the outlook that backs them all. A claimed row is always run or handed back.
/// Queues without limits are claimed together. A queue with limits is claimed alone, so that waiting for its lock blocks no other queue.
/// </remarks>
internal sealed class Dispatcher : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly ClaimedRuns runs;
    private readonly RunEnvironment environment;
    private readonly QueueBoard board;
    private readonly AsyncSignal wake = new();
    private readonly BackgroundLoop loop = new();
    private readonly LimitedQueues limited;
    private readonly DelayedStarts delays;
    private readonly TakeUpPace pace;
    private readonly CrowdedLanes crowded = new();
    private volatile bool full;
    private bool held;
    private bool internalFirst;
    private bool unmarked;

    public Dispatcher(IQueueStore store, ClaimedRuns runs, RunEnvironment environment, QueueBoard board)
    {
        (this.runs, this.environment, this.board, pace) = (runs, environment, board, runs.Pace);
        limited = new LimitedQueues(runs, environment, wake.Set, loop.Stopping);
        delays = new DelayedStarts(store, environment, wake.Set, loop.Stopping);
    }

    /// <summary>Called when only an outlook can show how to continue.</summary>
    public required Action Look { get; init; }

    /// <summary>Called with a queue into which delayed workflows have moved, perhaps those of another engine.</summary>
    public required Action<string> Released { get; init; }

    public void Start()
    {
        board.Mark("");
        loop.Start(TurnAsync, Failed, rest: Pause);
    }

    /// <summary>Reports that a workflow was enqueued; the name is empty if the queue is unknown.</summary>
    public void Enqueued(string queue)
    {
        board.Mark(queue);
        wake.Set();
    }

    /// <summary>Applies the result of an outlook.</summary>
    public void Saw(QueueOutlook outlook)
    {
        board.Update(outlook);
        delays.Next(outlook.NextDelayedAtMs);
        wake.Set();
    }

    /// <summary>Reports that a run has given up its place in its queue; a queue with limits is then claimed from again.</summary>
    public void PlaceFree(ClaimedWorkflow work)
    {
        if (work.Queue is { } queue && board.Find(queue) is { Row.Queue.IsLimited: true } lane)
        {
            lane.Mark();
            wake.Set();
        }
    }

    /// <summary>Reports that a run has ended or has begun to wait, so that this process has room for another.</summary>
    public void RoomMade()
    {
        if (full)
        {
            wake.Set();
        }
    }

    /// <summary>Stops claiming; workflows that are already claimed continue to run.</summary>
    public async ValueTask DisposeAsync()
    {
        await loop.StopAsync().ConfigureAwait(false);
        await Task.WhenAll(board.Lanes.Select(lane => lane.Claiming)).ConfigureAwait(false);
        limited.Dispose();
        delays.Dispose();
        await loop.DisposeAsync().ConfigureAwait(false);
        wake.Dispose();
    }

    // The internal queue is claimed from again when its rest is over. The rest is rounded up, as a wait below a millisecond is none.
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

    private async Task TurnAsync(CancellationToken cancellationToken)
    {
        if (unmarked)
        {
            unmarked = false;
            Look();
        }

        await DispatchAsync(cancellationToken).ConfigureAwait(false);
        await wake.WaitAsync(Rest, cancellationToken).ConfigureAwait(false);
    }

    // The failed turn may have taken marks. After the rest, an outlook marks the queues again.
    private void Failed(Exception exception)
    {
        environment.Logger.ClaimFailed(exception);
        unmarked = true;
    }

    private async Task DispatchAsync(CancellationToken cancellationToken)
    {
        foreach (var queue in await delays.ReleaseAsync(cancellationToken).ConfigureAwait(false))
        {
            board.Mark(queue);
            Released(queue);
        }

        if (delays.Unsettled)
        {
            Look();
        }

        full = runs.Room.Left <= 0;
        crowded.Mark();
        limited.Claim(board.Lanes);
        while (await ClaimAsync(cancellationToken).ConfigureAwait(false))
        {
            // A full batch: there may be more.
        }
    }

    // The internal queue holds the work that dead executors left, perhaps thousands of workflows older than all others. It has its own
    // claim statement, so that it delays no other queue. The two claims take turns at being first, so that neither always takes the last
    // free place.
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
        return ClaimAsync(lanes, runs.Room.Left, cancellationToken);
    }

    // The rest is checked once before and once after the claim, and stored. A rest that ends in between is not waited for, and a rest that
    // is still running is not missed.
    private async Task<bool> ClaimInternalAsync(CancellationToken cancellationToken)
    {
        held = pace.Left > TimeSpan.Zero && Internal.IsMarked;
        if (held || !await ClaimAsync([Internal], pace.Limit(runs.Room.Left), cancellationToken).ConfigureAwait(false))
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
