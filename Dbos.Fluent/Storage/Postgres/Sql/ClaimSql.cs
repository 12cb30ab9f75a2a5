using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that claim waiting workflows, and read what their new owner needs.</summary>
internal sealed class ClaimSql(SchemaName schema)
{
    /// <summary>Runs before <see cref="Claim"/>, so that queues limited or paused by then are left out.</summary>
    public string LetThrough { get; } = ClaimGateSql.LetThrough(schema);

    /// <summary>
    /// $1 now, $2 token, $3 executor, $4 application, $5 version, $6 workflow names, $7 limit, $8 attempts allowed, $9 a random number,
    /// $10 queues.
    /// </summary>
    // Each queue without limits and without a pause gives its first rows in line order. So the cost follows the number of queues, of the
    // kinds of rows in them and the limit, never the length of the lines. The queues take turns, the first row of each before the second of
    // any, so that a long line does not block the others. The queue that begins is random: with one free place at a time the same queue
    // would always win. More candidates are read than requested, because peers hold the first ones and SKIP LOCKED leaves those to them. If
    // too few are left although not all of a line was read, a row without an id says that more may wait behind them.
    public string Claim { get; } = $"""
        WITH RECURSIVE {Latest(schema)},
        line AS MATERIALIZED (
            SELECT asked.queue_name
              FROM (SELECT DISTINCT unnest($10::text[]) AS queue_name) AS asked
             WHERE (SELECT true FROM {schema}.queues AS q WHERE q.name = asked.queue_name AND {QueueSql.IsLimited} LIMIT 1) IS NULL
               AND (SELECT true FROM {schema}.fluent_queues WHERE name = asked.queue_name AND paused LIMIT 1) IS NULL),
        {LineSql.Kinds(schema)},
        {LineSql.First(schema, "$7", "", "true")},
        candidate AS MATERIALIZED (
            SELECT workflow_uuid, queue_name
              FROM placed
             WHERE known
             ORDER BY place, hashtextextended(queue_name, $9)
             LIMIT 4 * $7 + 16),
        {Take(schema, Clock.Now, "$7", "false")}
        SELECT false, {InlineColumns}, COALESCE(o.seed, begun.seed), COALESCE(o.started_at, begun.started_at), begun.seed IS NOT NULL,
               {LeftOut}
          FROM claimed AS w
          LEFT JOIN begun ON begun.workflow_uuid = w.workflow_uuid
          {WithInputAndOrigin(schema)}
        UNION ALL
        SELECT true, workflow_uuid, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL
          FROM buried
        UNION ALL
        SELECT true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL
         WHERE ((SELECT count(*) FROM candidate) >= 4 * $7 + 16 OR EXISTS (SELECT FROM source WHERE ends))
           AND (SELECT count(*) FROM due) < $7
        """;

    /// <summary>Reads what an earlier claim with this token took: $1 token, $2 executor.</summary>
    public string ReadClaimed { get; } = $"""
        SELECT false, {InlineColumns}, o.seed, o.started_at, false, {LeftOut}
          FROM {schema}.workflow_status AS w
          {WithInputAndOrigin(schema)}
         WHERE w.status = '{WorkflowStates.Pending}' AND w.owner_xid = $1 AND w.executor_id = $2
        """;

    /// <summary>Reads the inputs of claimed workflows, without any lock. $1 ids.</summary>
    public string ReadInputs { get; } = $"""
        SELECT w.workflow_uuid, COALESCE(i.inputs, w.inputs)
          FROM {schema}.workflow_status AS w
          LEFT JOIN LATERAL (SELECT inputs FROM {schema}.workflow_input WHERE workflow_uuid = w.workflow_uuid LIMIT 1) AS i ON true
         WHERE w.workflow_uuid = ANY ($1::text[])
        """;

    /// <summary>
    /// The sources of the history of forks without their own origin: the first ancestor that has one, otherwise the oldest that still
    /// exists. $1 the forks.
    /// </summary>
    // The depth is limited because ids that are deleted and reused can make two workflows each other's fork.
    public string ReadAncestors { get; } = $"""
        WITH RECURSIVE ancestor AS (
            SELECT w.workflow_uuid AS fork, 0 AS depth, w.workflow_uuid, w.created_at, w.forked_from,
                   NULL::bigint AS seed, NULL::bigint AS started_at
              FROM {schema}.workflow_status AS w
             WHERE w.workflow_uuid = ANY ($1::text[])
            UNION ALL
            SELECT ancestor.fork, ancestor.depth + 1, w.workflow_uuid, w.created_at, w.forked_from, o.seed, o.started_at
              FROM ancestor
              JOIN {schema}.workflow_status AS w ON w.workflow_uuid = ancestor.forked_from
              LEFT JOIN {schema}.fluent_origins AS o ON o.workflow_uuid = w.workflow_uuid
             WHERE ancestor.seed IS NULL AND ancestor.depth < 1000)
        SELECT DISTINCT ON (fork) fork, workflow_uuid, created_at, seed, started_at FROM ancestor ORDER BY fork, depth DESC
        """;

