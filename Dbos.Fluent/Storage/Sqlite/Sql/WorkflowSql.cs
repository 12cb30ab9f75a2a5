using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements of <see cref="SqliteWorkflowStore"/>.</summary>
internal static class WorkflowSql
{
    private const string NativeFormat = "dotnet_msgpack";
    private const string PortableFormat = "portable_json";

    /// <summary>
    /// The columns that <see cref="SqliteRows.ReadWorkflow"/> reads of a row <c>w</c> with its input <c>i</c> and output <c>o</c>. Rows of
    /// older SDKs have their payloads in workflow_status itself.
    /// </summary>
    public const string RowColumns = $"""
        w.workflow_uuid, w.name, w.status, w.queue_name, w.queue_partition_key, w.deduplication_id, w.priority,
               coalesce(w.recovery_attempts, 0), w.executor_id, w.application_name, w.application_version, w.parent_workflow_id,
               w.forked_from, w.schedule_name, w.workflow_timeout_ms, w.created_at, w.updated_at, w.started_at_epoch_ms, w.completed_at,
               w.workflow_deadline_epoch_ms, w.delay_until_epoch_ms, w.serialization,
               coalesce(i.inputs, w.inputs), coalesce(o.output, w.output), coalesce(o.error, w.error), w.attributes,
               w.status = '{WorkflowStates.Delayed}' AND EXISTS (SELECT 1 FROM fluent_waits AS p WHERE p.workflow_uuid = w.workflow_uuid)
        """;

    public const string Read = $"""
        SELECT {RowColumns}
          FROM workflow_status AS w
          LEFT JOIN workflow_input AS i ON i.workflow_uuid = w.workflow_uuid
          LEFT JOIN workflow_output AS o ON o.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid = @workflow_uuid
        """;

    /// <summary>No limit: a history is read whole.</summary>
    public const string ReadCheckpoints = """
        SELECT function_id, function_name, output, error, serialization, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms
          FROM operation_outputs WHERE workflow_uuid = @workflow_uuid ORDER BY function_id
        """;

    /// <summary>Returns one row for each workflow that has ended or does not exist.</summary>
    public const string ReadOutcomes = $"""
        SELECT ids.value, w.status, coalesce(o.output, w.output), coalesce(o.error, w.error), w.serialization,
               w.completed_at >= w.workflow_deadline_epoch_ms
          FROM json_each(@workflow_uuids) AS ids
          LEFT JOIN workflow_status AS w ON w.workflow_uuid = ids.value
          LEFT JOIN workflow_output AS o ON o.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid IS NULL OR w.status IN ({WorkflowStates.EndedList})
        """;

    public const string ReadLost = $"""
        SELECT json_extract(mine.value, '$[0]'), w.status,
               w.status = '{WorkflowStates.Cancelled}' AND w.workflow_deadline_epoch_ms <= w.completed_at
          FROM json_each(@executions) AS mine
          LEFT JOIN workflow_status AS w ON w.workflow_uuid = json_extract(mine.value, '$[0]')
         WHERE w.owner_xid IS NOT json_extract(mine.value, '$[1]')
        """;

    /// <summary>
    /// The workflows and all their descendants, whether or not they have ended. No limit: all are cancelled in one transaction.
    /// </summary>
    public const string ReadFamily = """
        WITH RECURSIVE family (id) AS (
            SELECT value FROM json_each(@workflow_uuids)
            UNION
            SELECT w.workflow_uuid FROM family CROSS JOIN workflow_status AS w ON w.parent_workflow_id = family.id)
        SELECT id FROM family
        """;

    /// <summary>
    /// Returns the row's format, which decides how the reason is written. A workflow that was given up may be cancelled too, so that nobody
    /// thinks that it still needs attention.
    /// </summary>
    public const string Cancel = $"""
        UPDATE workflow_status
           SET status = '{WorkflowStates.Cancelled}', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
               started_at_epoch_ms = NULL, completed_at = @now, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid
           AND status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}', '{WorkflowStates.Pending}',
                          '{WorkflowStates.MaxRecoveryAttemptsExceeded}')
        RETURNING serialization
        """;

    /// <summary>
    /// Executor, version, partition, timeout and the end of a delay stay, as in every DBOS SDK. The outcome goes, with
    /// <see cref="RewindSql.DeleteOutcome"/>: a later cancel by another SDK, which writes no reason, would otherwise seem to have that of
    /// the earlier one.
    /// </summary>
    public const string Resume = $"""
        UPDATE workflow_status
           SET status = '{WorkflowStates.Enqueued}', owner_xid = NULL, queue_name = @queue_name, deduplication_id = NULL,
               recovery_attempts = 0, workflow_deadline_epoch_ms = NULL, started_at_epoch_ms = NULL, completed_at = NULL,
               output = NULL, error = NULL, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid AND status NOT IN ('{WorkflowStates.Success}', '{WorkflowStates.Error}')
        """;

    /// <summary>Writes nothing if the format is another SDK's.</summary>
    public const string WriteCancelError = $"""
        INSERT INTO workflow_output (workflow_uuid, output, error, retention_timestamp)
        SELECT @workflow_uuid, NULL, CASE @serialization WHEN '{NativeFormat}' THEN @native ELSE @portable END, @now
         WHERE @serialization IN ('{NativeFormat}', '{PortableFormat}')
        ON CONFLICT (workflow_uuid) DO UPDATE
           SET output = excluded.output, error = excluded.error, retention_timestamp = excluded.retention_timestamp
        """;

    /// <summary>The condition repeats that of idx_workflow_status_deadline word for word, or SQLite would not use the index.</summary>
    public const string ReadExpired = $"""
        SELECT workflow_uuid FROM workflow_status
         WHERE status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}', '{WorkflowStates.Pending}')
           AND workflow_deadline_epoch_ms IS NOT NULL AND workflow_deadline_epoch_ms <= @now
           AND (application_name = @application_name OR application_name IS NULL)
         ORDER BY workflow_deadline_epoch_ms
         LIMIT @limit
        """;
}
