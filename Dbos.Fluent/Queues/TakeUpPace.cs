using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>Paces the take-up of the many workflows that a dead executor left.</summary>
/// <remarks>
/// It leaves room for what runs here and a share for the other survivors: batches are smaller, and a rest follows each. If nothing else
/// runs here and no other executor is alive, there is no delay. Without a rest the replays and writes would take all of the database and
/// the processors: running workflows' steps were measured at a third of their rate. Only the dispatcher's loop uses this class.
/// </remarks>
internal sealed class TakeUpPace(RunningWorkflows running)
{
    private const int BatchMax = 100;

    // At most five thousand a second: thousands are taken up within seconds of the end of a lease, and other work keeps most of its rate.
    private static readonly TimeSpan RestForEach = TimeSpan.FromMilliseconds(0.2);

    private volatile bool hasPeers;
    private long since;
    private TimeSpan rest;
    private bool makesRoom;

    /// <summary>Whether other executors of the application are alive, as last seen.</summary>
    public bool HasPeers { get => hasPeers; set => hasPeers = value; }

    /// <summary>How much of the rest is left; zero if there is no rest.</summary>
    public TimeSpan Left => rest - TimeProvider.System.GetElapsedTime(since) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>How many workflows one claim may take, given the room.</summary>
    // One large claim would hold up everything else that writes, on SQLite above all, for as long as it takes.
    public int Limit(int room) => HasPeers || makesRoom ? Math.Min(room, BatchMax) : room;

    /// <summary>Records the workflows that a claim returned.</summary>
    public void Took(IReadOnlyList<ClaimedWorkflow> claimed)
    {
        var takenUp = claimed.Count(IsTakenUp);
        makesRoom = takenUp > 0 && (HasPeers || running.AnyBusy(IsOther));
        if (makesRoom && takenUp * RestForEach is var wanted && wanted > Left)
        {
            (since, rest) = (TimeProvider.System.GetTimestamp(), wanted);
        }
    }

    private static bool IsTakenUp(ClaimedWorkflow work) => work.Attempt > 1;

    private static bool IsOther(ClaimedWorkflow work) => !IsTakenUp(work);
}
