namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Measures the room that a queue's limits leave, inside the transaction of a claim.</summary>
internal sealed class SqliteLimits(SqliteSession session, WorkflowQueue queue, QueueShare share, string applicationName, long nowMs)
{
    private readonly Dictionary<string, int> runningByPartition = Sum(share.RunningByPartition);
    private int runningHere = share.RunningHere;

    /// <summary>Counts runs that this process has but does not know of yet.</summary>
    public void Add(IReadOnlyList<ClaimedWorkflow> takenBack)
    {
        runningHere += takenBack.Count;
        foreach (var workflow in takenBack)
        {
            if (workflow.PartitionKey is { } partition)
            {
                runningByPartition[partition] = runningByPartition.GetValueOrDefault(partition) + 1;
            }
        }
    }

    public SqliteRoom MeasureQueue()
    {
        var room = new SqliteRoom();
        room.LimitPlaces(queue.WorkerConcurrency, runningHere);
        if (queue.Concurrency is { } limit)
        {
            room.LimitPlaces(limit, CountRunning(limit));
        }

        if (queue.RateLimit is { } rate)
        {
            LimitStarts(room, rate, session.Use(LineSql.ReadStarts));
        }

        return room;
    }

    /// <param name="partition">The partition.</param>
    /// <param name="running">How many of its workflows run, in all processes.</param>
    public SqliteRoom MeasurePartition(string partition, long running)
    {
        var room = new SqliteRoom();
        room.LimitPlaces(queue.PartitionWorkerConcurrency, runningByPartition.GetValueOrDefault(partition));
        room.LimitPlaces(queue.PartitionConcurrency, running);
        if (room.Left > 0 && queue.PartitionRateLimit is { } rate)
        {
            LimitStarts(room, rate, session.Use(LineSql.ReadPartitionStarts).Bind("@partition", partition));
        }

        return room;
    }

    private static Dictionary<string, int> Sum(IReadOnlyList<KeyValuePair<string, int>> counts)
    {
        var sums = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (partition, count) in counts)
        {
            sums[partition] = sums.GetValueOrDefault(partition) + count;
        }

        return sums;
    }

    private long CountRunning(int max)
    {
        using var statement = session.Use(LineSql.CountRunning)
            .Bind("@queue_name", queue.Name)
            .Bind("@application_name", applicationName)
            .Bind("@max", max);
        statement.Step();
        return statement.Int64(0);
    }

    private void LimitStarts(SqliteRoom room, RateLimit rate, SqliteStatement readStarts)
    {
        var window = (long)rate.Per.TotalMilliseconds;
        using (readStarts
            .Bind("@queue_name", queue.Name)
            .Bind("@application_name", applicationName)
            .Bind("@since", nowMs - window)
            .Bind("@max", rate.Starts))
        {
            readStarts.Step();
            room.LimitStarts(rate.Starts, readStarts.Int64(0), (readStarts.Int64OrNull(1) ?? nowMs) + window);
        }
    }
}
