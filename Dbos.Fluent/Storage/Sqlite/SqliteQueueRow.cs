namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Creates records from rows of <c>queues</c>, in the order of the columns of <see cref="QueueSql"/>, and binds them.</summary>
internal static class SqliteQueueRow
{
    /// <summary>Reads a row; returns null if another SDK gave the queue a name that is not valid here.</summary>
    public static QueueRow? Read(SqliteStatement row)
    {
        if (StoredQueues.NamedOrNull(row.Text(0)) is not { } named)
        {
            return null;
        }

        var queue = named with
        {
            Concurrency = StoredQueues.Limit(row.Int64OrNull(2)),
            WorkerConcurrency = StoredQueues.Limit(row.Int64OrNull(3)),
            RateLimit = StoredQueues.Rate(row.Int64OrNull(4), row.RealOrNull(5)),
            PartitionConcurrency = StoredQueues.Limit(row.Int64OrNull(6)),
            PartitionWorkerConcurrency = StoredQueues.Limit(row.Int64OrNull(7)),
            PartitionRateLimit = StoredQueues.Rate(row.Int64OrNull(8), row.RealOrNull(9)),
            PollInterval = StoredQueues.Poll(row.RealOrNull(10)),
        };
        var isShut = IsShut(row);
        return new QueueRow(queue, row.Truth(11) || isShut, row.TextOrNull(1)) { IsShut = isShut };
    }

    public static SqliteStatement Bind(SqliteStatement statement, WorkflowQueue queue) => statement
        .Bind("@name", queue.Name)
        .Bind("@concurrency", queue.Concurrency)
        .Bind("@worker_concurrency", queue.WorkerConcurrency)
        .Bind("@rate_limit_max", queue.RateLimit?.Starts)
        .BindReal("@rate_limit_period_sec", queue.RateLimit?.Per.TotalSeconds)
        .Bind("@partition_queue", queue.IsPartitioned ? 1 : 0)
        .BindReal("@polling_interval_sec", queue.PollInterval?.TotalSeconds ?? StoredQueues.PollSecondsDefault)
        .Bind("@partition_concurrency", queue.PartitionConcurrency)
        .Bind("@partition_worker_concurrency", queue.PartitionWorkerConcurrency)
        .Bind("@partition_rate_limit_max", queue.PartitionRateLimit?.Starts)
        .BindReal("@partition_rate_limit_period_sec", queue.PartitionRateLimit?.Per.TotalSeconds);

    // Whether a limit lets nothing run; another SDK may write such a limit.
    private static bool IsShut(SqliteStatement row) =>
        row.Int64OrNull(2) < 1 || row.Int64OrNull(3) < 1 || IsShutRate(row, 4)
        || row.Int64OrNull(6) < 1 || row.Int64OrNull(7) < 1 || IsShutRate(row, 8);

    private static bool IsShutRate(SqliteStatement row, int first) =>
        row.Int64OrNull(first) is { } starts && row.RealOrNull(first + 1) is { } seconds && (starts < 1 || seconds <= 0);
}
