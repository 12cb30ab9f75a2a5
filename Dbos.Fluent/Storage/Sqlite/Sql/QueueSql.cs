using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements of <see cref="SqliteQueueStore"/>, and the rows of queues that claims read.</summary>
/// <remarks>
/// The library's own indexes are named, as the statistics of a file in which nearly all workflows wait would lead to a scan. DBOS's indexes
/// are not named, as a later level may replace them.
/// </remarks>
internal static class QueueSql
{
    private const string Columns = """
        q.name, q.application_name, q.concurrency, q.worker_concurrency, q.rate_limit_max, q.rate_limit_period_sec,
        q.partition_concurrency, q.partition_worker_concurrency, q.partition_rate_limit_max, q.partition_rate_limit_period_sec,
        q.polling_interval_sec, coalesce(p.paused, 0)
        """;

    // Repeats the condition of idx_fluent_delayed word for word, or SQLite would not use it. Only parked workflows have waits.
    private const string DelayedEnqueue = $"""
        w.status = '{WorkflowStates.Delayed}' AND coalesce(w.recovery_attempts, 0) = 0
           AND NOT EXISTS (SELECT 1 FROM fluent_waits AS f WHERE f.workflow_uuid = w.workflow_uuid)
        """;

    // For a row that is found by its id, so that no index has to be chosen.
    private const string IsDelayedEnqueue = $"""
        status = '{WorkflowStates.Delayed}'
           AND NOT EXISTS (SELECT 1 FROM fluent_waits AS f WHERE f.workflow_uuid = workflow_status.workflow_uuid)
        """;

    public const string Read = $"SELECT {Columns} FROM queues AS q LEFT JOIN fluent_queues AS p ON p.name = q.name WHERE q.name = @name";

    public const string ReadMany = $"""
        SELECT {Columns} FROM queues AS q LEFT JOIN fluent_queues AS p ON p.name = q.name
         WHERE q.name IN (SELECT value FROM json_each(@names))
        """;

    /// <summary>
    /// The longest time for which a start counts against a rate of the row <c>q</c>, in milliseconds, rounded up plus one.
    /// </summary>
    public const string LongestWindow =
        "(1 + CAST(1000 * max(coalesce(q.rate_limit_period_sec, 0), coalesce(q.partition_rate_limit_period_sec, 0)) AS INTEGER))";

    /// <summary>No limit: a program has as many queues as its authors wrote down.</summary>
    public const string ReadAll = $"""
        SELECT {Columns} FROM queues AS q LEFT JOIN fluent_queues AS p ON p.name = q.name
         WHERE @application_name IS NULL OR q.application_name = @application_name OR q.application_name IS NULL
        """;

    public const string Insert = """
        INSERT INTO queues (
            queue_id, name, concurrency, worker_concurrency, rate_limit_max, rate_limit_period_sec, priority_enabled, partition_queue,
            polling_interval_sec, created_at, updated_at, application_name, partition_concurrency, partition_worker_concurrency,
            partition_rate_limit_max, partition_rate_limit_period_sec)
        VALUES (
            @queue_id, @name, @concurrency, @worker_concurrency, @rate_limit_max, @rate_limit_period_sec, 1, @partition_queue,
            @polling_interval_sec, @now, @now, @application_name, @partition_concurrency, @partition_worker_concurrency,
            @partition_rate_limit_max, @partition_rate_limit_period_sec)
        """;

    public const string Update = """
        UPDATE queues
           SET concurrency = @concurrency, worker_concurrency = @worker_concurrency, rate_limit_max = @rate_limit_max,
               rate_limit_period_sec = @rate_limit_period_sec, priority_enabled = 1, partition_queue = @partition_queue,
               polling_interval_sec = @polling_interval_sec, updated_at = @now,
               application_name = coalesce(application_name, @application_name), partition_concurrency = @partition_concurrency,
               partition_worker_concurrency = @partition_worker_concurrency, partition_rate_limit_max = @partition_rate_limit_max,
               partition_rate_limit_period_sec = @partition_rate_limit_period_sec
         WHERE name = @name
        """;

    public const string Adopt = """
        UPDATE queues SET application_name = @application_name WHERE name = @name AND application_name IS NULL
        """;

    public const string SetPaused = """
        INSERT INTO fluent_queues (name, paused) SELECT name, @paused FROM queues WHERE name = @name
        ON CONFLICT (name) DO UPDATE SET paused = excluded.paused
        """;

    /// <summary>The pause is deleted with it.</summary>
    public const string Delete = "DELETE FROM queues WHERE name = @name";

    /// <summary>idx_workflow_status_in_flight_v2 holds all rows that are counted; its condition is repeated so that it is used.</summary>
    public const string Count = $"""
        SELECT n.value,
               (SELECT count(*) FROM workflow_status AS w
                 WHERE w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}')
                   AND w.queue_name = n.value AND w.status = '{WorkflowStates.Enqueued}'),
               (SELECT count(*) FROM workflow_status AS w
                 WHERE w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}')
                   AND w.queue_name = n.value AND w.status = '{WorkflowStates.Pending}')
          FROM json_each(@names) AS n
        """;

