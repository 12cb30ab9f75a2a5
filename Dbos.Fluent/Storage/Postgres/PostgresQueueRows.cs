using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Rows of <c>queues</c> as this library knows queues, and back.</summary>
internal static class PostgresQueueRows
{
    /// <summary>What the column of polling holds where nobody has said anything.</summary>
    public const double PollSecondsDefault = 1.0;

    private static readonly TimeSpan PerMax = TimeSpan.FromDays(365);
    private static readonly TimeSpan PollMin = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan PollMax = TimeSpan.FromDays(1);

    /// <summary>
    /// The row whose <see cref="QueueSql.Columns"/> begin at <paramref name="first"/>; null for one under a name that this library has no
    /// queue for, as another SDK may write it. One such row must not hide the others.
    /// </summary>
    public static QueueRow? ReadOrNull(NpgsqlDataReader row, int first)
    {
        WorkflowQueue named;
        try
        {
            named = new WorkflowQueue(row.GetString(first));
        }
        catch (ArgumentException)
        {
            return null;
        }

        var queue = named with
        {
            Concurrency = LimitOrNull(row, first + 1),
            WorkerConcurrency = LimitOrNull(row, first + 2),
            RateLimit = RateOrNull(row, first + 3),
            PartitionConcurrency = LimitOrNull(row, first + 5),
            PartitionWorkerConcurrency = LimitOrNull(row, first + 6),
            PartitionRateLimit = RateOrNull(row, first + 7),
            PollInterval = PollOrNull(row.GetDouble(first + 9)),
        };
        return new QueueRow(queue, row.GetBoolean(first + 11), row.TextOrNull(first + 10));
    }

    /// <summary>A window in seconds, in whole milliseconds rounded up.</summary>
    public static double? Seconds(RateLimit? limit) => limit is null ? null : Math.Ceiling(limit.Per.TotalMilliseconds) / 1000;

    // What nobody could have registered here was written by another SDK; with zero or less the row is paused, and shows the least.
    private static int? LimitOrNull(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : Math.Max(1, row.GetInt32(column));

    private static RateLimit? RateOrNull(NpgsqlDataReader row, int first) =>
        LimitOrNull(row, first) is { } starts && !row.IsDBNull(first + 1)
            ? new RateLimit(starts, Within(Math.Ceiling(Math.Round(row.GetDouble(first + 1) * 1000, 3)), PollMin, PerMax))
            : null;

    private static TimeSpan? PollOrNull(double seconds) =>
        seconds == PollSecondsDefault ? null : Within(seconds * 1000, PollMin, PollMax);

    private static TimeSpan Within(double milliseconds, TimeSpan least, TimeSpan most) =>
        milliseconds >= most.TotalMilliseconds ? most
        : milliseconds <= least.TotalMilliseconds ? least
        : TimeSpan.FromMilliseconds(milliseconds);
}
