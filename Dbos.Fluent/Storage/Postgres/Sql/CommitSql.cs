using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that write for running workflows, guarded by the lock on the workflow's row and its token.</summary>
/// <remarks>
/// <para>
/// The lock is FOR NO KEY UPDATE: it blocks a claim that would take the row away, but messages and events can still refer to the row. The
/// writing statement takes it, so nothing can happen between check and write. The singular statements do the same for one unit at much
/// less cost.
/// </para>
/// <para>
/// Sets reach the tables only through LATERAL lookups and arrays of keys, never through joins that a planner could turn into a scan of
/// the whole table: see <see cref="PostgresLanes"/>. A lookup follows the order of its set, so locks are taken in id order.
/// </para>
/// </remarks>
internal sealed class CommitSql
{
    private const string SkipLocked = "SKIP LOCKED";

    public const string CheckpointColumns =
        "workflow_uuid, function_id, function_name, output, error, serialization, child_workflow_id, "
        + "started_at_epoch_ms, completed_at_epoch_ms, application_name";

    public const string StatusColumns =
        "workflow_uuid, status, name, creator_xid, owner_xid, recovery_attempts, executor_id, application_name, application_version, "
        + "queue_name, priority, deduplication_id, queue_partition_key, parent_workflow_id, schedule_name, serialization, attributes, "
        + "workflow_timeout_ms, workflow_deadline_epoch_ms, delay_until_epoch_ms, created_at, updated_at";

    private static readonly string IsRunning = RowState.Is("status", WorkflowStates.Pending);

    private const string Ended =
        $"owner_xid = NULL, deduplication_id = NULL, completed_at = {Clock.Now}, updated_at = {Clock.Now}";

    private CommitSql(SchemaName schema, string whenLocked)
    {
        Start = RenderStart(schema);
        ChildStart = RenderChildStart(schema, whenLocked);
        Starts = RenderStarts(schema, whenLocked);
        Checkpoint = RenderCheckpoint(schema, whenLocked);
        Checkpoints = RenderCheckpoints(schema, whenLocked);
        Outcome = RenderOutcome(schema, whenLocked);
        Outcomes = RenderOutcomes(schema, whenLocked);
        Units = new UnitSql(schema, whenLocked);
        Debounce = new DebounceSql(schema, whenLocked);
        Continue = new ContinueSql(schema, whenLocked);
        Waits = whenLocked != SkipLocked;
    }

    public string Start { get; }

    public string ChildStart { get; }

    public string Starts { get; }

    public string Checkpoint { get; }

    public string Checkpoints { get; }

    public string Outcome { get; }

    public string Outcomes { get; }

    /// <summary>The statements of units that are written one by one.</summary>
    public UnitSql Units { get; }

    /// <summary>The statements of debounced workflows.</summary>
    public DebounceSql Debounce { get; }

    /// <summary>The statement of a workflow that continues as new.</summary>
    public ContinueSql Continue { get; }

    /// <summary>True if the statements wait for locks of others.</summary>
    public bool Waits { get; }

    /// <summary>The statements of a lane: they skip rows that somebody else has locked.</summary>
    public static CommitSql Skipping(SchemaName schema) => new(schema, SkipLocked);

    /// <summary>The statements of a retry outside the lanes: they wait for locks of others.</summary>
    public static CommitSql Waiting(SchemaName schema) => new(schema, "");

    // ON CONFLICT without a target covers the deduplication index as well as the key: a later question finds what blocked the insert.
    private static string RenderStart(SchemaName schema) => $"""
        WITH created AS (
            INSERT INTO {schema}.workflow_status ({StatusColumns})
            {SelectOneStart("")}
            ON CONFLICT DO NOTHING
            RETURNING workflow_uuid, created_at, workflow_deadline_epoch_ms),
        {StoreOneInput(schema)}
        SELECT 0, created_at, workflow_deadline_epoch_ms FROM created
        """;

    private static string RenderChildStart(SchemaName schema, string whenLocked) => $"""
        WITH parent AS (
            SELECT application_name
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $21 AND owner_xid = $22
               FOR NO KEY UPDATE {whenLocked}),
        created AS (
            INSERT INTO {schema}.workflow_status ({StatusColumns})
            {SelectOneStart("FROM parent")}
            ON CONFLICT DO NOTHING
            RETURNING workflow_uuid, created_at, workflow_deadline_epoch_ms),
        {StoreOneInput(schema)},
        recorded AS (
            INSERT INTO {schema}.operation_outputs ({CheckpointColumns})
            SELECT $21, $23, $24, $25, $26, $27, $28, $29, $30, parent.application_name
              FROM created CROSS JOIN parent
             WHERE $23 IS NOT NULL
            ON CONFLICT (workflow_uuid, function_id) DO NOTHING)
        SELECT 0, created.created_at, created.workflow_deadline_epoch_ms
          FROM parent LEFT JOIN created ON true
        """;

