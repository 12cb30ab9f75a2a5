namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Claims from partition to partition: first once round, one workflow of each, then again round those that have more.</summary>
internal sealed class SqlitePartitionedClaim(SqliteSession session, ClaimRequest request, QueueShare share, SqliteTaking taking)
{
    private readonly SqliteLine line = new(session, request);
    private readonly Queue<Turn> again = new();
    private string last = share.AfterPartition;
    private long? retryAtMs;

    public LimitedClaim Run(WorkflowQueue queue, SqliteLimits limits, SqliteRoom room)
    {
        if (!line.Waits(queue.Name))
        {
            return new LimitedClaim(taking.Result, More: false, retryAtMs, last);
        }

        var moreStrays = CanTake(room) && line.NameStrays(queue.Name);

        var sweep = new PartitionSweep(session, queue, request.ApplicationName, share.AfterPartition, line.Kinds(queue.Name));
        while (CanTake(room) && sweep.Next(taking.Left) is { } found)
        {
            last = found.Partition;
            Visit(queue, room, new Turn(found.Partition, limits.MeasurePartition(found.Partition, found.Running)));
        }

        while (CanTake(room) && again.TryDequeue(out var turn))
        {
            Visit(queue, room, turn);
        }

        // The end of the queue's own rate window is reported only if something waits behind it.
        if (room.RetryAtMs is { } atMs && line.Waits(queue.Name))
        {
            retryAtMs = retryAtMs is { } other ? Math.Min(other, atMs) : atMs;
        }

        var more = room.Left > 0 && (moreStrays || sweep.ReachedItsBound || (taking.Left <= 0 && (again.Count > 0 || !sweep.Ended)));
        return new LimitedClaim(taking.Result, more, retryAtMs, last);
    }

    private bool CanTake(SqliteRoom room) => taking.Left > 0 && room.Left > 0;

    private void Visit(WorkflowQueue queue, SqliteRoom room, Turn turn)
    {
        if (turn.Room.Places <= 0)
        {
            return;
        }

        // The second row tells whether there is another turn, or whether the window holds something back.
        var places = line.Read(queue.Name, turn.Partition, limit: 2);
        var waiting = places.Count;
        if (waiting > 0 && turn.Room.Left > 0)
        {
            waiting--;
            if (taking.Take(places[0].WorkflowId, queue))
            {
                room.Spend();
                turn.Room.Spend();
            }
        }

        if (waiting > 0 && turn.Room.Left > 0)
        {
            again.Enqueue(turn);
        }
        else if (waiting > 0 && turn.Room.RetryAtMs is { } atMs)
        {
            retryAtMs = retryAtMs is { } other ? Math.Min(other, atMs) : atMs;
        }
    }

    private readonly record struct Turn(string Partition, SqliteRoom Room);
}
