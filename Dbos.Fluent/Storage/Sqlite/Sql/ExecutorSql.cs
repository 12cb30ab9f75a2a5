using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Statements of <see cref="SqliteExecutorStore"/>. <c>@real_now</c> is the time of the system clock, which leases use; <c>@now</c> is the
/// time of the workflows' clock.
/// </summary>
internal static class ExecutorSql
{
    private const string Excepted = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(@except)";

    private const string Lives = "e.stopped = 0 AND e.lease_expires_at > @real_now";

    private const string ExceptedTokens = "SELECT value FROM json_each(@except_tokens)";

    private const string Columns = """
        executor_id, incarnation, application_name, application_version, machine_id, boot_id, pid_namespace, process_id, process_start,
        lease_expires_at, stopped = 0 AND lease_expires_at > @real_now, stopped
        """;

    // The start time is kept: it counts against the queue's rate, and the start that follows counts as well.
    private const string HandOnAssignments = $"""
        status = '{WorkflowStates.Enqueued}', owner_xid = NULL, queue_name = coalesce(queue_name, '{QueueNames.Internal}'),
        updated_at = @now
        """;

    public const string Read = $"SELECT {Columns} FROM fluent_executors WHERE executor_id = @executor_id";

    /// <summary>No limit: an application has as many executors as it was launched with.</summary>
    public const string ReadAll = $"SELECT {Columns} FROM fluent_executors WHERE application_name = @application_name ORDER BY executor_id";

    /// <summary>An executor that has been gone for this long counts as never registered, if any of its rows are left.</summary>
    public const string Forget = """
        DELETE FROM fluent_executors WHERE application_name = @application_name AND lease_expires_at < @before
        """;

    public const string WriteExecutor = """
        INSERT INTO fluent_executors (
            executor_id, incarnation, application_name, application_version, machine_id, boot_id, pid_namespace, process_id, process_start,
            lease_expires_at, stopped)
        VALUES (
            @executor_id, @incarnation, @application_name, @application_version, @machine_id, @boot_id, @pid_namespace, @process_id,
            @process_start, @lease_expires_at, 0)
        ON CONFLICT (executor_id) DO UPDATE
           SET incarnation = excluded.incarnation, application_name = excluded.application_name,
               application_version = excluded.application_version, machine_id = excluded.machine_id, boot_id = excluded.boot_id,
               pid_namespace = excluded.pid_namespace, process_id = excluded.process_id, process_start = excluded.process_start,
               lease_expires_at = excluded.lease_expires_at, stopped = 0
        """;

    /// <summary>Assigns a version without an application to this application; its age stays.</summary>
    public const string AdoptVersion = """
        UPDATE application_versions SET application_name = @application_name
         WHERE version_name = @application_version AND application_name IS NULL
        """;

    /// <summary>A new version becomes the latest one even if the clock has not moved since the last registration.</summary>
    public const string RegisterVersion = """
        INSERT INTO application_versions (version_id, version_name, version_timestamp, created_at, application_name)
        SELECT @version_id, @application_version, max(@now, 1 + coalesce(max(version_timestamp), 0)), @now, @application_name
          FROM application_versions WHERE application_name = @application_name OR application_name IS NULL
        ON CONFLICT DO NOTHING
        """;

    public const string Renew = """
        UPDATE fluent_executors SET lease_expires_at = @lease_expires_at
         WHERE executor_id = @executor_id AND incarnation = @incarnation AND stopped = 0
        """;

    public const string Stop = """
        UPDATE fluent_executors SET stopped = 1, lease_expires_at = min(lease_expires_at, @real_now)
         WHERE executor_id = @executor_id AND incarnation = @incarnation
        RETURNING application_name
        """;

    public const string Expire = """
        UPDATE fluent_executors SET lease_expires_at = min(lease_expires_at, @real_now)
         WHERE executor_id = @executor_id AND incarnation = @incarnation
        """;

    /// <summary>Draining is not a failure of the workflow, so the attempt that the next claim will count is subtracted.</summary>
    public const string HandOnDrained = $"""
        UPDATE workflow_status
           SET {HandOnAssignments}, recovery_attempts = max(coalesce(recovery_attempts, 0) - 1, 0)
         WHERE status = '{WorkflowStates.Pending}' AND executor_id = @executor_id AND application_name = @application_name
        """;

    /// <summary>
    /// Hands on running workflows. The plus keeps the planner from the index of names, which looks narrower but also holds ended ones.
    /// </summary>
    public const string HandOn = $"""
        UPDATE workflow_status
           SET {HandOnAssignments}
         WHERE workflow_uuid IN (
               SELECT workflow_uuid FROM workflow_status
                WHERE status = '{WorkflowStates.Pending}'
                  AND application_name = @application_name
                  AND +name IN (SELECT value FROM json_each(@names))
                  AND (@application_version IS NULL OR application_version = @application_version)
                  AND executor_id IN (SELECT value FROM json_each(@executor_ids))
                  AND (executor_id = @observer OR NOT EXISTS (
                      SELECT 1 FROM fluent_executors AS e WHERE e.executor_id = workflow_status.executor_id AND {Lives}))
                  AND (owner_xid IS NULL OR (workflow_uuid, owner_xid) NOT IN ({Excepted}))
                  AND (owner_xid IS NULL OR owner_xid NOT IN ({ExceptedTokens}))
                ORDER BY created_at
                LIMIT @limit)
        RETURNING workflow_uuid
        """;

    /// <summary>A workflow that was claimed but never begun has not used up the attempt that the next claim will count.</summary>
    public const string HandBack = $"""
        UPDATE workflow_status
           SET {HandOnAssignments},
               recovery_attempts = CASE WHEN @attempted THEN recovery_attempts ELSE max(coalesce(recovery_attempts, 0) - 1, 0) END,
               started_at_epoch_ms = CASE WHEN @attempted THEN started_at_epoch_ms END
         WHERE workflow_uuid = @workflow_uuid AND status = '{WorkflowStates.Pending}' AND owner_xid = @token
        """;

    /// <summary>
    /// Hands on running workflows, as <see cref="HandOn"/> does. Attributes and repeated enqueues also change updated_at. Only the executor
    /// that takes a row writes when it began.
    /// </summary>
    public const string HandOnOrphans = $"""
        UPDATE workflow_status
           SET {HandOnAssignments}
         WHERE workflow_uuid IN (
               SELECT w.workflow_uuid FROM workflow_status AS w
                WHERE w.status = '{WorkflowStates.Pending}'
                  AND w.application_name = @application_name
                  AND +w.name IN (SELECT value FROM json_each(@names))
                  AND (@application_version IS NULL OR w.application_version = @application_version)
                  AND min(coalesce(w.started_at_epoch_ms, w.created_at), w.updated_at) <= @now - @taken_for
                  AND (w.owner_xid IS NULL OR (w.workflow_uuid, w.owner_xid) NOT IN ({Excepted}))
                  AND (w.owner_xid IS NULL OR w.owner_xid NOT IN ({ExceptedTokens}))
                  AND NOT EXISTS (
                      SELECT 1 FROM fluent_executors AS e
                       WHERE e.executor_id = w.executor_id AND {Lives}
                         AND e.executor_id NOT IN (SELECT value FROM json_each(@executor_ids)))
                  AND (@observer IS NULL OR EXISTS (
                      SELECT 1 FROM fluent_executors AS e WHERE e.executor_id = @observer AND {Lives}))
                ORDER BY w.created_at
                LIMIT @limit)
        RETURNING workflow_uuid
        """;
}