    // $1 now, $2 id, $3 state, $4 name, $5 token, $6 executor, $7 application, $8 version, $9 queue, $10 priority, $11 deduplication id,
    // $12 partition, $13 parent, $14 schedule, $15 format, $16 attributes, $17 timeout, $18 deadline, $19 delay, $20 input; for a
    // child the parent's ownership and checkpoint follow.
    public static string SelectOneStart(string from) => $"""
        SELECT $2, $3, $4, $5, {OwnerOf("$3", "$5")}, {AttemptsOf("$3")}, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::jsonb,
                   $17, {DeadlineOf("$3", "$17", "$18")}, {Clock.Now} + $19, {Clock.Now}, {Clock.Now}
              {from}
        """;

    // A leftover input under this id belongs to a deleted workflow, so the row made now overwrites it.
    public static string StoreOneInput(SchemaName schema) => $"""
        stored AS (
            INSERT INTO {schema}.workflow_input (workflow_uuid, inputs, retention_timestamp)
            SELECT workflow_uuid, $20, created_at FROM created
            ON CONFLICT (workflow_uuid) DO UPDATE SET inputs = EXCLUDED.inputs, retention_timestamp = EXCLUDED.retention_timestamp)
        """;

    private static string RenderStarts(SchemaName schema, string whenLocked) => $"""
        WITH s AS MATERIALIZED (
            SELECT *
              FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                          $11::int[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::bigint[],
                          $19::bigint[], $20::bigint[], $21::text[], $22::text[], $23::text[], $24::int[], $25::text[], $26::text[],
                          $27::text[], $28::text[], $29::text[], $30::bigint[], $31::bigint[])
                AS s(ord, id, state, name, token, executor, application, version, queue, priority, dedup, partition, parent, schedule,
                     format, attributes, timeout, deadline, delay, input, guard, guard_token, seq, step, output, error, step_format,
                     child, started, completed)),
        parent AS MATERIALIZED (
            SELECT g.guard, g.guard_token, w.application_name
              FROM (SELECT DISTINCT guard, guard_token FROM s WHERE guard IS NOT NULL ORDER BY guard, guard_token) AS g
             CROSS JOIN LATERAL ({Lock(schema, "g.guard", "g.guard_token", whenLocked)}) AS w),
        allowed AS MATERIALIZED (
            SELECT s.*, parent.application_name AS parent_application
              FROM s LEFT JOIN parent ON parent.guard = s.guard AND parent.guard_token = s.guard_token
             WHERE s.guard IS NULL OR parent.guard IS NOT NULL),
        created AS (
            INSERT INTO {schema}.workflow_status ({StatusColumns})
            SELECT id, state, name, token, {OwnerOf("state", "token")}, {AttemptsOf("state")}, executor, application, version, queue,
                   priority, dedup, partition, parent, schedule, format, attributes::jsonb, timeout,
                   {DeadlineOf("state", "timeout", "deadline")}, {Clock.Now} + delay, {Clock.Now}, {Clock.Now}
              FROM allowed
             ORDER BY ord
            ON CONFLICT DO NOTHING
            RETURNING workflow_uuid, creator_xid, created_at, workflow_deadline_epoch_ms),
        stored AS (
            INSERT INTO {schema}.workflow_input (workflow_uuid, inputs, retention_timestamp)
            SELECT s.id, s.input, created.created_at
              FROM created JOIN s ON s.id = created.workflow_uuid AND s.token = created.creator_xid
            ON CONFLICT (workflow_uuid) DO UPDATE SET inputs = EXCLUDED.inputs, retention_timestamp = EXCLUDED.retention_timestamp),
        recorded AS (
            INSERT INTO {schema}.operation_outputs ({CheckpointColumns})
            SELECT a.guard, a.seq, a.step, a.output, a.error, a.step_format, a.child, a.started, a.completed, a.parent_application
              FROM created JOIN allowed AS a ON a.id = created.workflow_uuid AND a.token = created.creator_xid
             WHERE a.seq IS NOT NULL
            ON CONFLICT (workflow_uuid, function_id) DO NOTHING)
        SELECT a.ord, created.created_at, created.workflow_deadline_epoch_ms
          FROM allowed AS a
          LEFT JOIN created ON created.workflow_uuid = a.id AND created.creator_xid = a.token
        """;

    // A checkpoint stored under this ownership can only be this execution's own, from a commit whose answer was lost.
    private static string RenderCheckpoint(SchemaName schema, string whenLocked) => $"""
        WITH owned AS (
            SELECT application_name
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $1 AND owner_xid = $2
               FOR NO KEY UPDATE {whenLocked}),
        recorded AS (
            INSERT INTO {schema}.operation_outputs ({CheckpointColumns})
            SELECT $1, $3, $4, $5, $6, $7, $8, $9, $10, owned.application_name FROM owned
            ON CONFLICT (workflow_uuid, function_id) DO NOTHING)
        SELECT 0 FROM owned
        """;

