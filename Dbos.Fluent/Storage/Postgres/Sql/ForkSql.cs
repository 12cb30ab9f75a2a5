using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that fork and rewind workflows.</summary>
internal sealed class ForkSql(SchemaName schema)
{
    /// <summary>Locks the source. $1 id.</summary>
    // The fork's mark is written under this lock, and no checkpoint can come between reading the history and copying it.
    public string Lock { get; } = $"""
        SELECT status, completed_at FROM {schema}.workflow_status WHERE workflow_uuid = $1 FOR NO KEY UPDATE
        """;

    /// <summary>
    /// The end of a history, its last failure, and the first step of a name. $1 id, $2 name.
    /// </summary>
    // Rows of undoing follow the failed step, and are not tried again. A called child has two rows. If only the failed one were removed,
    // the fork would await the failed child again, so it begins at the row that started the child.
    public string ReadCuts { get; } = $"""
        WITH undone AS (
            SELECT min(function_id) AS sequence
              FROM {schema}.operation_outputs
             WHERE workflow_uuid = $1 AND function_name = '{BuiltInNames.Compensating}'),
        cuts AS (
            SELECT COALESCE(max(function_id), -1) AS highest,
                   max(function_id) FILTER (WHERE error IS NOT NULL AND function_id < COALESCE(sequence, 2147483647)) AS failed,
                   max(function_id) FILTER (WHERE function_id < COALESCE(sequence, 2147483647)) AS last,
                   min(function_id) FILTER (WHERE function_name = $2) AS named
              FROM {schema}.operation_outputs, undone
             WHERE workflow_uuid = $1)
        SELECT highest,
               COALESCE(
                   (SELECT started.function_id
                      FROM {schema}.operation_outputs AS awaited
                      JOIN {schema}.operation_outputs AS started
                        ON started.workflow_uuid = $1 AND started.function_id = awaited.function_id - 1
                       AND started.child_workflow_id = awaited.child_workflow_id AND started.function_name <> awaited.function_name
                     WHERE awaited.workflow_uuid = $1 AND awaited.function_id = failed
                       AND awaited.function_name = '{BuiltInNames.GetResult}'),
                   failed, last, 0),
               named
          FROM cuts
        """;

    /// <summary>
    /// Makes the fork: $1 now, $2 source, $3 fork, $4 first sequence not to copy, $5 version, $6 queue, $7 partition, $8 timeout,
    /// $9 replaced children, $10 their replacements, $11 and $12 the same as winners of a wait for the first. Returns a row, or none if the
    /// id is in use.
    /// </summary>
    // Streams are renumbered: if branches wrote concurrently, a value that is not copied may lie between two that are, and readers continue
    // by number. A row that an older SDK deleted may have left an input under its id.
    public string Fork { get; } = $"""
        WITH forked AS (
            INSERT INTO {schema}.workflow_status (
                workflow_uuid, status, name, class_name, config_name, authenticated_user, assumed_role, authenticated_roles,
                application_version, application_name, application_id, queue_name, queue_partition_key, workflow_timeout_ms, serialization,
                forked_from, recovery_attempts, priority, created_at, updated_at)
            SELECT $3, '{WorkflowStates.Enqueued}', name, class_name, config_name, authenticated_user, assumed_role, authenticated_roles,
                   COALESCE($5, application_version), application_name, application_id, COALESCE($6, '{QueueNames.Internal}'), $7, $8,
                   serialization, $2, 0, 0, {Clock.Now}, {Clock.Now}
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $2
            ON CONFLICT (workflow_uuid) DO NOTHING
            RETURNING workflow_uuid),
        marked AS (
            UPDATE {schema}.workflow_status SET was_forked_from = true
             WHERE workflow_uuid = $2 AND EXISTS (SELECT FROM forked)),
        input AS (
            INSERT INTO {schema}.workflow_input (workflow_uuid, inputs, retention_timestamp)
            SELECT f.workflow_uuid, COALESCE(i.inputs, w.inputs), {Clock.Now}
              FROM forked AS f
              JOIN {schema}.workflow_status AS w ON w.workflow_uuid = $2
              LEFT JOIN {schema}.workflow_input AS i ON i.workflow_uuid = $2
            ON CONFLICT (workflow_uuid)
            DO UPDATE SET inputs = EXCLUDED.inputs, retention_timestamp = EXCLUDED.retention_timestamp),
        steps AS (
            INSERT INTO {schema}.operation_outputs (
                workflow_uuid, function_id, function_name, output, error, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms,
                serialization, application_name, retention_timestamp)
            SELECT f.workflow_uuid, s.function_id, s.function_name, COALESCE(won.taker, s.output), s.error, COALESCE(r.taker, s.child_workflow_id),
                   s.started_at_epoch_ms, s.completed_at_epoch_ms, s.serialization, s.application_name, {Clock.Now}
              FROM forked AS f
              JOIN {schema}.operation_outputs AS s ON s.workflow_uuid = $2 AND s.function_id < $4
              LEFT JOIN unnest($9::text[], $10::text[]) AS r(child, taker) ON r.child = s.child_workflow_id
              LEFT JOIN unnest($11::text[], $12::text[]) AS won(child, taker)
                ON won.child = s.output AND s.function_name = '{BuiltInNames.WaitFirst}'),
        history AS (
            INSERT INTO {schema}.workflow_events_history (workflow_uuid, function_id, key, value, serialization)
            SELECT f.workflow_uuid, h.function_id, h.key, h.value, h.serialization
              FROM forked AS f
              JOIN {schema}.workflow_events_history AS h ON h.workflow_uuid = $2 AND h.function_id < $4),
        events AS (
            INSERT INTO {schema}.workflow_events (workflow_uuid, key, value, serialization)
            SELECT DISTINCT ON (h.key) f.workflow_uuid, h.key, h.value, h.serialization
              FROM forked AS f
              JOIN {schema}.workflow_events_history AS h ON h.workflow_uuid = $2 AND h.function_id < $4
             ORDER BY h.key, h.function_id DESC),
        streams AS (
            INSERT INTO {schema}.streams (workflow_uuid, key, value, "offset", function_id, serialization)
            SELECT f.workflow_uuid, s.key, s.value, (row_number() OVER (PARTITION BY s.key ORDER BY s."offset") - 1)::int,
                   s.function_id, s.serialization
              FROM forked AS f
              JOIN {schema}.streams AS s ON s.workflow_uuid = $2 AND s.function_id < $4)
        SELECT 1 FROM forked
        """;