    /// <summary>Stores origins of their own for forks. A row that has been deleted meanwhile needs none.</summary>
    public string StoreOrigins { get; } = $"""
        INSERT INTO {schema}.fluent_origins (workflow_uuid, seed, started_at)
        SELECT o.id, o.seed, o.started_at
          FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS o(id, seed, started_at)
          JOIN {schema}.workflow_status AS w ON w.workflow_uuid = o.id
        ON CONFLICT (workflow_uuid) DO NOTHING
        """;

    public string ReadHistories { get; } = $"""
        SELECT workflow_uuid, {CheckpointColumns}
          FROM {schema}.operation_outputs
         WHERE workflow_uuid = ANY ($1::text[])
        UNION ALL
        SELECT workflow_uuid, {StoredHistory.GenerationMark}, '', generation::text, NULL, NULL, NULL, NULL, NULL
          FROM {schema}.fluent_generations
         WHERE workflow_uuid = ANY ($1::text[])
         ORDER BY workflow_uuid, function_id
        """;

    /// <summary>The columns that <see cref="PostgresRows.Checkpoint"/> reads.</summary>
    public const string CheckpointColumns =
        "function_id, function_name, output, error, serialization, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms";

    /// <summary>
    /// What <see cref="PostgresClaimStore"/> reads of a row that it owns; the columns of its origin and whether it never ran follow.
    /// </summary>
    public const string OwnedColumns = $"{BeforeInput}, {Input} AS input, {BehindInput}";

    /// <summary>
    /// The same without inputs beyond <see cref="InlineBytesMax"/> in total: an answer that takes longer than the call's limit would be
    /// late at each try. <see cref="ReadInputs"/> reads what is left out, in portions that arrive in time.
    /// </summary>
    public const string InlineColumns =
        $"{BeforeInput}, CASE WHEN {BytesSoFar} <= {InlineBytesMax} THEN {Input} END AS input, {BehindInput}";

    /// <summary>The bytes of an input that is left out; null for one that is included.</summary>
    public const string LeftOut = $"CASE WHEN {BytesSoFar} > {InlineBytesMax} THEN octet_length({Input})::bigint END";

    /// <summary>How many bytes of inputs a claim's answer includes, so that the answer is always small.</summary>
    public const string InlineBytesMax = "65536";

    private const string Input = "COALESCE(i.inputs, w.inputs)";

    private const string BytesSoFar = $"COALESCE(sum(octet_length({Input})) OVER (ROWS UNBOUNDED PRECEDING), 0)";

    private const string BeforeInput = "w.workflow_uuid, w.name, w.owner_xid";

    private const string BehindInput =
        "w.serialization, COALESCE(w.recovery_attempts, 0) AS attempts, w.queue_name, w.parent_workflow_id, "
        + "w.workflow_deadline_epoch_ms, w.created_at, w.forked_from, w.priority, w.queue_partition_key";

    /// <summary>
    /// Defines <c>latest</c>, the latest version of the application $4 as version $5 sees it, whose engines run rows without a version.
    /// Also defines <c>kin</c>: other versions and names with the same code as here, whose version has no live engine.
    /// </summary>
    // Neither is read before a row asks for it: a line of rows of exactly this version costs nothing more.
    public static string Latest(SchemaName schema) => $"""
        latest AS ({VersionSql.LatestOf(schema, "$4", "$5")}),
        kin AS MATERIALIZED (
            SELECT theirs.application_version, theirs.workflow_name
              FROM {schema}.fluent_versions AS ours
              JOIN {schema}.fluent_versions AS theirs
                ON theirs.application_name = ours.application_name AND theirs.workflow_name = ours.workflow_name
               AND theirs.fingerprint = ours.fingerprint
             WHERE ours.application_name = $4 AND ours.application_version = $5 AND ours.fingerprint <> ''
               AND NOT EXISTS (
                   SELECT FROM {schema}.fluent_executors AS e
                    WHERE e.application_name = $4 AND e.application_version = theirs.application_version
                      AND NOT e.stopped AND e.expires_at_ms > {Clock.Database}))
        """;

