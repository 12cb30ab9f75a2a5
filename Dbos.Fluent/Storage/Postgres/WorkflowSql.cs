namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that read workflows, and change rows from outside their runs.</summary>
internal sealed class WorkflowSql(SchemaName schema)
{
    // What a cancelled row loses, and what it keeps, is the same in every SDK: its executor, version, deadline and attempts stay.
    private const string Cancelled =
        "status = 'CANCELLED', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL, started_at_epoch_ms = NULL, "
        + $"completed_at = {Clock.Now}, updated_at = {Clock.Now}";

    public string Read { get; } = $"""
        SELECT w.workflow_uuid, w.name, w.status, w.queue_name, w.queue_partition_key, w.deduplication_id, w.priority, w.recovery_attempts,
               w.executor_id, w.application_name, w.application_version, w.parent_workflow_id, w.forked_from, w.schedule_name,
               w.workflow_timeout_ms, w.created_at, w.updated_at, w.started_at_epoch_ms, w.completed_at, w.workflow_deadline_epoch_ms,
               w.delay_until_epoch_ms, w.attributes::text, w.owner_xid, w.serialization,
               COALESCE(i.inputs, w.inputs), COALESCE(o.output, w.output), COALESCE(o.error, w.error)
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

    /// <summary>The outcomes of those that ended; a row without a state for those that do not exist.</summary>
    public string ReadOutcomes { get; } = $"""
        SELECT a.id, w.status, COALESCE(o.output, w.output), COALESCE(o.error, w.error), w.serialization,
               COALESCE(w.workflow_deadline_epoch_ms <= w.completed_at, false)
          FROM (SELECT DISTINCT unnest($1::text[])) AS a(id)
          LEFT JOIN {schema}.workflow_status AS w ON w.workflow_uuid = a.id
          LEFT JOIN {schema}.workflow_output AS o ON o.workflow_uuid = a.id
         WHERE w.status IS NULL OR w.status NOT IN ('ENQUEUED', 'DELAYED', 'PENDING')
        """;

    public string ReadLost { get; } = $"""
        SELECT e.id, w.status, w.status = 'CANCELLED' AND COALESCE(w.workflow_deadline_epoch_ms <= {Clock.Now}, false)
          FROM unnest($2::text[], $3::text[]) AS e(id, token)
          LEFT JOIN {schema}.workflow_status AS w ON w.workflow_uuid = e.id
         WHERE w.owner_xid IS DISTINCT FROM e.token
        """;

    /// <summary>$1 now, $2 ids, $3 the reason in the native format, $4 in the portable one.</summary>
    public string Cancel { get; } = $"""
        WITH due AS (
            SELECT workflow_uuid
              FROM {schema}.workflow_status
             WHERE workflow_uuid = ANY ($2::text[]) AND status IN ('ENQUEUED', 'DELAYED', 'PENDING')
             ORDER BY workflow_uuid
               FOR NO KEY UPDATE),
        {CancelDue(schema)}
        """;

    /// <summary>$1 now, $2 application, $3 the reason in the native format, $4 in the portable one, $5 limit.</summary>
    // The status list is that of the deadline index, so that only rows that have a deadline and are not yet over are looked at.
    public string CancelExpired { get; } = $"""
        WITH due AS (
            SELECT workflow_uuid
              FROM {schema}.workflow_status
             WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')
               AND workflow_deadline_epoch_ms IS NOT NULL
               AND workflow_deadline_epoch_ms <= {Clock.Now}
               AND (application_name = $2 OR application_name IS NULL)
             ORDER BY workflow_deadline_epoch_ms
             LIMIT $5
               FOR NO KEY UPDATE SKIP LOCKED),
        {CancelDue(schema)}
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
            DO UPDATE SET output = NULL, error = EXCLUDED.error, retention_timestamp = EXCLUDED.retention_timestamp)
        SELECT workflow_uuid FROM cancelled
        """;
}
