namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// One claim from a queue with limits, inside its transaction. Under the write lock nothing changes between the counts and the claim.
/// </summary>
internal sealed class SqliteLimitedClaim(SqliteSession session, ClaimRequest request, QueueShare share, long nowMs)
{
    private readonly SqliteTaking taking = new(session, request, nowMs);

    public LimitedClaim Run()
    {
        taking.TakeBack();
        if (ReadQueue() is not { Paused: false } row)
        {
            return new LimitedClaim(taking.Result, More: false, RetryAtMs: null, share.AfterPartition);
        }

        SettleStarts(row.Queue);
        var limits = new SqliteLimits(session, row.Queue, share, request.ApplicationName, nowMs);
        limits.Add(taking.Claimed);
        var room = limits.MeasureQueue();
        return row.Queue.IsPartitioned
            ? new SqlitePartitionedClaim(session, request, share, taking).Run(row.Queue, limits, room)
            : Take(row.Queue, room);
    }

    private void SettleStarts(WorkflowQueue queue)
    {
        if (queue.LongestWindow is null)
        {
            return;
        }

        foreach (var statement in (string[])[LineSql.SettleStarts, StartSql.Settle])
        {
            using var settle = session.Use(statement).Bind("@queue_name", queue.Name).Bind("@now", nowMs);
            settle.Execute();
        }
    }

    private QueueRow? ReadQueue()
    {
        using var statement = session.Use(QueueSql.Read).Bind("@name", share.Queue);
        return statement.Step() ? SqliteQueueRow.Read(statement) : null;
    }

    private LimitedClaim Take(WorkflowQueue queue, SqliteRoom room)
    {
        var line = new SqliteLine(session, request);
        bool waiting;
        do
        {
            // Reads one more than it takes, to know if anything is held back. A workflow that is given up leaves its place to another.
            var wanted = (int)Math.Min(Math.Max(taking.Left, 0), room.Left);
            var places = line.Read(queue.Name, wanted + 1);
            waiting = places.Count > wanted;
            foreach (var place in places.Take(wanted))
            {
                if (taking.Take(place.WorkflowId, queue))
                {
                    room.Spend();
                }
            }
        }
        while (waiting && taking.Left > 0 && room.Left > 0);

        return new LimitedClaim(
            taking.Result, More: waiting && room.Left > 0, waiting ? room.RetryAtMs : null, share.AfterPartition);
    }
}
