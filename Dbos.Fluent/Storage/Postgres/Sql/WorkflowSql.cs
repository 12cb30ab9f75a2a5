using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that read workflows, and change rows from outside their runs.</summary>
internal sealed class WorkflowSql(SchemaName schema)
{
    // What a cancelled row loses and keeps is the same in every SDK: its executor, version, deadline and attempts stay.
    private const string Cancelled =
        $"status = '{WorkflowStates.Cancelled}', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL, started_at_epoch_ms = NULL, "
        + $"completed_at = {Clock.Now}, updated_at = {Clock.Now}";

    // A dead-lettered workflow may be cancelled too, so that nobody thinks it still needs to be examined.
    private const string Cancellable = $"{RowState.Unended}, '{WorkflowStates.MaxRecoveryAttemptsExceeded}'";

    /// <summary>What <see cref="PostgresWorkflowRows"/> reads of a row <c>w</c> with its input <c>i</c> and output <c>o</c>.</summary>
    // Rows of older SDKs hold their payloads in workflow_status itself.
    public static string RowColumns(SchemaName schema) => $"""
        w.workflow_uuid, w.name, w.status, w.queue_name, w.queue_partition_key, w.deduplication_id, w.priority, w.recovery_attempts,
               w.executor_id, w.application_name, w.application_version, w.parent_workflow_id, w.forked_from, w.schedule_name,
               w.workflow_timeout_ms, w.created_at, w.updated_at, w.started_at_epoch_ms, w.completed_at, w.workflow_deadline_epoch_ms,
               w.delay_until_epoch_ms, w.attributes::text, w.serialization,
               COALESCE(i.inputs, w.inputs), COALESCE(o.output, w.output), COALESCE(o.error, w.error),
               w.status = '{WorkflowStates.Delayed}' AND {SideSql.Waits(schema)}
        """;

    public string Read { get; } = $"""
        SELECT {RowColumns(schema)}
          FROM {schema}.workflow_status AS w
          LEFT JOIN {schema}.workflow_input AS i ON i.workflow_uuid = w.workflow_uuid
          LEFT JOIN {schema}.workflow_output AS o ON o.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid = $1
        """;

    public string ReadCheckpoints { get; } = $"""
        SELECT {ClaimSql.CheckpointColumns}
          FROM {schema}.operation_outputs
         WHERE workflow_uuid = $1
         ORDER BY function_id
        """;

    /// <summary>Reads the outcomes of workflows that have ended; a row without a state for those that do not exist.</summary>
    public string ReadOutcomes { get; } = $"""
        SELECT a.id, w.status, COALESCE(o.output, w.output), COALESCE(o.error, w.error), w.serialization,
               COALESCE(w.workflow_deadline_epoch_ms <= w.completed_at, false)
          FROM (SELECT DISTINCT unnest($1::text[])) AS a(id)
          LEFT JOIN LATERAL (
            SELECT status, output, error, serialization, workflow_deadline_epoch_ms, completed_at
              FROM {schema}.workflow_status
             WHERE workflow_uuid = a.id
             LIMIT 1) AS w ON true
          LEFT JOIN LATERAL (
            SELECT output, error FROM {schema}.workflow_output WHERE workflow_uuid = a.id LIMIT 1) AS o ON true
         WHERE w.status IS NULL OR w.status IN ({WorkflowStates.EndedList})
        """;

    public string ReadLost { get; } = $"""
        SELECT e.id, w.status, w.status = '{WorkflowStates.Cancelled}' AND COALESCE(w.workflow_deadline_epoch_ms <= w.completed_at, false)
          FROM unnest($1::text[], $2::text[]) AS e(id, token)
          LEFT JOIN {schema}.workflow_status AS w ON w.workflow_uuid = e.id
         WHERE w.owner_xid IS DISTINCT FROM e.token
        """;

    /// <summary>Locks and returns what <see cref="Cancel"/> cancels. $1 ids, $2 whether their children too, ended parents or not.</summary>
    // A statement of its own: the next snapshot is newer than the locks, and includes what a run wrote while they were waited for, such as
    // the waits of its parking and the children it had begun. In id order, so that two such statements never deadlock.
    public string LockTree { get; } = $"""
        WITH RECURSIVE {Tree(schema, "$1", "$2")}
        SELECT workflow_uuid
          FROM {schema}.workflow_status
         WHERE workflow_uuid = ANY (ARRAY(SELECT id FROM tree)) AND status IN ({Cancellable})
         ORDER BY workflow_uuid
           FOR NO KEY UPDATE
        """;

    /// <summary>$1 now, $2 ids, $3 the reason in the native format, $4 in the portable one.</summary>
    // Locks too: a row that had ended when the others were locked may have been resumed since.
    public string Cancel { get; } = $"""
        WITH due AS (
            SELECT workflow_uuid
              FROM {schema}.workflow_status
             WHERE workflow_uuid = ANY ($2::text[]) AND status IN ({Cancellable})
             ORDER BY workflow_uuid
               FOR NO KEY UPDATE),
        {CancelDue(schema)}
        """;

