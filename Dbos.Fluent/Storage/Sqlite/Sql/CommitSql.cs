using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Statements of <see cref="SqliteCommitStore"/>. All run under the write lock, so each may rely on what an earlier one has read.
/// </summary>
internal static class CommitSql
{
    /// <summary>Returns a row only while the token owns the workflow.</summary>
    public const string ReadOwned = """
        SELECT application_name FROM workflow_status WHERE workflow_uuid = @workflow_uuid AND owner_xid = @token
        """;

    /// <summary>Inserts nothing if the id, or the deduplication id on its queue, is in use.</summary>
    public const string InsertWorkflow = """
        INSERT INTO workflow_status (
            workflow_uuid, status, name, executor_id, created_at, updated_at, application_version, application_name, recovery_attempts,
            queue_name, workflow_timeout_ms, workflow_deadline_epoch_ms, deduplication_id, priority, queue_partition_key,
            parent_workflow_id, owner_xid, creator_xid, serialization, delay_until_epoch_ms, attributes, schedule_name)
        VALUES (
            @workflow_uuid, @status, @name, @executor_id, @now, @now, @application_version, @application_name, @recovery_attempts,
            @queue_name, @timeout_ms, @deadline, @deduplication_id, @priority, @queue_partition_key,
            @parent_workflow_id, @owner_xid, @creator_xid, @serialization, @delay_until, @attributes, @schedule_name)
        ON CONFLICT DO NOTHING
        """;

    /// <summary>An input left by a deleted workflow of the same id must not become this workflow's input.</summary>
    public const string WriteInput = """
        INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp) VALUES (@workflow_uuid, @inputs, @now)
        ON CONFLICT (workflow_uuid) DO UPDATE SET inputs = excluded.inputs, retention_timestamp = excluded.retention_timestamp
        """;

    public const string ReadExisting = """
        SELECT name, status, creator_xid, created_at, workflow_deadline_epoch_ms, owner_xid, parent_workflow_id
          FROM workflow_status
         WHERE workflow_uuid = @workflow_uuid
        """;

    public const string ReadDeduplicated = """
        SELECT workflow_uuid, name, status FROM workflow_status WHERE queue_name = @queue_name AND deduplication_id = @deduplication_id
        """;

    /// <summary>An existing checkpoint was written by an earlier try, as only its owner writes it.</summary>
    public const string InsertCheckpoint = """
        INSERT INTO operation_outputs (
            workflow_uuid, function_id, function_name, output, error, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms,
            serialization, application_name, retention_timestamp)
        VALUES (
            @workflow_uuid, @function_id, @function_name, @output, @error, @child_workflow_id, @started_at, @completed_at,
            @serialization, @application_name, @now)
        ON CONFLICT (workflow_uuid, function_id) DO NOTHING
        """;

    public const string ReadSameCheckpoint = """
        SELECT 1 FROM operation_outputs
         WHERE workflow_uuid = @workflow_uuid AND function_id = @function_id AND function_name = @function_name
           AND output IS @output AND error IS @error AND child_workflow_id IS @child_workflow_id
           AND started_at_epoch_ms IS @started_at AND completed_at_epoch_ms IS @completed_at
        """;

    public const string ReadCheckpoint = """
        SELECT function_id, function_name, output, error, serialization, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms
          FROM operation_outputs WHERE workflow_uuid = @workflow_uuid AND function_id = @function_id
        """;

    public const string CompleteWorkflow = $"""
        UPDATE workflow_status
           SET status = @status, completed_at = @now, updated_at = @now, owner_xid = NULL, deduplication_id = NULL
         WHERE workflow_uuid = @workflow_uuid AND status = '{WorkflowStates.Pending}' AND owner_xid = @token
        """;

    public const string WriteOutput = """
        INSERT INTO workflow_output (workflow_uuid, output, error, retention_timestamp) VALUES (@workflow_uuid, @output, @error, @now)
        ON CONFLICT (workflow_uuid) DO UPDATE
           SET output = excluded.output, error = excluded.error, retention_timestamp = excluded.retention_timestamp
        """;

    public const string ReadSameOutcome = """
        SELECT 1 FROM workflow_status AS w
          JOIN workflow_output AS o ON o.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid = @workflow_uuid AND w.status = @status AND w.owner_xid IS NULL
           AND o.output IS @output AND o.error IS @error
        """;
}
