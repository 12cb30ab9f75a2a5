using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements that read the lines of queues, and count what their limits count.</summary>
/// <remarks>SQLite uses a partial index only if the statement repeats its condition word for word, hence the repeated conditions.</remarks>
internal static class LineSql
{
    private const string InFlight = $"w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}')";

    private const string Takeable = $"""
        w.name IN (SELECT value FROM json_each(@names))
           AND (w.application_version = @application_version OR (w.application_version IS NULL AND @takes_unversioned)
                OR (w.application_version, w.name) IN ({VersionSql.Kin}))
        """;

    // A workflow that another SDK woke into its queue does not count, as its own start would block it. One that was handed on counts.
    private const string Counts = $"""
        (w.status <> '{WorkflowStates.Enqueued}'
                    OR NOT EXISTS (SELECT 1 FROM fluent_waits AS f WHERE f.workflow_uuid = w.workflow_uuid))
        """;

    private const string OfApplication = "(w.application_name = @application_name OR w.application_name IS NULL)";

    private const string NotedOfApplication = "(s.application_name = @application_name OR s.application_name IS NULL)";

    /// <summary>
    /// The first workflows of one queue. Rows of the application and rows of no application are two ranges of idx_fluent_line. Each is read
    /// in order up to the limit, so the length of the line and other applications' rows do not matter.
    /// </summary>
    public const string ReadLine = $"""
        SELECT * FROM (
            SELECT * FROM (
                SELECT w.priority, w.created_at, w.workflow_uuid FROM workflow_status AS w INDEXED BY idx_fluent_line
                 WHERE w.status = '{WorkflowStates.Enqueued}' AND w.queue_name = @queue_name AND w.application_name = @application_name
                   AND {Takeable}
                 ORDER BY w.priority, w.created_at, w.workflow_uuid LIMIT @limit)
            UNION ALL
            SELECT * FROM (
                SELECT w.priority, w.created_at, w.workflow_uuid FROM workflow_status AS w INDEXED BY idx_fluent_line
                 WHERE w.status = '{WorkflowStates.Enqueued}' AND w.queue_name = @queue_name AND w.application_name IS NULL
                   AND {Takeable}
                 ORDER BY w.priority, w.created_at, w.workflow_uuid LIMIT @limit)) AS first
         ORDER BY first.priority, first.created_at, first.workflow_uuid
         LIMIT @limit
        """;

    /// <summary>
    /// Partitions with waiting workflows, after one partition and up to another, and how many workflows of each run, counted only up to the
    /// limit. Each partition is found by a jump along idx_workflow_status_partition_dequeue_v3.
    /// </summary>
    public const string ReadPartitions = $"""
        WITH RECURSIVE line (partition) AS (
            SELECT (SELECT min(w.queue_partition_key) FROM workflow_status AS w
                     WHERE {InFlight} AND w.queue_partition_key IS NOT NULL
                       AND w.queue_name = @queue_name AND w.status = '{WorkflowStates.Enqueued}' AND w.queue_partition_key > @after)
            UNION ALL
            SELECT (SELECT min(w.queue_partition_key) FROM workflow_status AS w
                     WHERE {InFlight} AND w.queue_partition_key IS NOT NULL
                       AND w.queue_name = @queue_name AND w.status = '{WorkflowStates.Enqueued}' AND w.queue_partition_key > line.partition)
              FROM line WHERE line.partition IS NOT NULL AND (@until IS NULL OR line.partition < @until))
        SELECT line.partition,
               (SELECT count(*) FROM (
                   SELECT 1 FROM workflow_status AS w
                    WHERE {InFlight} AND w.queue_partition_key IS NOT NULL
                      AND w.queue_name = @queue_name AND w.status = '{WorkflowStates.Pending}' AND w.queue_partition_key = line.partition
                      AND {OfApplication}
                    LIMIT @running_max))
          FROM line
         WHERE line.partition IS NOT NULL AND (@until IS NULL OR line.partition <= @until)
         LIMIT @limit
        """;

