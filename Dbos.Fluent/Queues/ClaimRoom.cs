using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Queues;

/// <summary>How many more workflows this process may claim.</summary>
internal sealed class ClaimRoom(RunEnvironment environment, RunningWorkflows running)
{
    /// <summary>The number of runs that may be busy at once; waiting runs do not count.</summary>
    private const int Capacity = 1000;

    private const int ClaimMax = 250;

    private readonly Lock gate = new();
    private int promised;

    /// <summary>How many one claim may take now; zero if the process is full or has no workflow code registered.</summary>
    public int Left => environment.Registry.Names.Count == 0 ? 0 : Math.Min(ClaimMax, Capacity - running.Busy);

    /// <summary>Takes room for a claim from a queue with limits, beside the claims from others that are under way.</summary>
    // What those may still bring counts as busy, as many queues together would otherwise exceed the capacity by far. One place is always
    // given: a claim that waits for the lock of its queue makes the claims from others small, and does not keep them from being made.
    public Promise Take(WorkflowQueue queue)
    {
        var free = Math.Min(Left, Most(queue));
        lock (gate)
        {
            var promise = new Promise(this, Math.Max(1, Math.Min(free, Capacity - running.Busy - promised)));
            promised += promise.Limit;
            return promise;
        }
    }

    // One more than the queue's limits give at once: a claim that brings as many as it may is followed by another.
    private static int Most(WorkflowQueue queue) => 1 + Math.Min(
        ClaimMax,
        Math.Min(queue.Concurrency ?? ClaimMax, Math.Min(queue.WorkerConcurrency ?? ClaimMax, queue.RateLimit?.Starts ?? ClaimMax)));

    /// <summary>Room that a claim has taken, until what it brought has begun.</summary>
    public readonly struct Promise(ClaimRoom room, int limit) : IDisposable
    {
        public int Limit { get; } = limit;

        public void Dispose()
        {
            lock (room.gate)
            {
                room.promised -= Limit;
            }
        }
    }
}
