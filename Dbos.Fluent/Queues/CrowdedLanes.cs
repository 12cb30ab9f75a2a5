namespace Dbos.Fluent.Queues;

/// <summary>
/// Lanes of which peers held all that a claim looked at: more may wait behind that, and is looked for again after a short rest.
/// </summary>
/// <remarks>
/// Peers that drain one backlog are in each other's way for as long as a claim takes. Where somebody holds a line for longer, the rests
/// grow; the outlook behind them all looks at it too.
/// </remarks>
internal sealed class CrowdedLanes
{
    private const int DoublingsMax = 6;

    private readonly List<QueueLane> lanes = [];
    private int empty;

    /// <summary>How long to rest before they are marked again; without end where there are none.</summary>
    public TimeSpan Rest => lanes.Count == 0 ? Timeout.InfiniteTimeSpan : RestAfter(empty);

    /// <summary>The rest after so many claims in a row that took nothing: 4 ms, doubling to a quarter of a second, with jitter.</summary>
    public static TimeSpan RestAfter(int empty) =>
        TimeSpan.FromMilliseconds(Math.Ceiling((4 << Math.Min(empty, DoublingsMax)) * (0.5 + Random.Shared.NextDouble())));

    /// <summary>Takes in how a claim from these ended.</summary>
    public void Note(List<QueueLane> claimed, ClaimEnd end)
    {
        if (end.More)
        {
            lanes.AddRange(claimed);
        }

        empty = end.More && end.Taken == 0 ? empty + 1 : 0;
    }

    public void Mark()
    {
        lanes.ForEach(lane => lane.Mark());
        lanes.Clear();
    }
}
