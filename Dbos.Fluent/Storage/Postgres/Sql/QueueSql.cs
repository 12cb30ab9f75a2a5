using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements about queues as rows.</summary>
internal sealed class QueueSql(SchemaName schema)
{
    // Half a rate limit, which another writer may leave, counts as none.
    private const string Rate = "CASE WHEN q.rate_limit_period_sec IS NOT NULL THEN q.rate_limit_max END";
    private const string PartitionRate = "CASE WHEN q.partition_rate_limit_period_sec IS NOT NULL THEN q.partition_rate_limit_max END";

    /// <summary>Whether the row <c>q</c> of <c>queues</c> has any limit.</summary>
    public const string IsLimited =
        $"COALESCE(q.concurrency, q.worker_concurrency, {Rate}, q.partition_concurrency, q.partition_worker_concurrency, {PartitionRate}) "
        + "IS NOT NULL";

    /// <summary>Whether the row <c>q</c> has a limit that processes share.</summary>
    public const string HasSharedLimit =
        $"COALESCE(q.concurrency, {Rate}, q.partition_concurrency, {PartitionRate}) IS NOT NULL";

    /// <summary>Whether the row <c>q</c> has a limit for each partition.</summary>
    public const string IsPartitioned =
        $"COALESCE(q.partition_concurrency, q.partition_worker_concurrency, {PartitionRate}) IS NOT NULL";

    /// <summary>The longest time in which a start counts against a rate of the row <c>q</c>, in milliseconds; zero without one.</summary>
    public static string LongestWindow { get; } = $"COALESCE(GREATEST({Period("")}, {Period("partition_")}), 0)";

    /// <summary>
    /// The length of a rate's window of the row <c>q</c> in milliseconds, null without one; the column's name begins with
    /// <paramref name="of"/>.
    /// </summary>
    // In whole milliseconds, rounded up except for the error of a binary fraction. A year is the most that this library allows; LEAST alone
    // would turn a null into a year.
    public static string Period(string of) => $"""
        CASE WHEN q.{of}rate_limit_period_sec IS NOT NULL
             THEN ceil(round(LEAST(q.{of}rate_limit_period_sec, 31536000)::numeric * 1000, 3))::bigint END
        """;

    /// <summary>Whether the row <c>q</c> has a limit that lets nothing run, which another SDK may write.</summary>
    public const string IsShut =
        $"(COALESCE(LEAST(q.concurrency, q.worker_concurrency, {Rate}, q.partition_concurrency, q.partition_worker_concurrency, "
        + $"{PartitionRate}) < 1, false) "
        + "OR COALESCE(q.rate_limit_max IS NOT NULL AND q.rate_limit_period_sec <= 0, false) "
        + "OR COALESCE(q.partition_rate_limit_max IS NOT NULL AND q.partition_rate_limit_period_sec <= 0, false))";

    /// <summary>What <see cref="PostgresQueueRows.ReadOrNull"/> reads of <c>q</c>.</summary>
    // The last two are whether nothing may be claimed from it, and whether that is because of its limits.
    public static string Columns(SchemaName schema) => $"""
        q.name, q.concurrency, q.worker_concurrency, q.rate_limit_max, q.rate_limit_period_sec, q.partition_concurrency,
               q.partition_worker_concurrency, q.partition_rate_limit_max, q.partition_rate_limit_period_sec, q.polling_interval_sec,
               q.application_name,
               {IsShut} OR {SideSql.IsPaused(schema)}, {IsShut}
        """;

    /// <summary>
    /// $1 now, $2 name, $3 concurrency, $4 that of a worker, $5 and $6 rate, $7 and $8 concurrency of a partition and of that in a worker,
    /// $9 and $10 rate of a partition, $11 seconds between polls, $12 application.
    /// </summary>
    // Of several concurrent processes one inserts the row; the others wait for it here, and find it in the statements that follow.
    public string Insert { get; } = $"""
        INSERT INTO {schema}.queues (
            name, concurrency, worker_concurrency, rate_limit_max, rate_limit_period_sec, partition_concurrency,
            partition_worker_concurrency, partition_rate_limit_max, partition_rate_limit_period_sec, polling_interval_sec,
            priority_enabled, partition_queue, application_name, created_at, updated_at)
        VALUES ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, true, COALESCE($7, $8, $9) IS NOT NULL, $12, {Clock.Now}, {Clock.Now})
        ON CONFLICT (name) DO NOTHING
        """;

    /// <summary>Assigns a queue of no application to the registrant, whatever the policy. $1 name, $2 application.</summary>
    public string Adopt { get; } = $"""
        UPDATE {schema}.queues SET application_name = $2 WHERE name = $1 AND application_name IS NULL AND $2 IS NOT NULL
        """;

    /// <summary>As <see cref="Insert"/>, then $13 whether only the latest version overwrites, $14 the version.</summary>
    // The latest version is determined as in a claim. A row that would not change is not written, so that the launch of many processes does
    // not wait for each claim that holds the row's lock. A registrant without an application conflicts with nobody.
    public string Overwrite { get; } = $"""
        UPDATE {schema}.queues AS q
           SET concurrency = $3, worker_concurrency = $4, rate_limit_max = $5, rate_limit_period_sec = $6, partition_concurrency = $7,
               partition_worker_concurrency = $8, partition_rate_limit_max = $9, partition_rate_limit_period_sec = $10,
               polling_interval_sec = $11, priority_enabled = true, partition_queue = COALESCE($7, $8, $9) IS NOT NULL,
               updated_at = {Clock.Now}
         WHERE q.name = $2
           AND (q.application_name = $12 OR q.application_name IS NULL OR $12 IS NULL)
           AND (NOT $13 OR $14 = COALESCE(({VersionSql.LatestOf(schema, "$12", "$14")}), $14))
           AND (q.concurrency, q.worker_concurrency, q.rate_limit_max, q.rate_limit_period_sec, q.partition_concurrency,
                q.partition_worker_concurrency, q.partition_rate_limit_max, q.partition_rate_limit_period_sec, q.polling_interval_sec,
                q.priority_enabled, q.partition_queue)
               IS DISTINCT FROM ($3, $4, $5, $6, $7, $8, $9, $10, $11, true, COALESCE($7, $8, $9) IS NOT NULL)
        """;