    /// <summary>Jumps from queue to queue along idx_fluent_line, so that the length of the lines does not matter.</summary>
    public const string ReadWaiting = $"""
        WITH RECURSIVE line (queue_name) AS (
            SELECT min(w.queue_name) FROM workflow_status AS w INDEXED BY idx_fluent_line WHERE w.status = '{WorkflowStates.Enqueued}'
            UNION ALL
            SELECT (SELECT min(w.queue_name) FROM workflow_status AS w INDEXED BY idx_fluent_line
                     WHERE w.status = '{WorkflowStates.Enqueued}' AND w.queue_name > line.queue_name)
              FROM line WHERE line.queue_name IS NOT NULL)
        SELECT line.queue_name FROM line
         WHERE line.queue_name IS NOT NULL
           AND (EXISTS (SELECT 1 FROM workflow_status AS w INDEXED BY idx_fluent_line
                         WHERE w.status = '{WorkflowStates.Enqueued}' AND w.queue_name = line.queue_name
                           AND w.application_name = @application_name)
                OR EXISTS (SELECT 1 FROM workflow_status AS w INDEXED BY idx_fluent_line
                            WHERE w.status = '{WorkflowStates.Enqueued}' AND w.queue_name = line.queue_name
                              AND w.application_name IS NULL))
        """;

    /// <summary>
    /// The first row of the application and the first of no application, each at the head of its range of idx_fluent_delayed.
    /// </summary>
    public const string ReadNextDelayed = $"""
        SELECT min(first.delay_until) FROM (
            SELECT * FROM (
                SELECT w.delay_until_epoch_ms AS delay_until FROM workflow_status AS w INDEXED BY idx_fluent_delayed
                 WHERE {DelayedEnqueue} AND w.application_name = @application_name ORDER BY w.delay_until_epoch_ms LIMIT 1)
            UNION ALL
            SELECT * FROM (
                SELECT w.delay_until_epoch_ms FROM workflow_status AS w INDEXED BY idx_fluent_delayed
                 WHERE {DelayedEnqueue} AND w.application_name IS NULL ORDER BY w.delay_until_epoch_ms LIMIT 1)) AS first
        """;

    /// <summary>Reads both ranges in the order of idx_fluent_delayed, up to the limit, and then merges them.</summary>
    public const string FindDelayed = $"""
        SELECT due.workflow_uuid FROM (
            SELECT * FROM (
                SELECT w.workflow_uuid, w.delay_until_epoch_ms AS delay_until
                  FROM workflow_status AS w INDEXED BY idx_fluent_delayed
                 WHERE {DelayedEnqueue} AND w.application_name = @application_name AND w.delay_until_epoch_ms <= @now
                 ORDER BY w.delay_until_epoch_ms LIMIT @limit)
            UNION ALL
            SELECT * FROM (
                SELECT w.workflow_uuid, w.delay_until_epoch_ms FROM workflow_status AS w INDEXED BY idx_fluent_delayed
                 WHERE {DelayedEnqueue} AND w.application_name IS NULL AND w.delay_until_epoch_ms <= @now
                 ORDER BY w.delay_until_epoch_ms LIMIT @limit)) AS due
         ORDER BY due.delay_until, due.workflow_uuid
         LIMIT @limit
        """;

    public const string Release = $"""
        UPDATE workflow_status
           SET status = '{WorkflowStates.Enqueued}', queue_name = coalesce(queue_name, '{QueueNames.Internal}'),
               deduplication_id = CASE WHEN is_debounced THEN NULL ELSE deduplication_id END, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid
        RETURNING queue_name
        """;

    public const string SetPriority = $"""
        UPDATE workflow_status SET priority = @priority, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid AND (status = '{WorkflowStates.Enqueued}' OR ({IsDelayedEnqueue}))
        """;

    public const string SetDelay = $"""
        UPDATE workflow_status
           SET delay_until_epoch_ms =
                   CASE WHEN is_debounced THEN min(@delay_until, coalesce(debounce_deadline_epoch_ms, @delay_until)) ELSE @delay_until END,
               updated_at = @now
         WHERE workflow_uuid = @workflow_uuid AND {IsDelayedEnqueue}
        """;

    /// <summary>Marks the start of a debounced workflow; its deadline is set only once.</summary>
    public const string MarkDebounced = """
        UPDATE workflow_status
           SET is_debounced = 1, debounce_deadline_epoch_ms = @deadline,
               delay_until_epoch_ms = min(delay_until_epoch_ms, coalesce(@deadline, delay_until_epoch_ms))
         WHERE workflow_uuid = @workflow_uuid
        """;

    /// <summary>The workflow that holds a deduplication id, and whether it is a debounced workflow that has not started.</summary>
    public const string ReadHolder = $"""
        SELECT workflow_uuid, name, status, creator_xid, created_at, workflow_deadline_epoch_ms,
               is_debounced AND {IsDelayedEnqueue}
               AND (application_name = @application_name OR application_name IS NULL OR @application_name IS NULL)
          FROM workflow_status WHERE queue_name = @queue_name AND deduplication_id = @deduplication_id
        """;

    /// <summary>
    /// A workflow of no application belongs to the caller's application from then on; otherwise calls of several applications would
    /// overwrite each other's input. The version changes with the input. A workflow with several callers is no child of the first.
    /// </summary>
    public const string MoveDebounced = """
        UPDATE workflow_status
           SET delay_until_epoch_ms = min(@delay_until, coalesce(debounce_deadline_epoch_ms, @delay_until)),
               serialization = @serialization, inputs = NULL, application_name = coalesce(application_name, @application_name),
               application_version = @application_version,
               parent_workflow_id = CASE WHEN parent_workflow_id = @parent_workflow_id THEN parent_workflow_id END, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid
        """;
}
