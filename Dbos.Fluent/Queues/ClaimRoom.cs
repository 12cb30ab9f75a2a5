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

    /// <summary>The same for a claim from one queue with limits, beside those from others that are under way.</summary>
    // What those may still bring counts as busy, as many queues together would otherwise exceed the capacity. It does not count for queues
    // without limits: they must not wait while a claim waits for the lock of its queue.
    public int LeftBesideOthers => Math.Min(Left, Capacity - running.Busy - Volatile.Read(ref promised));

    /// <summary>Takes the room that is left for a claim from a queue with limits; it may be none.</summary>
    public Promise Take()
    {
        lock (gate)
        {
            var promise = new Promise(this, Math.Max(0, LeftBesideOthers));
            promised += promise.Limit;
            return promise;
        }
    }

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