    /// <summary>
    /// Gives a partition to rows of the queue that have none, within a limited number of rows at the heads of the lines of the application
    /// and of no application.
    /// </summary>
    public const string NameStrays = $"""
        UPDATE workflow_status SET queue_partition_key = '{QueueNames.NoPartition}'
         WHERE workflow_uuid IN (
               SELECT first.workflow_uuid FROM (
                   SELECT * FROM (
                       SELECT w.workflow_uuid, w.queue_partition_key FROM workflow_status AS w INDEXED BY idx_fluent_line
                        WHERE w.status = '{WorkflowStates.Enqueued}' AND w.queue_name = @queue_name
                          AND w.application_name = @application_name
                        ORDER BY w.priority, w.created_at, w.workflow_uuid LIMIT @limit)
                   UNION ALL
                   SELECT * FROM (
                       SELECT w.workflow_uuid, w.queue_partition_key FROM workflow_status AS w INDEXED BY idx_fluent_line
                        WHERE w.status = '{WorkflowStates.Enqueued}' AND w.queue_name = @queue_name AND w.application_name IS NULL
                        ORDER BY w.priority, w.created_at, w.workflow_uuid LIMIT @limit)) AS first
                WHERE first.queue_partition_key IS NULL)
        """;

    /// <summary>
    /// Sets start times that lie in the future, because the clock was set back, to now. Otherwise they would close the window until the
    /// clock has caught up. Uses idx_workflow_status_rate_limited.
    /// </summary>
    public const string SettleStarts = """
        UPDATE workflow_status SET started_at_epoch_ms = @now
         WHERE rate_limited = 1 AND queue_name = @queue_name AND started_at_epoch_ms > @now
        """;

    /// <summary>The first workflows of one partition, in the order of idx_workflow_status_partition_dequeue_v3.</summary>
    public const string ReadPartitionLine = $"""
        SELECT w.priority, w.created_at, w.workflow_uuid FROM workflow_status AS w
         WHERE {InFlight} AND w.queue_partition_key IS NOT NULL
           AND w.queue_name = @queue_name AND w.status = '{WorkflowStates.Enqueued}' AND w.queue_partition_key = @partition
           AND {OfApplication}
           AND {Takeable}
         ORDER BY w.priority, w.created_at, w.workflow_uuid
         LIMIT @limit
        """;

    /// <summary>Counts along idx_workflow_status_in_flight_v2, only up to the limit.</summary>
    public const string CountRunning = $"""
        SELECT count(*) FROM (
            SELECT 1 FROM workflow_status AS w
             WHERE {InFlight} AND w.queue_name = @queue_name AND w.status = '{WorkflowStates.Pending}' AND {OfApplication}
             LIMIT @max)
        """;

    /// <summary>
    /// The number and the earliest of the latest starts within a window, up to as many as it allows, along
    /// idx_workflow_status_rate_limited, and of those that later ones have overwritten, along idx_fluent_starts.
    /// </summary>
    public const string ReadStarts = $"""
        SELECT count(*), min(started.at) FROM (
            SELECT w.started_at_epoch_ms AS at FROM workflow_status AS w
             WHERE w.rate_limited = 1 AND w.queue_name = @queue_name AND w.started_at_epoch_ms > @since AND {OfApplication}
               AND {Counts}
            UNION ALL
            SELECT s.started_at_epoch_ms FROM fluent_starts AS s
             WHERE s.queue_name = @queue_name AND s.started_at_epoch_ms > @since AND {NotedOfApplication}
             ORDER BY 1 DESC LIMIT @max) AS started
        """;

    /// <summary>The same for one partition, along idx_fluent_partition_started and idx_fluent_starts_partition.</summary>
    public const string ReadPartitionStarts = $"""
        SELECT count(*), min(started.at) FROM (
            SELECT w.started_at_epoch_ms AS at FROM workflow_status AS w
             WHERE w.rate_limited = 1 AND w.queue_partition_key IS NOT NULL
               AND w.queue_name = @queue_name AND w.queue_partition_key = @partition AND w.started_at_epoch_ms > @since
               AND {OfApplication} AND {Counts}
            UNION ALL
            SELECT s.started_at_epoch_ms FROM fluent_starts AS s
             WHERE s.queue_partition_key IS NOT NULL
               AND s.queue_name = @queue_name AND s.queue_partition_key = @partition AND s.started_at_epoch_ms > @since
               AND {NotedOfApplication}
             ORDER BY 1 DESC LIMIT @max) AS started
        """;
}