    // $1 to $3 are the units with their owners; from $4 on follow their rows, which refer to a unit by its number.
    private static string RenderCheckpoints(SchemaName schema, string whenLocked) => $"""
        WITH owned AS MATERIALIZED (
            SELECT u.ord, u.id, w.application_name
              FROM unnest($1::int[], $2::text[], $3::text[]) AS u(ord, id, token)
             CROSS JOIN LATERAL ({Lock(schema, "u.id", "u.token", whenLocked)}) AS w),
        {RecordThose(schema, 4)}
        SELECT ord FROM owned
        """;

    // An output left from before a resume is overwritten. $7 to $14 are the checkpoint of the last step, if it goes with the outcome. If
    // that checkpoint is already stored, an earlier try has written it.
    private static string RenderOutcome(SchemaName schema, string whenLocked) => $"""
        WITH owned AS (
            SELECT application_name
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $2 AND owner_xid = $3 AND {IsRunning}
               FOR NO KEY UPDATE {whenLocked}),
        recorded AS (
            INSERT INTO {schema}.operation_outputs ({CheckpointColumns})
            SELECT $2, $7::int, $8, $9, $10, $11, $12, $13, $14, owned.application_name FROM owned WHERE $7::int IS NOT NULL
            ON CONFLICT (workflow_uuid, function_id) DO NOTHING),
        ended AS (
            UPDATE {schema}.workflow_status
               SET status = $4, {Ended}
             WHERE workflow_uuid = $2 AND EXISTS (SELECT FROM owned)),
        stored AS (
            INSERT INTO {schema}.workflow_output (workflow_uuid, output, error, retention_timestamp)
            SELECT $2, $5, $6, {Clock.Now} FROM owned
            ON CONFLICT (workflow_uuid)
            DO UPDATE SET output = EXCLUDED.output, error = EXCLUDED.error, retention_timestamp = EXCLUDED.retention_timestamp)
        SELECT 0 FROM owned
        """;

    // Checkpoints begin at $8, and refer to an outcome by its number.
    private static string RenderOutcomes(SchemaName schema, string whenLocked) => $"""
        WITH owned AS MATERIALIZED (
            SELECT o.ord, o.id, o.state, o.output, o.error, w.application_name
              FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS o(ord, id, token, state, output, error)
             CROSS JOIN LATERAL (
                SELECT application_name
                  FROM {schema}.workflow_status
                 WHERE workflow_uuid = o.id AND owner_xid = o.token AND {IsRunning}
                   FOR NO KEY UPDATE {whenLocked}) AS w),
        {RecordThose(schema, 8)},
        succeeded AS ({EndThose(schema, WorkflowStates.Success)}),
        failed AS ({EndThose(schema, WorkflowStates.Error)}),
        stored AS (
            INSERT INTO {schema}.workflow_output (workflow_uuid, output, error, retention_timestamp)
            SELECT id, output, error, {Clock.Now} FROM owned
            ON CONFLICT (workflow_uuid)
            DO UPDATE SET output = EXCLUDED.output, error = EXCLUDED.error, retention_timestamp = EXCLUDED.retention_timestamp)
        SELECT ord FROM owned
        """;

    // Nine columns of rows from the given parameter on; the first column is the number of the unit they go with.
    private static string RecordThose(SchemaName schema, int first) => $"""
        recorded AS (
            INSERT INTO {schema}.operation_outputs ({CheckpointColumns})
            SELECT owned.id, r.seq, r.step, r.output, r.error, r.format, r.child, r.started, r.completed, owned.application_name
              FROM unnest(${first}::int[], ${first + 1}::int[], ${first + 2}::text[], ${first + 3}::text[], ${first + 4}::text[],
                          ${first + 5}::text[], ${first + 6}::text[], ${first + 7}::bigint[], ${first + 8}::bigint[])
                AS r(ord, seq, step, output, error, format, child, started, completed)
              JOIN owned ON owned.ord = r.ord
            ON CONFLICT (workflow_uuid, function_id) DO NOTHING)
        """;

    private static string EndThose(SchemaName schema, string state) => $"""
        UPDATE {schema}.workflow_status
               SET status = '{state}', {Ended}
             WHERE workflow_uuid = ANY (ARRAY(SELECT id FROM owned WHERE state = '{state}'))
        """;

    private static string Lock(SchemaName schema, string id, string token, string whenLocked) => $"""

                SELECT application_name
                  FROM {schema}.workflow_status
                 WHERE workflow_uuid = {id} AND owner_xid = {token}
                   FOR NO KEY UPDATE {whenLocked}
        """;

    private static string OwnerOf(string state, string token) => $"CASE WHEN {state} = '{WorkflowStates.Pending}' THEN {token} END";

    private static string AttemptsOf(string state) => $"CASE WHEN {state} = '{WorkflowStates.Pending}' THEN 1 ELSE 0 END";

    // A direct start runs at once, so its time begins now; the time of any other begins at its first claim.
    private static string DeadlineOf(string state, string timeout, string deadline) =>
        $"COALESCE({deadline}, CASE WHEN {state} = '{WorkflowStates.Pending}' THEN {Clock.Now} + {timeout} END)";
}
