namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// That no partition starves: while the first of a partition with room waits, the others take turns, and no more of them than rounds of
/// all partitions in all processes. Whether it has begun by then or waits yet.
/// </summary>
internal sealed class PartitionTurns(int partitions, int processes)
{
    // Each process goes round all partitions by itself, and one more round of each for what changes meanwhile; one that takes the place of
    // another begins anew.
    private readonly int turnsPerProcess = 2 * partitions;

    private readonly Dictionary<string, Head> heads = [];

    /// <summary>The most turns that were ever seen to pass one that waited.</summary>
    public int Most { get; private set; }

    /// <summary>Asserts it, of a queue in which so many of each partition may run; it is to be called with each look.</summary>
    public void Check(QueueLook look, string queue, int limit, int kills)
    {
        var rows = look.ByQueue[queue].ToList();
        var byId = rows.ToDictionary(row => row.Id);
        var now = new Dictionary<string, Head>();
        foreach (var partition in rows.GroupBy(row => row.Partition!))
        {
            var head = partition.Where(row => row.Waits).MinBy(row => (row.Priority, row.Created, row.Id));
            if (heads.TryGetValue(partition.Key, out var before) && byId.TryGetValue(before.Row.Id, out var after))
            {
                CheckTurns(rows, before, after, kills);
            }

            if (head is not null && partition.Count(row => row.Runs) < limit)
            {
                now[partition.Key] = before?.Row.Id == head.Id ? before : new Head(head, look.Now, kills);
            }
        }

        heads.Clear();
        foreach (var (key, head) in now)
        {
            heads[key] = head;
        }
    }

    private void CheckTurns(List<QueuedRow> rows, Head before, QueuedRow after, int kills)
    {
        var until = after.Waits ? long.MaxValue : after.Started ?? 0;
        var turns = rows.Count(row => row.Partition != after.Partition && row.Started > before.Since && row.Started < until);
        Most = Math.Max(Most, turns);
        var most = (processes + kills - before.Kills) * turnsPerProcess;
        Assert.True(turns <= most, $"{turns} turns of others, where {most} may be, passed {before.Row}, which is now {after}");
    }

    private sealed record Head(QueuedRow Row, long Since, int Kills);
}
