namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Makes records of rows of <c>queues</c>, in the order of the columns of <see cref="QueueSql"/>, and binds them.</summary>
internal static class SqliteQueueRow
{
    private const double DefaultPollSeconds = 1.0;

    private static readonly TimeSpan PeriodMin = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan PeriodMax = TimeSpan.FromDays(365);
    private static readonly TimeSpan PollMax = TimeSpan.FromDays(1);

    /// <summary>A row, or null where another SDK gave the queue a name that nothing here can have.</summary>
    public static QueueRow? Read(SqliteStatement row)
    {
        var name = row.Text(0);
        if (!IsName(name))
        {
            return null;
        }

        var paused = row.Truth(11);
        var queue = new WorkflowQueue(name)
        {
            Concurrency = Limit(row.Int64OrNull(2), ref paused),
            WorkerConcurrency = Limit(row.Int64OrNull(3), ref paused),
            RateLimit = Rate(row.Int64OrNull(4), row.RealOrNull(5), ref paused),
            PartitionConcurrency = Limit(row.Int64OrNull(6), ref paused),
            PartitionWorkerConcurrency = Limit(row.Int64OrNull(7), ref paused),
            PartitionRateLimit = Rate(row.Int64OrNull(8), row.RealOrNull(9), ref paused),
            PollInterval = Poll(row.RealOrNull(10)),
        };
        return new QueueRow(queue, paused, row.TextOrNull(1));
    }

    public static SqliteStatement Bind(SqliteStatement statement, WorkflowQueue queue) => statement
        .Bind("@name", queue.Name)
        .Bind("@concurrency", queue.Concurrency)
        .Bind("@worker_concurrency", queue.WorkerConcurrency)
        .Bind("@rate_limit_max", queue.RateLimit?.Starts)
        .BindReal("@rate_limit_period_sec", queue.RateLimit?.Per.TotalSeconds)
        .Bind("@partition_queue", queue.IsPartitioned ? 1 : 0)
        .BindReal("@polling_interval_sec", queue.PollInterval?.TotalSeconds ?? DefaultPollSeconds)
        .Bind("@partition_concurrency", queue.PartitionConcurrency)
        .Bind("@partition_worker_concurrency", queue.PartitionWorkerConcurrency)
        .Bind("@partition_rate_limit_max", queue.PartitionRateLimit?.Starts)
        .BindReal("@partition_rate_limit_period_sec", queue.PartitionRateLimit?.Per.TotalSeconds);

    private static bool IsName(string name)
    {
        try
        {
            return new WorkflowQueue(name).Name == name;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static int? Limit(long? stored, ref bool paused)
    {
        paused |= stored < 1;
        return stored is { } limit ? (int)Math.Clamp(limit, 1, int.MaxValue) : null;
    }

    private static RateLimit? Rate(long? max, double? seconds, ref bool paused)
    {
        if (max is not { } starts || seconds is not { } period)
        {
            return null;
        }

        paused |= starts < 1 || period <= 0;
        return new RateLimit((int)Math.Clamp(starts, 1, int.MaxValue), Within(period, PeriodMin, PeriodMax));
    }

    private static TimeSpan? Poll(double? seconds) =>
        seconds is { } interval and not DefaultPollSeconds ? Within(interval, PeriodMin, PollMax) : null;

    // To the tick, as a binary fraction of seconds would be a little beside what was meant.
    private static TimeSpan Within(double seconds, TimeSpan min, TimeSpan max) => seconds <= min.TotalSeconds ? min
        : seconds >= max.TotalSeconds ? max
        : TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond));
}
