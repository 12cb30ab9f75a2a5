using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Converts rows of <c>queues</c> to this library's queues.</summary>
internal static class PostgresQueueRows
{
    /// <summary>
    /// The row whose <see cref="QueueSql.Columns"/> begin at <paramref name="first"/>; null if this library does not allow its name.
    /// </summary>
    public static QueueRow? ReadOrNull(NpgsqlDataReader row, int first)
    {
        if (StoredQueues.NamedOrNull(row.GetString(first)) is not { } named)
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
            PollInterval = StoredQueues.Poll(row.GetDouble(first + 9)),
        };
        return new QueueRow(queue, row.GetBoolean(first + 11), row.TextOrNull(first + 10)) { IsShut = row.GetBoolean(first + 12) };
    }

    private static int? LimitOrNull(NpgsqlDataReader row, int column) =>
        StoredQueues.Limit(row.IsDBNull(column) ? null : row.GetInt32(column));

    private static RateLimit? RateOrNull(NpgsqlDataReader row, int first) => StoredQueues.Rate(
        row.IsDBNull(first) ? null : row.GetInt32(first), row.IsDBNull(first + 1) ? null : row.GetDouble(first + 1));
}
