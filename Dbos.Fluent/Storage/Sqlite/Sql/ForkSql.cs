using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements of <see cref="SqliteForks"/>, which run under the write lock.</summary>
internal static class ForkSql
{
    /// <summary>Returns a row only if the workflow exists.</summary>
    public const string Read = "SELECT name, status, forked_from, completed_at FROM workflow_status WHERE workflow_uuid = @workflow_uuid";

    /// <summary>
    /// Finds the end of a history, its last failure and the first step of a name. Rows that undoing wrote come after the failed step and
    /// are not tried again. A called child has two rows. If only the failed row were removed, the fork would await the failed child again,
    /// so the fork begins at the row that started the child.
    /// </summary>
    public const string ReadCuts = $"""
        WITH undone (sequence) AS (
            SELECT coalesce(min(function_id), 2147483647) FROM operation_outputs
             WHERE workflow_uuid = @workflow_uuid AND function_name = '{BuiltInNames.Compensating}'),
        cuts AS (
            SELECT coalesce(max(s.function_id), -1) AS highest,
                   max(CASE WHEN s.error IS NOT NULL AND s.function_id < u.sequence THEN s.function_id END) AS failed,
                   max(CASE WHEN s.function_id < u.sequence THEN s.function_id END) AS last,
                   min(CASE WHEN s.function_name = @function_name THEN s.function_id END) AS named
              FROM undone AS u CROSS JOIN operation_outputs AS s
             WHERE s.workflow_uuid = @workflow_uuid)
        SELECT highest,
               coalesce(
                   (SELECT started.function_id
                      FROM operation_outputs AS awaited
                      JOIN operation_outputs AS started
                        ON started.workflow_uuid = @workflow_uuid AND started.function_id = awaited.function_id - 1
                       AND started.child_workflow_id = awaited.child_workflow_id AND started.function_name <> awaited.function_name
                     WHERE awaited.workflow_uuid = @workflow_uuid AND awaited.function_id = failed
                       AND awaited.function_name = '{BuiltInNames.GetResult}'),
                   failed, last, 0),
               named
          FROM cuts
        """;

    /// <summary>Columns that are not listed are NULL or have their default.</summary>
    public const string InsertFork = $"""
        INSERT INTO workflow_status (
            workflow_uuid, status, name, class_name, config_name, authenticated_user, assumed_role, authenticated_roles,
            application_version, application_name, application_id, queue_name, queue_partition_key, workflow_timeout_ms, serialization,
            forked_from, recovery_attempts, priority, created_at, updated_at)
        SELECT @fork, '{WorkflowStates.Enqueued}', name, class_name, config_name, authenticated_user, assumed_role, authenticated_roles,
               coalesce(@version, application_version), application_name, application_id, @queue, @partition, @timeout, serialization,
               @source, 0, 0, @now, @now
          FROM workflow_status
         WHERE workflow_uuid = @source
        """;

    public const string Mark = "UPDATE workflow_status SET was_forked_from = 1 WHERE workflow_uuid = @source";

    public const string CopyInput = """
        INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp)
        SELECT @fork, coalesce(i.inputs, w.inputs), @now
          FROM workflow_status AS w
          LEFT JOIN workflow_input AS i ON i.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid = @source
        ON CONFLICT (workflow_uuid) DO UPDATE SET inputs = excluded.inputs, retention_timestamp = excluded.retention_timestamp
        """;

    /// <summary>Replaced children are given as pairs of the old and the new child.</summary>
    public const string CopySteps = $"""
        INSERT INTO operation_outputs (
            workflow_uuid, function_id, function_name, output, error, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms,
            serialization, application_name, retention_timestamp)
        SELECT @fork, s.function_id, s.function_name,
               coalesce(
                   (SELECT json_extract(r.value, '$[1]') FROM json_each(@winners) AS r
                     WHERE s.function_name = '{BuiltInNames.WaitFirst}' AND json_extract(r.value, '$[0]') = s.output),
                   s.output),
               s.error,
               coalesce(
                   (SELECT json_extract(r.value, '$[1]') FROM json_each(@replaced) AS r
                     WHERE json_extract(r.value, '$[0]') = s.child_workflow_id),
                   s.child_workflow_id),
               s.started_at_epoch_ms, s.completed_at_epoch_ms, s.serialization, s.application_name, @now
          FROM operation_outputs AS s
         WHERE s.workflow_uuid = @source AND s.function_id < @from
        """;

    public const string CopyEventHistory = """
        INSERT INTO workflow_events_history (workflow_uuid, function_id, key, value, serialization)
        SELECT @fork, function_id, key, value, serialization
          FROM workflow_events_history
         WHERE workflow_uuid = @source AND function_id < @from
        """;

    /// <summary>Copies the last value of each event: with max() the other columns come from that row.</summary>
    public const string CopyEvents = """
        INSERT INTO workflow_events (workflow_uuid, key, value, serialization)
        SELECT @fork, key, value, serialization
          FROM (
            SELECT key, value, serialization, max(function_id)
              FROM workflow_events_history
             WHERE workflow_uuid = @source AND function_id < @from
             GROUP BY key)
        """;

    /// <summary>
    /// Numbers the values again: if branches wrote concurrently, a value that is not copied may lie between two that are, and readers
    /// continue by number.
    /// </summary>
    public const string CopyStreams = """
        INSERT INTO streams (workflow_uuid, key, value, "offset", function_id, serialization)
        SELECT @fork, key, value, row_number() OVER (PARTITION BY key ORDER BY "offset") - 1, function_id, serialization
          FROM streams
         WHERE workflow_uuid = @source AND function_id < @from
        """;
}
