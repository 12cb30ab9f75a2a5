using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The statement that starts or moves a debounced workflow, and the one that asks why it did neither.</summary>
/// <remarks>
/// <para>
/// The first parameters are those of a start. One statement inserts or moves the row and writes the parent's checkpoint. Of concurrent
/// first calls one inserts. The others wait for it at the index of deduplication ids, do nothing, and are written again in a snapshot
/// that holds its row.
/// </para>
/// </remarks>
internal sealed class DebounceSql(SchemaName schema, string whenLocked)
{
    private const string Waits =
        $"w.status = '{WorkflowStates.Delayed}' AND w.is_debounced AND COALESCE(w.recovery_attempts, 0) = 0 AND w.name = $4 "
        + "AND (w.application_name = $7 OR w.application_name IS NULL OR $7 IS NULL)";

    /// <summary>
    /// $1 the parent, $2 queue, $3 deduplication id. Runs before the unit's statement, whose snapshot is then newer than the locks.
    /// </summary>
    public string Lock { get; } = $"""
        WITH parent AS MATERIALIZED (
            SELECT 1 FROM {schema}.workflow_status WHERE workflow_uuid = $1 FOR NO KEY UPDATE {whenLocked}),
        holder AS MATERIALIZED (
            SELECT 1 FROM {schema}.workflow_status WHERE queue_name = $2 AND deduplication_id = $3 FOR NO KEY UPDATE {whenLocked})
        SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM holder)
        """;

    // The holder is first looked for without a lock: if there is one, nothing is inserted, and a lane does not wait for its owner. Locking
    // it returns its latest version, or nothing if it was released into its queue meanwhile. A parent's checkpoint that is already stored
    // is an earlier try's, as is a holder with this call's own token: its work is done. The quiet period begins when the statement runs: in
    // a storm of calls with one key, transactions wait and last longer than their period. A holder of no application becomes the caller's,
    // because calls of other applications would overwrite each other's input. The version goes with the input: the code of the first call
    // may be gone by now. A workflow that several callers asked for is no child of the first.
    public string Write { get; } = $"""
        WITH parent AS MATERIALIZED (
            SELECT application_name
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $21 AND owner_xid = $22
               FOR NO KEY UPDATE {whenLocked}),
        allowed AS MATERIALIZED (
            SELECT (SELECT application_name FROM parent) AS application_name
             WHERE $21 IS NULL OR EXISTS (SELECT FROM parent)),
        stood AS MATERIALIZED (
            SELECT child_workflow_id FROM {schema}.operation_outputs WHERE workflow_uuid = $21 AND function_id = $23 LIMIT 1),
        seen AS MATERIALIZED (
            SELECT workflow_uuid FROM {schema}.workflow_status WHERE queue_name = $9 AND deduplication_id = $11 LIMIT 1),
        holder AS MATERIALIZED (
            SELECT h.*
              FROM allowed
             CROSS JOIN LATERAL (
                SELECT w.workflow_uuid, w.name, w.status, w.created_at, {Waits} AS waits,
                       COALESCE(w.workflow_uuid = $2 AND w.creator_xid = $5, false) AS mine,
                       LEAST({Clock.Moment} + $19, w.debounce_deadline_epoch_ms) AS delay_until
                  FROM {schema}.workflow_status AS w
                 WHERE w.queue_name = $9 AND w.deduplication_id = $11
                   FOR NO KEY UPDATE {whenLocked}) AS h
             WHERE NOT EXISTS (SELECT FROM stood)),
        moved AS (
            UPDATE {schema}.workflow_status AS w
               SET delay_until_epoch_ms = (SELECT delay_until FROM holder), serialization = $15,
                   application_name = COALESCE(w.application_name, $7), application_version = $8,
                   parent_workflow_id = CASE WHEN w.parent_workflow_id = $13 THEN $13 END, updated_at = {Clock.Now}
             WHERE w.workflow_uuid = (SELECT workflow_uuid FROM holder WHERE waits AND NOT mine)
            RETURNING w.workflow_uuid, w.created_at),
        created AS (
            INSERT INTO {schema}.workflow_status ({CommitSql.StatusColumns}, is_debounced, debounce_deadline_epoch_ms)
            SELECT $2, $3, $4, $5, NULL, 0, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::jsonb, $17, $18::bigint,
                   {Clock.Moment} + LEAST($19, $30), {Clock.Now}, {Clock.Now}, true, {Clock.Moment} + $30
              FROM allowed
             WHERE NOT EXISTS (SELECT FROM stood) AND NOT EXISTS (SELECT FROM seen)
            ON CONFLICT DO NOTHING
            RETURNING workflow_uuid, created_at),
        fresh AS MATERIALIZED (SELECT workflow_uuid, created_at FROM created UNION ALL SELECT workflow_uuid, created_at FROM moved),
        stored AS (
            INSERT INTO {schema}.workflow_input (workflow_uuid, inputs, retention_timestamp)
            SELECT workflow_uuid, $20, created_at FROM fresh
            ON CONFLICT (workflow_uuid) DO UPDATE SET inputs = EXCLUDED.inputs, retention_timestamp = EXCLUDED.retention_timestamp),
        recorded AS (
            INSERT INTO {schema}.operation_outputs ({CommitSql.CheckpointColumns})
            SELECT $21, $23, $24, $25, $26, $27, fresh.workflow_uuid, $28, $29, allowed.application_name
              FROM fresh CROSS JOIN allowed
             WHERE $23 IS NOT NULL
            ON CONFLICT (workflow_uuid, function_id) DO NOTHING)
        SELECT stood.child_workflow_id, child.name, child.status, child.created_at,
               holder.workflow_uuid, holder.name, holder.status, holder.created_at, holder.waits, holder.mine,
               created.created_at, EXISTS (SELECT FROM seen)
          FROM allowed
          LEFT JOIN stood ON true
          LEFT JOIN LATERAL (
            SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = stood.child_workflow_id LIMIT 1) AS child ON true
          LEFT JOIN holder ON true
          LEFT JOIN created ON true
        """;

    /// <summary>
    /// Why nothing was written. $1 workflow, $2 token, $3 parent, $4 its token, $5 to $8 sequence, name, start and end of its checkpoint.
    /// </summary>
    public static string ReadStanding(SchemaName schema) => $"""
        SELECT stood.child_workflow_id, child.name, child.status, child.created_at,
               w.name, w.status, w.created_at, COALESCE(w.creator_xid = $2, false), COALESCE(p.owner_xid = $4, false)
          FROM (SELECT 1) AS one
          LEFT JOIN LATERAL (SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = $1 LIMIT 1) AS w ON true
          LEFT JOIN LATERAL (SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = $3 LIMIT 1) AS p ON true
          LEFT JOIN LATERAL (
            SELECT child_workflow_id
              FROM {schema}.operation_outputs
             WHERE workflow_uuid = $3 AND function_id = $5
               AND (function_name, started_at_epoch_ms, completed_at_epoch_ms) IS NOT DISTINCT FROM ($6, $7, $8)
             LIMIT 1) AS stood ON true
          LEFT JOIN LATERAL (
            SELECT * FROM {schema}.workflow_status WHERE workflow_uuid = stood.child_workflow_id LIMIT 1) AS child ON true
        """;
}
