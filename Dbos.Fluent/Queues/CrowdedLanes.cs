namespace Dbos.Fluent.Queues;

/// <summary>Collects lanes in which peers held every row that a claim looked at, and marks them again after a short rest.</summary>
/// <remarks>
/// More rows may wait behind the held ones. Peers that drain one backlog block each other only for as long as a claim takes. If someone
/// holds the rows for longer, the rests grow. The outlook also looks at these lanes.
/// </remarks>
internal sealed class CrowdedLanes
{
    private const int DoublingsMax = 6;

    private readonly List<QueueLane> lanes = [];
    private int empty;

    /// <summary>How long to rest before the lanes are marked again; infinite if there are no lanes.</summary>
    public TimeSpan Rest => lanes.Count == 0 ? Timeout.InfiniteTimeSpan : RestAfter(empty);

    /// <summary>The rest after this many empty claims in a row: 4 ms, doubling up to a quarter of a second, with jitter.</summary>
    public static TimeSpan RestAfter(int empty) =>
        TimeSpan.FromMilliseconds(Math.Ceiling((4 << Math.Min(empty, DoublingsMax)) * (0.5 + Random.Shared.NextDouble())));

    /// <summary>Records how a claim from these lanes ended.</summary>
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
