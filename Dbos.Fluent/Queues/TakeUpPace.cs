using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>
/// Leaves room while thousands of workflows are taken up that a dead executor left: room for what runs here, and a share for the other
/// survivors. Batches are smaller then, and after each there is a rest. Where nothing else runs and nobody else lives, nobody is held up.
/// </summary>
/// <remarks>
/// Their replays and writes are as quick as the database and the processors allow, so without a rest they would take all of both: the
/// running workflows' steps were measured at a third of their rate. Used by the dispatcher's loop alone.
/// </remarks>
internal sealed class TakeUpPace(RunningWorkflows running)
{
    private const int BatchMax = 100;

    // Two thousand a second at most: a thousand are taken up well within two seconds of the end of a lease.
    private static readonly TimeSpan RestForEach = TimeSpan.FromMilliseconds(0.5);

    private volatile bool hasPeers;
    private long since;
    private TimeSpan rest;

    /// <summary>Whether other executors of the application are alive, as last seen.</summary>
    public bool HasPeers { get => hasPeers; set => hasPeers = value; }

    /// <summary>How long the rest still lasts; zero where there is none.</summary>
    public TimeSpan Left => rest - TimeProvider.System.GetElapsedTime(since) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>How many may be claimed at once, where there is room for so many.</summary>
    public int Limit(int room) => HasPeers ? Math.Min(room, BatchMax) : room;

    /// <summary>Takes in what a claim has brought.</summary>
    public void Took(IReadOnlyList<ClaimedWorkflow> claimed)
    {
        var takenUp = claimed.Count(IsTakenUp);
        if (takenUp * RestForEach is var wanted && wanted > Left && (HasPeers || running.AnyBusy(IsOther)))
        {
            (since, rest) = (TimeProvider.System.GetTimestamp(), wanted);
        }
    }

    private static bool IsTakenUp(ClaimedWorkflow work) => work.Attempt > 1;

    private static bool IsOther(ClaimedWorkflow work) => !IsTakenUp(work);
}
