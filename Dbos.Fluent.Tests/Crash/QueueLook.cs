using System.Globalization;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>A workflow as its row and its checkpoints show it.</summary>
internal sealed record QueuedRow(
    string Id,
    string Name,
    string? Queue,
    string? Partition,
    string Status,
    string? Executor,
    long Priority,
    long Created,
    long? Started,
    long? Ended,
    long Attempts,
    long Checkpoints)
{
    public bool Waits => Status == "ENQUEUED";

    public bool Runs => Status == "PENDING";

    /// <summary>Whether it waits outside memory; in these tests no start is delayed.</summary>
    public bool IsParked => Status == "DELAYED";

    public bool HasEnded => Status is "SUCCESS" or "CANCELLED";

    /// <summary>Whether it stands before another in the line of its queue and partition.</summary>
    public bool IsBefore(QueuedRow other) => Queue == other.Queue && Partition == other.Partition
        && (Priority < other.Priority || (Priority == other.Priority && Created < other.Created));
}

/// <summary>A start from a queue, also one that its workflow's row no longer shows because another followed.</summary>
internal sealed record QueuedStart(string Queue, string? Partition, long At);

/// <summary>All workflows at one moment, as one statement sees them, and all starts until then or a little later.</summary>
internal sealed class QueueLook
{
    private const string PostgresClock = "(EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint";
    private const string SqliteClock = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

    private readonly ILookup<(string Queue, string? Partition), long> starts;

    public QueueLook(long now, IReadOnlyList<QueuedRow> rows, IReadOnlyList<QueuedStart> starts)
    {
        (Now, Rows) = (now, rows);
        ByQueue = rows.Where(row => row.Queue is not null).ToLookup(row => row.Queue!);
        this.starts = starts.ToLookup(start => (start.Queue, start.Partition), start => start.At);
    }

    public static QueueLook Nothing { get; } = new(0, [], []);

    /// <summary>When it was, or a little later, on the database's clock.</summary>
    public long Now { get; }

    public IReadOnlyList<QueuedRow> Rows { get; }

    /// <summary>What was not cancelled, which leaves its queue.</summary>
    public ILookup<string, QueuedRow> ByQueue { get; }

    /// <summary>Looks at everything; the starts are those that <see cref="StartNotes"/> has noted.</summary>
    public static async Task<QueueLook> TakeAsync(TestDatabase database)
    {
        var rows = await database.QueryAsync(
            $"""
            SELECT {ClockOf(database)}, w.workflow_uuid, w.name, w.queue_name, w.queue_partition_key, w.status, w.executor_id, w.priority,
                   w.created_at, w.started_at_epoch_ms, w.completed_at, w.recovery_attempts,
                   (SELECT count(*) FROM operation_outputs AS o WHERE o.workflow_uuid = w.workflow_uuid)
              FROM workflow_status AS w
            """);
        var starts = await database.QueryAsync(
            "SELECT queue_name, queue_partition_key, started_at FROM noted_starts WHERE queue_name IS NOT NULL");
        return new(
            rows.Count == 0 ? 0 : Number(rows[^1][0]),
            rows.ConvertAll(Read),
            starts.ConvertAll(row => new QueuedStart(row[0]!, row[1], Number(row[2]))));
    }

    /// <summary>The database's clock.</summary>
    public static Task<long> ClockAsync(TestDatabase database) => database.CountAsync("SELECT " + ClockOf(database));

    /// <summary>The moments at which workflows of a queue were started, in their order, each as often as it was.</summary>
    public IReadOnlyList<long> StartsOf(string queue, string? partition = null) => [.. starts[(queue, partition)].Order()];

    private static string ClockOf(TestDatabase database) => database is SqliteTestDatabase ? SqliteClock : PostgresClock;

    private static QueuedRow Read(string?[] row) => new(
        row[1]!, row[2]!, row[3], row[4], row[5]!, row[6], Number(row[7]), Number(row[8]), Optional(row[9]), Optional(row[10]),
        Number(row[11]), Number(row[12]));

    private static long Number(string? text) => Optional(text) ?? 0;

    private static long? Optional(string? text) => text is null ? null : long.Parse(text, CultureInfo.InvariantCulture);
}
