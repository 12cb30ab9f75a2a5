using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements of <see cref="SqliteClaimStore"/>.</summary>
internal static class ClaimSql
{
    private const string Columns = """
        w.workflow_uuid, w.name, coalesce(i.inputs, w.inputs), w.serialization, coalesce(w.recovery_attempts, 0), w.queue_name,
        w.parent_workflow_id, w.workflow_deadline_epoch_ms, w.workflow_timeout_ms, w.executor_id, w.created_at, w.forked_from,
        o.seed, o.started_at, EXISTS (SELECT 1 FROM fluent_waits AS p WHERE p.workflow_uuid = w.workflow_uuid), w.queue_partition_key
        """;

    /// <summary>The workflows that an earlier call with the token has claimed; at most the limit of that call.</summary>
    public const string ReadClaimed = $"""
        SELECT {Columns}
          FROM workflow_status AS w
          LEFT JOIN workflow_input AS i ON i.workflow_uuid = w.workflow_uuid
          LEFT JOIN fluent_origins AS o ON o.workflow_uuid = w.workflow_uuid
         WHERE w.status = '{WorkflowStates.Pending}' AND w.owner_xid = @token
         ORDER BY w.priority, w.created_at, w.workflow_uuid
        """;

    /// <summary>A row that the caller has found and takes next.</summary>
    public const string ReadOne = $"""
        SELECT {Columns}
          FROM workflow_status AS w
          LEFT JOIN workflow_input AS i ON i.workflow_uuid = w.workflow_uuid
          LEFT JOIN fluent_origins AS o ON o.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid = @workflow_uuid
        """;

    public const string Claim = $"""
        UPDATE workflow_status
           SET status = '{WorkflowStates.Pending}', owner_xid = @token, executor_id = @executor_id,
               application_version = @application_version, application_name = coalesce(application_name, @application_name),
               recovery_attempts = @recovery_attempts, workflow_deadline_epoch_ms = @deadline, rate_limited = @rate_limited,
               started_at_epoch_ms = @now, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid
        """;

    public const string DeadLetter = $"""
        UPDATE workflow_status
           SET status = '{WorkflowStates.MaxRecoveryAttemptsExceeded}', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
               recovery_attempts = @recovery_attempts, started_at_epoch_ms = NULL, completed_at = @now, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid
        """;

    /// <summary>
    /// Of versions registered in the same millisecond, the last registered one is the latest. There is no row if another application has
    /// registered the engine's version name: the table holds each name once, so that version has no place in its application's order. It
    /// then counts as the latest, beside the actual latest one. Work without a version must not wait only because of another application's
    /// version names.
    /// </summary>
    public const string ReadLatestVersion = """
        SELECT version_name FROM application_versions
         WHERE (application_name = @application_name OR application_name IS NULL)
           AND NOT EXISTS (
               SELECT 1 FROM application_versions AS o
                WHERE o.version_name = @application_version AND o.application_name <> @application_name)
         ORDER BY version_timestamp DESC, created_at DESC, rowid DESC
         LIMIT 1
        """;

    public const string InsertOrigin = """
        INSERT INTO fluent_origins (workflow_uuid, seed, started_at) VALUES (@workflow_uuid, @seed, @started_at)
        ON CONFLICT (workflow_uuid) DO NOTHING
        """;

    public const string ReadSource = """
        SELECT w.created_at, w.forked_from, o.seed, o.started_at
          FROM workflow_status AS w
          LEFT JOIN fluent_origins AS o ON o.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid = @workflow_uuid
        """;

    /// <summary>No limit: the caller has claimed these workflows and runs them.</summary>
    public const string ReadHistories = """
        SELECT function_id, function_name, output, error, serialization, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms,
               workflow_uuid
          FROM operation_outputs
         WHERE workflow_uuid IN (SELECT value FROM json_each(@workflow_uuids))
        UNION ALL
        SELECT -1, '', CAST(generation AS TEXT), NULL, NULL, NULL, NULL, NULL, workflow_uuid
          FROM fluent_generations
         WHERE workflow_uuid IN (SELECT value FROM json_each(@workflow_uuids))
         ORDER BY 9, 1
        """;
}
