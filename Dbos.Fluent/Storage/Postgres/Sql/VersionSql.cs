using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements about versions, and about what prevents work from being taken.</summary>
internal sealed class VersionSql(SchemaName schema)
{
    private const string IsOurs = "(w.application_name = $1 OR w.application_name IS NULL)";

    /// <summary>
    /// The latest version of an application, as one of its versions sees it; none if another application holds that version name.
    /// </summary>
    // A name occurs only once in the table, so such a version has no place in its application's order. It counts as latest beside the
    // actual latest: work without a version must not wait for an older one just because of how a neighbour names its own.
    public static string LatestOf(SchemaName schema, string application, string version) => $"""
        SELECT v.version_name
                      FROM {schema}.application_versions AS v
                     WHERE (v.application_name = {application} OR v.application_name IS NULL)
                       AND NOT EXISTS (
                           SELECT FROM {schema}.application_versions AS o
                            WHERE o.version_name = {version} AND o.application_name <> {application})
                     ORDER BY v.version_timestamp DESC, v.created_at DESC, v.version_id DESC
                     LIMIT 1
        """;

    /// <summary>$1 application, or null for all.</summary>
    public string ReadAll { get; } = $"""
        SELECT version_name, created_at, application_name
          FROM {schema}.application_versions
         WHERE $1 IS NULL OR application_name = $1 OR application_name IS NULL
         ORDER BY version_timestamp DESC, created_at DESC, version_id DESC
        """;

    /// <summary>$1 application or null, $2 version, $3 now or null.</summary>
    // Sorts it last even if the clock has not moved since the previous registration. Its age in created_at stays.
    public string SetLatest { get; } = $"""
        UPDATE {schema}.application_versions AS v
           SET version_timestamp = GREATEST(
                   COALESCE($3::bigint, (EXTRACT(epoch FROM now()) * 1000)::bigint),
                   1 + (SELECT max(version_timestamp)
                          FROM {schema}.application_versions
                         WHERE $1 IS NULL OR application_name = $1 OR application_name IS NULL))
         WHERE v.version_name = $2 AND ($1 IS NULL OR v.application_name = $1 OR v.application_name IS NULL)
        RETURNING v.version_name
        """;

    /// <summary>$1 application, $2 version, $3 the id behind which the page begins, $4 its length.</summary>
    // The page is cut before any join: otherwise the joined rows of all following workflows would be looked up first, for the sort.
    public string ReadUnfinished { get; } = $"""
        WITH page AS MATERIALIZED (
            SELECT w.*
              FROM {schema}.workflow_status AS w
             WHERE w.status IN ({RowState.Unended}) AND w.application_version = $2 AND {IsOurs} AND w.workflow_uuid > $3
             ORDER BY w.workflow_uuid
             LIMIT $4)
        SELECT false, w.workflow_uuid, w.name, ''::text, COALESCE(i.inputs, w.inputs), w.serialization,
               COALESCE(w.recovery_attempts, 0), w.queue_name, w.parent_workflow_id, w.workflow_deadline_epoch_ms, w.created_at,
               w.forked_from, w.priority, w.queue_partition_key, o.seed, o.started_at, false, w.status, w.executor_id, w.updated_at
          FROM page AS w
          {ClaimSql.WithInputAndOrigin(schema)}
         ORDER BY w.workflow_uuid
        """;

    /// <summary>$1 workflow, $2 the version it is bound to, $3 the next one, $4 when its row last changed.</summary>
    // The other code defined what it waits for. Whatever that is, it becomes due: this code then says itself what it waits for. The state
    // shows that nobody runs it; a token on it is its creator's, which enqueue_workflow and older SDKs leave.
    public string Adopt { get; } = $"""
        WITH adopted AS (
            UPDATE {schema}.workflow_status
               SET application_version = $3
             WHERE workflow_uuid = $1 AND application_version = $2 AND updated_at = $4
               AND status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}')
            RETURNING workflow_uuid),
        due AS (
            UPDATE {schema}.fluent_waits SET wake_at = 0 WHERE workflow_uuid IN (SELECT workflow_uuid FROM adopted))
        SELECT workflow_uuid FROM adopted
        """;

