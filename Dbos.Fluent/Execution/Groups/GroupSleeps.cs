namespace Dbos.Fluent.Execution;

/// <summary>
/// The sleeps among the members of a group. No row says that one was over when another member failed, only when it ends: of a group that
/// fails they say nothing, and do not move the workflow's clock, on the first run and on each replay alike.
/// </summary>
internal sealed class GroupSleeps
{
    // Members end on several threads.
    private readonly Lock gate = new();
    private long? latestMs;

    /// <summary>When the last of them was over; null where none was.</summary>
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
