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

    private const string Version = "coalesce(w.application_version, '')";

    private const string OfLine = $"""
        w.status = '{WorkflowStates.Enqueued}' AND w.queue_name = @queue_name AND w.application_name IS @application_name
        """;

    // A row whose version is the empty text is not of the kind without a version.
    private const string OfKind =
        $"{OfLine} AND {Version} = @version AND w.application_version IS NOT '' AND w.name = @name";

    // A workflow that another SDK woke into its queue does not count, as its own start would block it. One that was handed on counts.
    private const string Counts = $"""
        (w.status <> '{WorkflowStates.Enqueued}'
                    OR NOT EXISTS (SELECT 1 FROM fluent_waits AS f WHERE f.workflow_uuid = w.workflow_uuid))
        """;

    private const string OfApplication = "(w.application_name = @application_name OR w.application_name IS NULL)";

    private const string NotedOfApplication = "(s.application_name = @application_name OR s.application_name IS NULL)";

    /// <summary>The next name behind another in the line of one application (or of none) that waits for this version.</summary>
    public const string ReadNextName = $"""
        SELECT {Version}, w.name FROM workflow_status AS w INDEXED BY idx_fluent_line
         WHERE {OfLine} AND {Version} = @version AND w.name > @name
         ORDER BY w.name LIMIT 1
        """;

    /// <summary>The next version behind another, with its first name.</summary>
    public const string ReadNextVersion = $"""
        SELECT {Version}, coalesce(w.name, '') FROM workflow_status AS w INDEXED BY idx_fluent_line
         WHERE {OfLine} AND {Version} > @version
         ORDER BY {Version}, w.name LIMIT 1
        """;

    /// <summary>Workflows of one kind in a line, or in one of its partitions, behind a place.</summary>
    public const string ReadKind = $"""
        SELECT w.priority, w.created_at, w.workflow_uuid FROM workflow_status AS w INDEXED BY idx_fluent_line
         WHERE {OfKind} AND w.queue_partition_key IS @partition
           AND (w.priority, w.created_at, w.workflow_uuid) > (@priority, @created_at, @workflow_uuid)
         ORDER BY w.priority, w.created_at, w.workflow_uuid LIMIT @limit
        """;

    /// <summary>Whether a workflow of one kind waits in a line, in whichever partition.</summary>
    public const string FindKind = $"""
        SELECT 1 FROM workflow_status AS w INDEXED BY idx_fluent_line
         WHERE {OfKind}
         LIMIT 1
        """;

    /// <summary>The same, only of those with a partition.</summary>
    public const string FindParted = $"""
        SELECT 1 FROM workflow_status AS w INDEXED BY idx_fluent_line
         WHERE {OfKind} AND w.queue_partition_key >= ''
         LIMIT 1
        """;

    /// <summary>
    /// The first workflows with a partition in a queue that has none any more, up to a place. They are read along the index of the whole
    /// line, in which the rows of others lie between them.
    /// </summary>
    public const string ReadParted = $"""
        SELECT w.priority, w.created_at, w.workflow_uuid FROM workflow_status AS w INDEXED BY idx_workflow_status_in_flight_v2
         WHERE {InFlight} AND w.queue_name = @queue_name AND w.status = '{WorkflowStates.Enqueued}' AND w.queue_partition_key IS NOT NULL
           AND (w.priority, w.created_at) <= (@priority, @created_at) AND {OfApplication} AND {Takeable}
         ORDER BY w.priority, w.created_at, w.workflow_uuid LIMIT @limit
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

    /// <summary>Gives a partition to the first rows of one kind that have none.</summary>
    public const string NameStrays = $"""
        UPDATE workflow_status SET queue_partition_key = '{QueueNames.NoPartition}'
         WHERE workflow_uuid IN (
               SELECT w.workflow_uuid FROM workflow_status AS w INDEXED BY idx_fluent_line
                WHERE {OfKind} AND w.queue_partition_key IS NULL
                ORDER BY w.priority, w.created_at, w.workflow_uuid LIMIT @limit)
        """;

    /// <summary>
    /// Sets start times that lie in the future, because the clock was set back, to now. Otherwise they would close the window until the
    /// clock has caught up. Uses idx_workflow_status_rate_limited.
    /// </summary>
    public const string SettleStarts = """
        UPDATE workflow_status SET started_at_epoch_ms = @now
         WHERE rate_limited = 1 AND queue_name = @queue_name AND started_at_epoch_ms > @now
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