    /// <summary>Locks what <see cref="Resume"/> resumes, in id order; runs before it, as for a cancel. $1 ids.</summary>
    public string LockAll { get; } = $"""
        SELECT 1 FROM {schema}.workflow_status WHERE workflow_uuid = ANY ($1::text[]) ORDER BY workflow_uuid FOR NO KEY UPDATE
        """;

    /// <summary>
    /// $1 now, $2 ids, $3 queue. Returns the first id that does not exist, or the first that needs a partition, or those enqueued.
    /// </summary>
    // Their outcome goes: a later cancel by another SDK, which writes no reason, would otherwise seem to have that of the earlier one.
    public string Resume { get; } = $"""
        WITH missing AS (
            SELECT a.id
              FROM unnest($2::text[]) WITH ORDINALITY AS a(id, n)
             WHERE NOT EXISTS (SELECT FROM {schema}.workflow_status WHERE workflow_uuid = a.id)
             ORDER BY a.n
             LIMIT 1),
        unplaced AS (
            SELECT w.workflow_uuid
              FROM unnest($2::text[]) WITH ORDINALITY AS a(id, n)
              JOIN {schema}.workflow_status AS w ON w.workflow_uuid = a.id
             WHERE w.status NOT IN ('{WorkflowStates.Success}', '{WorkflowStates.Error}') AND w.queue_partition_key IS NULL
               AND EXISTS (SELECT FROM {schema}.queues AS q WHERE q.name = $3 AND {QueueSql.IsPartitioned})
             ORDER BY a.n
             LIMIT 1),
        resumed AS (
            UPDATE {schema}.workflow_status
               SET status = '{WorkflowStates.Enqueued}', queue_name = COALESCE($3, '{QueueNames.Internal}'), owner_xid = NULL,
                   deduplication_id = NULL, workflow_deadline_epoch_ms = NULL, started_at_epoch_ms = NULL, completed_at = NULL,
                   recovery_attempts = 0, output = NULL, error = NULL, updated_at = {Clock.Now}
             WHERE workflow_uuid = ANY ($2::text[]) AND status NOT IN ('{WorkflowStates.Success}', '{WorkflowStates.Error}')
               AND NOT EXISTS (SELECT FROM missing) AND NOT EXISTS (SELECT FROM unplaced)
            RETURNING workflow_uuid),
        outcome AS (
            DELETE FROM {schema}.workflow_output WHERE workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM resumed))),
        dropped AS ({SideSql.DropWaits(schema, "= ANY (ARRAY(SELECT workflow_uuid FROM resumed))")})
        SELECT id, NULL, NULL FROM missing
        UNION ALL
        SELECT NULL, workflow_uuid, NULL FROM unplaced WHERE NOT EXISTS (SELECT FROM missing)
        UNION ALL
        SELECT NULL, NULL, workflow_uuid FROM resumed
        """;

    /// <summary>$1 now, $2 application, $3 the reason in the native format, $4 in the portable one, $5 limit.</summary>
    // The status list is that of the deadline index, so that only unended rows with a deadline are read.
    public string CancelExpired { get; } = $"""
        WITH due AS (
            SELECT workflow_uuid
              FROM {schema}.workflow_status
             WHERE status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}', '{WorkflowStates.Delayed}')
               AND workflow_deadline_epoch_ms IS NOT NULL
               AND workflow_deadline_epoch_ms <= {Clock.Now}
               AND (application_name = $2 OR application_name IS NULL)
             ORDER BY workflow_deadline_epoch_ms
             LIMIT $5
               FOR NO KEY UPDATE SKIP LOCKED),
        {CancelDue(schema)}
        """;

    // UNION ends if deleted and reused ids name each other; OFFSET 0 makes each step a lookup by the index on the parent. No limit: a
    // cancel with children includes all of them.
    public static string Tree(SchemaName schema, string ids, string children) => $"""
        tree AS (
            SELECT unnest({ids}::text[]) AS id
            UNION
            SELECT child.id
              FROM tree
             CROSS JOIN LATERAL (
                SELECT workflow_uuid AS id FROM {schema}.workflow_status WHERE parent_workflow_id = tree.id OFFSET 0) AS child
             WHERE {children})
        """;

    private static string CancelDue(SchemaName schema) => $"""
        cancelled AS (
            UPDATE {schema}.workflow_status AS w
               SET {Cancelled}
              FROM due
             WHERE w.workflow_uuid = due.workflow_uuid
            RETURNING w.workflow_uuid, w.completed_at,
                      CASE w.serialization WHEN 'dotnet_msgpack' THEN $3::text WHEN 'portable_json' THEN $4::text END AS reason),
        reasoned AS (
            INSERT INTO {schema}.workflow_output (workflow_uuid, error, retention_timestamp)
            SELECT workflow_uuid, reason, completed_at FROM cancelled WHERE reason IS NOT NULL
            ON CONFLICT (workflow_uuid)
            DO UPDATE SET output = NULL, error = EXCLUDED.error, retention_timestamp = EXCLUDED.retention_timestamp),
        dropped AS ({SideSql.DropWaits(schema, "= ANY (ARRAY(SELECT workflow_uuid FROM cancelled))")})
        SELECT workflow_uuid FROM cancelled
        """;
}