    /// <summary>Who holds an id. $1 id.</summary>
    public string ReadHolder { get; } = $"SELECT name, status, forked_from FROM {schema}.workflow_status WHERE workflow_uuid = $1";

    /// <summary>Stores an origin that no other workflow has. $1 now, $2 id, $3 seed.</summary>
    public string StoreOwnOrigin { get; } = $"""
        INSERT INTO {schema}.fluent_origins (workflow_uuid, seed, started_at) VALUES ($2, $3, {Clock.Now})
        """;

    /// <summary>Rewinds an ended workflow: $1 now, $2 id, $3 the first sequence to remove.</summary>
    // Each part sees the tables as they were before the statement.
    public string Rewind { get; } = $"""
        WITH rewound AS (
            UPDATE {schema}.workflow_status
               SET status = '{WorkflowStates.Enqueued}', queue_name = '{QueueNames.Internal}',
                   queue_partition_key = NULL, owner_xid = NULL,
                   deduplication_id = NULL, recovery_attempts = 0, workflow_deadline_epoch_ms = NULL, started_at_epoch_ms = NULL,
                   completed_at = NULL, output = NULL, error = NULL, updated_at = {Clock.Now}
             WHERE workflow_uuid = $2),
        waits AS ({SideSql.DropWaits(schema, "= $2")}),
        outcome AS (DELETE FROM {schema}.workflow_output WHERE workflow_uuid = $2),
        steps AS (DELETE FROM {schema}.operation_outputs WHERE workflow_uuid = $2 AND function_id >= $3),
        messages AS (
            DELETE FROM {schema}.notifications
             WHERE destination_uuid = $2 AND (NOT consumed OR consumed_by_function_id >= $3)),
        streams AS (
            DELETE FROM {schema}.streams
             WHERE workflow_uuid = $2 AND function_id >= $3
               AND value IN ('"{ReservedTexts.StreamClosed}"', '{ReservedTexts.StreamClosed}')),
        history AS (DELETE FROM {schema}.workflow_events_history WHERE workflow_uuid = $2 AND function_id >= $3),
        changed AS (
            SELECT DISTINCT key FROM {schema}.workflow_events_history WHERE workflow_uuid = $2 AND function_id >= $3),
        former AS (
            SELECT DISTINCT ON (key) key, value, serialization
              FROM {schema}.workflow_events_history
             WHERE workflow_uuid = $2 AND function_id < $3 AND key IN (SELECT key FROM changed)
             ORDER BY key, function_id DESC),
        restored AS (
            UPDATE {schema}.workflow_events AS e
               SET value = former.value, serialization = former.serialization
              FROM former
             WHERE e.workflow_uuid = $2 AND e.key = former.key)
        DELETE FROM {schema}.workflow_events
         WHERE workflow_uuid = $2 AND key IN (SELECT key FROM changed) AND key NOT IN (SELECT key FROM former)
        """;
}