    /// <summary>The last statement of a registration or a pause: no claim continues with what it had read before.</summary>
    public string AwaitClaims { get; } = ClaimGateSql.AwaitClaims(schema);

    public string Read { get; } = $"SELECT {Columns(schema)} FROM {schema}.queues AS q WHERE q.name = $1";

    /// <summary>$1 application, or null for all. Sorted by code units, whatever the database's collation.</summary>
    public string ReadAll { get; } = $"""
        SELECT {Columns(schema)}
          FROM {schema}.queues AS q
         WHERE ($1 IS NULL OR q.application_name = $1 OR q.application_name IS NULL)
         ORDER BY q.name COLLATE "C"
        """;

    /// <summary>$1 names. Each is counted from the index of rows in flight.</summary>
    public string Count { get; } = $"""
        SELECT asked.name, waiting.count, running.count
          FROM (SELECT DISTINCT unnest($1::text[]) AS name) AS asked
         CROSS JOIN LATERAL (
            SELECT count(*) FROM {schema}.workflow_status
             WHERE queue_name = asked.name AND status = '{WorkflowStates.Enqueued}' OFFSET 0) AS waiting
         CROSS JOIN LATERAL (
            SELECT count(*) FROM {schema}.workflow_status
             WHERE queue_name = asked.name AND status = '{WorkflowStates.Pending}' OFFSET 0) AS running
         WHERE waiting.count > 0 OR running.count > 0
        """;

    /// <summary>$1 name, $2 whether to pause.</summary>
    // The lock is that of claims with shared limits; AwaitClaims waits for the others.
    public string SetPaused { get; } = $"""
        INSERT INTO {schema}.fluent_queues (name, paused)
        SELECT q.name, $2 FROM (SELECT name FROM {schema}.queues WHERE name = $1 FOR NO KEY UPDATE) AS q
        ON CONFLICT (name) DO UPDATE SET paused = EXCLUDED.paused
        RETURNING name
        """;

    public string Delete { get; } = $"DELETE FROM {schema}.queues WHERE name = $1";

    /// <summary>$1 now, $2 application. At least one row: the answers, and beside them the queues.</summary>
    // Only index probes: names of queues by jumps through the rows in flight, the first due of each kind, no counts. Each probe requests
    // the order of its index. Otherwise the planner expects a frequent state on the first pages of the table, and would read all of it for
    // a queue that has no such row.
    public string ReadOutlook { get; } = $"""
        WITH RECURSIVE line AS (
            ({NextLine(schema, "true")})
            UNION ALL
            SELECT ({NextLine(schema, "w.queue_name > line.queue_name")}) FROM line WHERE line.queue_name IS NOT NULL),
        answer AS MATERIALIZED (
            SELECT ARRAY(
                       SELECT line.queue_name
                         FROM line
                        WHERE line.queue_name IS NOT NULL
                          AND (SELECT true
                                 FROM {schema}.workflow_status AS w
                                WHERE w.queue_name = line.queue_name AND w.status = '{WorkflowStates.Enqueued}' AND {IsOurs}
                                ORDER BY w.priority, w.created_at
                                LIMIT 1)) AS waiting,
                   (SELECT w.delay_until_epoch_ms
                      FROM {schema}.workflow_status AS w
                     WHERE {DelayedSql.IsDelayed(schema)} AND {IsOurs}
                     ORDER BY w.delay_until_epoch_ms
                     LIMIT 1) AS next_delayed,
                   (SELECT true
                      FROM {schema}.workflow_status AS w
                     WHERE w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}', '{WorkflowStates.Delayed}')
                       AND w.workflow_deadline_epoch_ms IS NOT NULL
                       AND w.workflow_deadline_epoch_ms <= {Clock.Now}
                       AND {IsOurs}
                     ORDER BY w.workflow_deadline_epoch_ms
                     LIMIT 1) IS NOT NULL AS deadline_passed,
                   {Clock.Now} AS now,
                   parked.*
              FROM ({ParkedClaimSql.Outlook(schema, "$2", "-1")}) AS parked(any_parked, next_wake))
        SELECT answer.waiting, answer.next_delayed, answer.deadline_passed, answer.now, answer.any_parked, answer.next_wake,
               {Columns(schema)}
          FROM answer
          LEFT JOIN {schema}.queues AS q ON (q.application_name = $2 OR q.application_name IS NULL)
         ORDER BY q.name COLLATE "C"
        """;

    private const string IsOurs = "(w.application_name = $2 OR w.application_name IS NULL)";

    private static string NextLine(SchemaName schema, string behind) => $"""
        SELECT w.queue_name
                  FROM {schema}.workflow_status AS w
                 WHERE w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}') AND w.queue_name IS NOT NULL AND {behind}
                 ORDER BY w.queue_name
                 LIMIT 1
        """;
}
