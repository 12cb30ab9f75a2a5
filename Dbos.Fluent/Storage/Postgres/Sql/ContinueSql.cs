using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The statement that takes a running workflow to its next generation.</summary>
internal sealed class ContinueSql(SchemaName schema, string whenLocked)
{
    /// <summary>
    /// $1 now, $2 workflow, $3 token, $4 the generation that ends, $5 input, $6 seed, $7 start, $8 the next token. Returns the deadline, or
    /// no row.
    /// </summary>
    // A pending write of the ended generation names that generation's token, and cannot land in the next. Everything depends on the
    // generation's own row: ON CONFLICT checks its latest version, whatever the snapshot. So a repeated unit changes nothing if its first
    // try has ended meanwhile. An input in the workflow's own row, as older SDKs wrote it, must not show through a NULL one. What remains
    // of the ended generation moves before all sequences of the next, or a fork or rewind of that one would take it for work of its steps.
    // The input's moment is when the generation began: retention tells children by it.
    public string Continue { get; } = $"""
        WITH owned AS MATERIALIZED (
            SELECT 1
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $2 AND owner_xid = $3 AND {RowState.Is("status", WorkflowStates.Pending)}
               FOR NO KEY UPDATE {whenLocked}),
        moved AS (
            INSERT INTO {schema}.fluent_generations AS g (workflow_uuid, generation)
            SELECT $2, $4 + 1 FROM owned
            ON CONFLICT (workflow_uuid) DO UPDATE SET generation = EXCLUDED.generation WHERE g.generation = $4
            RETURNING generation),
        forgotten AS (DELETE FROM {schema}.operation_outputs WHERE workflow_uuid = $2 AND EXISTS (SELECT FROM moved)),
        past AS (
            DELETE FROM {schema}.workflow_events_history
             WHERE workflow_uuid = $2 AND function_id >= 0 AND EXISTS (SELECT FROM moved)),
        kept AS (
            INSERT INTO {schema}.workflow_events_history (workflow_uuid, function_id, key, value, serialization)
            SELECT workflow_uuid, {StoredHistory.GenerationMark}, key, value, serialization
              FROM {schema}.workflow_events
             WHERE workflow_uuid = $2 AND EXISTS (SELECT FROM moved)
            ON CONFLICT (workflow_uuid, function_id, key)
            DO UPDATE SET value = EXCLUDED.value, serialization = EXCLUDED.serialization),
        written AS (
            UPDATE {schema}.streams SET function_id = {StoredHistory.GenerationMark}
             WHERE workflow_uuid = $2 AND function_id >= 0 AND EXISTS (SELECT FROM moved)),
        read AS (
            UPDATE {schema}.notifications SET consumed_by_function_id = {StoredHistory.GenerationMark}
             WHERE destination_uuid = $2 AND consumed AND consumed_by_function_id >= 0 AND EXISTS (SELECT FROM moved)),
        given AS (
            INSERT INTO {schema}.workflow_input (workflow_uuid, inputs, retention_timestamp)
            SELECT $2, $5, {Clock.Now} FROM moved
            ON CONFLICT (workflow_uuid)
            DO UPDATE SET inputs = EXCLUDED.inputs, retention_timestamp = EXCLUDED.retention_timestamp),
        seeded AS (
            INSERT INTO {schema}.fluent_origins (workflow_uuid, seed, started_at)
            SELECT $2, $6, $7 FROM moved
            ON CONFLICT (workflow_uuid) DO UPDATE SET seed = EXCLUDED.seed, started_at = EXCLUDED.started_at)
        UPDATE {schema}.workflow_status
           SET owner_xid = $8, inputs = NULL, recovery_attempts = 1, updated_at = {Clock.Now},
               workflow_deadline_epoch_ms = COALESCE(
                   {Clock.Now} + {Clock.Bounded("workflow_timeout_ms")}, workflow_deadline_epoch_ms)
         WHERE workflow_uuid = $2 AND EXISTS (SELECT FROM moved)
        RETURNING workflow_deadline_epoch_ms
        """;
}
