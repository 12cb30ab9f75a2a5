namespace Dbos.Fluent.Execution;

/// <summary>
/// The sleeps among a group's members. A sleep's row says when it ends, not whether it was over when another member failed. So the sleeps
/// of a failed group never move the workflow's clock, neither on the first run nor on a replay.
/// </summary>
internal sealed class GroupSleeps
{
    // Members end on several threads.
    private readonly Lock gate = new();
    private long? latestMs;

    /// <summary>When the last finished sleep was over; null if none has finished.</summary>
    public long? LatestMs
    {
        get
        {
            lock (gate)
            {
                return latestMs;
            }
        }
    }

    public void Woke(long? wakeAtMs)
    {
        lock (gate)
        {
            latestMs = latestMs > wakeAtMs ? latestMs : wakeAtMs ?? latestMs;
        }
    }
}