    /// <summary>
    /// Whether a row <c>w</c> is for this engine: $4 application, $5 version, $6 workflow names, <c>latest</c> and <c>kin</c>.
    /// </summary>
    public const string IsMine = """
        w.name = ANY ($6::text[])
                   AND (w.application_name = $4 OR w.application_name IS NULL)
                   AND (w.application_version = $5
                        OR (w.application_version IS NULL AND COALESCE((SELECT version_name FROM latest), $5) = $5)
                        OR (w.application_version, w.name) IN (SELECT application_version, workflow_name FROM kin))
        """;

    /// <summary>
    /// Takes the rows of <c>candidate</c> in order: <c>claimed</c>, <c>buried</c> and <c>begun</c>, of those that are <c>due</c>, which
    /// shows them as they were. $2 token, $3 executor, $4 application, $5 version, $8 attempts allowed, $9 a random number.
    /// </summary>
    // A row begins if no executor ever had it, and gets its own origin unless it is a fork. Any other row without an origin was started
    // directly, and its origin follows from the row. Other SDKs write '' for no executor. A row with waits was parked and made ENQUEUED by
    // another SDK's sweep: it is woken, and continues its parked attempt, or begins at attempt one if a resume reset it.
    public static string Take(SchemaName schema, string now, string limit, string rateLimited) => $"""
        due AS MATERIALIZED (
            SELECT candidate.workflow_uuid, w.begins, f.woken IS NOT NULL AS woken, w.spent AND f.woken IS NULL AS spent,
                   w.rate_limited, w.started_at_epoch_ms, w.queue_partition_key, w.application_name
              FROM candidate
             CROSS JOIN LATERAL (
                SELECT COALESCE(executor_id, '') = '' AND COALESCE(recovery_attempts, 0) = 0 AND forked_from IS NULL AS begins,
                       COALESCE(recovery_attempts > $8, false) AS spent,
                       rate_limited, started_at_epoch_ms, queue_partition_key, application_name
                  FROM {schema}.workflow_status
                 WHERE workflow_uuid = candidate.workflow_uuid AND queue_name = candidate.queue_name
                   AND {RowState.Is("status", WorkflowStates.Enqueued)}
                   FOR NO KEY UPDATE SKIP LOCKED) AS w
              LEFT JOIN LATERAL (
                SELECT true AS woken FROM {schema}.fluent_waits WHERE workflow_uuid = candidate.workflow_uuid LIMIT 1) AS f ON true
             LIMIT {limit}),
        claimed AS (
            UPDATE {schema}.workflow_status AS w
               SET status = '{WorkflowStates.Pending}', owner_xid = $2, executor_id = $3, application_version = $5,
                   application_name = COALESCE(w.application_name, $4), rate_limited = {rateLimited},
                   recovery_attempts = CASE
                       WHEN w.workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM due WHERE woken))
                           THEN GREATEST(w.recovery_attempts, 1)
                       ELSE COALESCE(w.recovery_attempts, 0) + 1 END,
                   started_at_epoch_ms = {now}, updated_at = {now},
                   workflow_deadline_epoch_ms = COALESCE(w.workflow_deadline_epoch_ms, {now} + {Clock.Bounded("w.workflow_timeout_ms")})
             WHERE w.workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM due WHERE NOT spent))
            RETURNING w.*),
        dropped AS (DELETE FROM {schema}.fluent_waits WHERE workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM due WHERE woken))),
        buried AS (
            UPDATE {schema}.workflow_status
               SET status = '{WorkflowStates.MaxRecoveryAttemptsExceeded}', owner_xid = NULL, queue_name = NULL, deduplication_id = NULL,
                   started_at_epoch_ms = NULL, recovery_attempts = COALESCE(recovery_attempts, 0) + 1,
                   completed_at = {now}, updated_at = {now}
             WHERE workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM due WHERE spent))
            RETURNING workflow_uuid),
        begun AS (
            INSERT INTO {schema}.fluent_origins (workflow_uuid, seed, started_at)
            SELECT workflow_uuid, hashtextextended(workflow_uuid, $9), {now} FROM due WHERE begins AND NOT spent
            ON CONFLICT (workflow_uuid) DO NOTHING
            RETURNING workflow_uuid, seed, started_at)
        """;

    /// <summary>Adds <c>i</c>, the input, and <c>o</c>, the origin, to the row <c>w</c>.</summary>
    public static string WithInputAndOrigin(SchemaName schema) => $"""
        LEFT JOIN LATERAL (SELECT inputs FROM {schema}.workflow_input WHERE workflow_uuid = w.workflow_uuid LIMIT 1) AS i ON true
          LEFT JOIN LATERAL (
            SELECT seed, started_at FROM {schema}.fluent_origins WHERE workflow_uuid = w.workflow_uuid LIMIT 1) AS o ON true
        """;
}