    /// <summary>
    /// $1 application or null, $2 version or null, $3 workflow name. The rule is that of a claim, see <see cref="ClaimSql"/>.
    /// </summary>
    // Without an application the workflow may run on engines of any, and each application has its own latest version.
    public string ReadCode { get; } = $"""
        WITH live AS MATERIALIZED (
            SELECT e.application_name, e.application_version, v.fingerprint,
                   ({LatestOf(schema, "e.application_name", "e.application_version")}) AS latest
              FROM {schema}.fluent_executors AS e
              LEFT JOIN {schema}.fluent_versions AS v
                ON v.application_name = e.application_name AND v.application_version = e.application_version AND v.workflow_name = $3
             WHERE ($1 IS NULL OR e.application_name = $1) AND {IsLive})
        SELECT count(*) FILTER (
                   WHERE live.fingerprint IS NOT NULL
                     AND (live.application_version = COALESCE($2, live.latest, live.application_version)
                          OR (live.fingerprint <> ''
                              AND NOT EXISTS (
                                  SELECT FROM live AS own
                                   WHERE own.application_name = live.application_name AND own.application_version = $2)
                              AND EXISTS (
                                  SELECT FROM {schema}.fluent_versions AS v
                                   WHERE v.application_name = live.application_name AND v.application_version = $2
                                     AND v.workflow_name = $3 AND v.fingerprint = live.fingerprint)))),
               count(live.fingerprint),
               count(*),
               string_agg(DISTINCT live.latest, ''', ''') FILTER (WHERE live.fingerprint IS NOT NULL)
          FROM live
        """;

    public string ReadWaits { get; } = $"""
        SELECT sequence, kind, target, name, wake_at, part FROM {schema}.fluent_waits WHERE workflow_uuid = $1 ORDER BY sequence, part
        """;

    /// <summary>
    /// $1 application or null, $2 queue, $3 partition or null, $4 window or null, $5 partition's window or null, $6 now or null, $7 and $8
    /// how many may start in them.
    /// </summary>
    // Queue and moment are compared as one row, which only the index of what counts in windows supports. The index of all starts follows
    // the order of the table and looks cheaper, but contains those of every queue.
    public string ReadPlace { get; } = $"""
        WITH clock AS (SELECT COALESCE($6::bigint, (EXTRACT(epoch FROM now()) * 1000)::bigint) AS now),
        running AS (
            SELECT w.queue_partition_key, w.executor_id
              FROM {schema}.workflow_status AS w
             WHERE w.queue_name = $2 AND w.status = '{WorkflowStates.Pending}' AND w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}')
               AND ($1 IS NULL OR {IsOurs})),
        executors AS (
            SELECT count(*) AS number, COALESCE(min(running), 0) AS least, COALESCE(max(running), 0) AS most,
                   COALESCE(min(in_partition), 0) AS least_in_partition, COALESCE(max(in_partition), 0) AS most_in_partition
              FROM (SELECT count(*) AS running, count(*) FILTER (WHERE queue_partition_key = $3) AS in_partition
                      FROM running
                     GROUP BY executor_id) AS each),
        started AS (
            SELECT w.started_at_epoch_ms AS at, w.queue_partition_key AS key
              FROM {schema}.workflow_status AS w
             WHERE w.rate_limited
               AND (w.queue_name, w.started_at_epoch_ms) > ($2, (SELECT now FROM clock) - GREATEST(COALESCE($4, 0), COALESCE($5, 0)))
               AND (w.queue_name, w.started_at_epoch_ms) <= ($2, {long.MaxValue})
               AND ($1 IS NULL OR {IsOurs})
            UNION ALL
            SELECT s.started_at_epoch_ms, s.queue_partition_key
              FROM {schema}.fluent_starts AS s
             WHERE s.queue_name = $2
               AND s.started_at_epoch_ms > (SELECT now FROM clock) - GREATEST(COALESCE($4, 0), COALESCE($5, 0))
               AND ($1 IS NULL OR s.application_name = $1 OR s.application_name IS NULL))
        SELECT (SELECT count(*) FROM running),
               (SELECT count(*) FROM running WHERE queue_partition_key = $3),
               (SELECT count(*) FROM started, clock WHERE at > now - COALESCE($4, 0)),
               (SELECT at FROM started, clock WHERE at > now - COALESCE($4, 0) ORDER BY at DESC OFFSET COALESCE($7, 1) - 1 LIMIT 1),
               (SELECT count(*) FROM started, clock WHERE key = $3 AND at > now - COALESCE($5, 0)),
               (SELECT at
                  FROM started, clock
                 WHERE key = $3 AND at > now - COALESCE($5, 0)
                 ORDER BY at DESC
                OFFSET COALESCE($8, 1) - 1 LIMIT 1),
               number, least, most, least_in_partition, most_in_partition
          FROM executors
        """;

    private const string IsLive = $"NOT e.stopped AND e.expires_at_ms > {Clock.Database}";
}
