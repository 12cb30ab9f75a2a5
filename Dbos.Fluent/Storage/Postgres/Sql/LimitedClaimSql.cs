using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that claim from one queue at most what its limits allow.</summary>
/// <remarks>
/// <para>
/// Two statements in one round trip and one READ COMMITTED transaction: first the lock on the queue's row, then, in a snapshot newer than
/// the lock, the limits, the count and the claim. In a single statement the snapshot would date from before the wait for the lock, and
/// would miss what the previous holder has claimed.
/// </para>
/// <para>
/// Everything is read from indexes up to a limit: running rows up to the concurrency, a window up to its number of starts, a line up to
/// what is requested of each kind (<see cref="LineSql"/>), partitions by jumps from key to key. So the cost follows the limits, the kinds
/// and the partitions looked at, not the backlog.
/// </para>
/// </remarks>
internal sealed class LimitedClaimSql(SchemaName schema)
{
    /// <summary>How many partitions one claim looks at, if all that it may take has one name.</summary>
    public const int PartitionsMax = 8192;

    private const int PartitionsMin = 64;

    /// <summary>How many rows one claim takes at most: its answer must fit what connections buffer, see <see cref="Claim"/>.</summary>
    public const int RowsMax = 200;

    // The setting records the lock for the rest of the transaction. Without it the claim could not tell a limit whose lock it holds from
    // one that was registered between the two statements.
    private const string Held = "fluent.queue_held";

    // Not a literal: to a plan made while the tables are empty, the index of everything PENDING would look right.
    private const string IsRunning =
        $"w.status = (SELECT '{WorkflowStates.Pending}'::text) AND w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}')";

    private const string IsOurs = "(w.application_name = $4 OR w.application_name IS NULL)";

    /// <summary>
    /// $1 now, $2 the queue. Locks its row only if a limit is shared: without one, concurrent claims cannot break anything, and only a
    /// change has to wait for them (<see cref="ClaimGateSql"/>).
    /// </summary>
    // FOR NO KEY UPDATE, like a registration, so that a change waits for the running claim and binds the next one. A waiter for that lock
    // must not hold the gate's lock, which the registration takes last. A start ahead of the clock, because the clock was set back, is
    // moved to now, in its row and where it was noted: otherwise it would close the window until the clock has caught up.
    public string Lock { get; } = $"""
        WITH held AS MATERIALIZED (
            SELECT 1 FROM {schema}.queues AS q WHERE q.name = $2 AND {QueueSql.HasSharedLimit} FOR NO KEY UPDATE),
        clock AS MATERIALIZED (SELECT {Clock.Moment} AS now),
        ahead AS MATERIALIZED (
            SELECT w.workflow_uuid
              FROM {schema}.workflow_status AS w
             WHERE w.queue_name = $2 AND w.rate_limited = true AND w.started_at_epoch_ms > (SELECT now FROM clock)
               FOR NO KEY UPDATE SKIP LOCKED),
        settled AS (
            UPDATE {schema}.workflow_status
               SET started_at_epoch_ms = (SELECT now FROM clock)
             WHERE workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM ahead))),
        {StartSql.Settle(schema)}
        SELECT CASE WHEN EXISTS (SELECT FROM held) THEN set_config('{Held}', 'true', true) ELSE {ClaimGateSql.Enter(schema)} END
        """;

    /// <summary>
    /// Gives a partition to rows without one that this engine may run, if the queue has partitions; the claim that follows, whose
    /// parameters it has, treats them like any other.
    /// </summary>
    public string NameStrays { get; } = $"""
        WITH RECURSIVE {ClaimSql.Latest(schema)},
        line AS MATERIALIZED (
            SELECT q.name AS queue_name FROM {schema}.queues AS q WHERE q.name = $10 AND {QueueSql.IsPartitioned}),
        {LineSql.Kinds(schema)}
        UPDATE {schema}.workflow_status
           SET queue_partition_key = '{QueueNames.NoPartition}'
         WHERE workflow_uuid = ANY (ARRAY(
               SELECT first.workflow_uuid
                 FROM mine
                CROSS JOIN LATERAL ({LineSql.WithoutPartition(schema, "mine", PartitionStrays.Max)}) AS first
                CROSS JOIN LATERAL (
                   SELECT 1
                     FROM {schema}.workflow_status
                    WHERE workflow_uuid = first.workflow_uuid AND {RowState.Is("status", WorkflowStates.Enqueued)}
                      AND queue_partition_key IS NULL
                      FOR NO KEY UPDATE SKIP LOCKED) AS stray
                LIMIT {PartitionStrays.Max}))
        """;

    /// <summary>
    /// As <see cref="ClaimSql.Claim"/> up to $9, then $10 the queue, $11 how many of it run here, $12 how many by partition (a JSON
    /// object), $13 the partition behind which the search begins.
    /// </summary>
    // The answer is small whatever the inputs are: ClaimSql.ReadInputs reads those beyond a few kilobytes in total, after the commit.
    // Otherwise a process that stops while it should read would hold the queue's lock for as long as the server has more to send than the
    // connection buffers.
    public string Claim { get; } = Render(
        schema,
        $"""
        {First(schema)},
        {Look(schema)},
        {Turns(schema)},
        candidate AS MATERIALIZED (
            SELECT workflow_uuid, queue_name, place FROM first UNION ALL SELECT workflow_uuid, queue_name, place FROM turn ORDER BY 3)
        """,
        Summary);

    /// <summary>
    /// The same for a queue without partitions. If it has partitions, nothing is taken, and the last partition looked at is null.
    /// </summary>
    // Setting up the search through partitions, only to find none, takes a fifth of the statement's time.
    public string ClaimKinds { get; } = Render(
        schema,
        $"""
        {First(schema)},
        candidate AS MATERIALIZED (SELECT workflow_uuid, queue_name, place FROM first ORDER BY 3)
        """,
        LineSummary("EXISTS (SELECT FROM source WHERE ends)", "room.partitioned"));

    /// <summary>
    /// The same for a queue in which only rows of one kind wait, which this engine runs, as in most: one workflow's, of this version or of
    /// none. If there are others, nothing is taken, and the last partition looked at is null.
    /// </summary>
    // Setting up the search through several kinds takes a tenth of a millisecond, a fifth of such a claim.
    public string ClaimLine { get; } = Render(
        schema,
        $"""
        {LineSql.OnlyKind(schema)},
        candidate AS MATERIALIZED (
            SELECT first.workflow_uuid, $10::text AS queue_name, row_number() OVER (ORDER BY {LineSql.PlaceOf("first")}) AS place
              FROM room
             CROSS JOIN kind
             CROSS JOIN LATERAL ({LineSql.WithoutPartition(schema, "kind", "4 * room.search + 16")}) AS first
             WHERE NOT kind.others
             ORDER BY 3)
        """,
        LineSummary("counted.candidates >= 4 * room.search + 16", "room.partitioned OR (SELECT others FROM kind)"));

    private static string Render(SchemaName schema, string candidates, string summary) => $"""
        WITH RECURSIVE {ClaimSql.Latest(schema)},
        {Room(schema)},
        {candidates},
        {ClaimSql.Take(schema, "(SELECT now FROM clock)", "(SELECT places FROM room)", "(SELECT rated FROM room)")},
        {StartSql.Note(schema)},
        taken AS (
            SELECT false AS spent, {ClaimSql.OwnedColumns}, COALESCE(o.seed, begun.seed) AS seed,
                   COALESCE(o.started_at, begun.started_at) AS began_at, begun.seed IS NOT NULL AS fresh, candidate.place,
                   CASE WHEN sum(octet_length(COALESCE(i.inputs, w.inputs))) OVER (ORDER BY candidate.place) > {ClaimSql.InlineBytesMax}
                        THEN octet_length(COALESCE(i.inputs, w.inputs))::bigint END AS left_out
              FROM claimed AS w
              JOIN candidate ON candidate.workflow_uuid = w.workflow_uuid
              LEFT JOIN begun ON begun.workflow_uuid = w.workflow_uuid
              {ClaimSql.WithInputAndOrigin(schema)}),
        {summary}
        SELECT s.more, s.retry_at, s.last_partition, t.*
          FROM summary AS s
          LEFT JOIN (
            SELECT spent, workflow_uuid, name, owner_xid, CASE WHEN left_out IS NULL THEN input END, serialization, attempts,
                   queue_name, parent_workflow_id, workflow_deadline_epoch_ms, created_at, forked_from, priority, queue_partition_key,
                   seed, began_at, fresh, place, left_out
              FROM taken
            UNION ALL
            SELECT true, workflow_uuid, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, 0, NULL
              FROM buried) AS t ON true
         ORDER BY t.place
        """;

    // A number of starts without a period limits nothing.
    private static string Rate(string of) =>
        $"CASE WHEN q.{of}rate_limit_period_sec IS NOT NULL THEN q.{of}rate_limit_max END";

    // The clock is read after the lock was acquired. So starts under one lock never go back in time, and any two that are a window's number
    // of starts apart are its length apart. If the rate is the tightest limit, one more place is searched for, which shows whether the rate
    // held something back.
    private static string Room(SchemaName schema) => $"""
        clock AS MATERIALIZED (SELECT {Clock.Moment} AS now),
        rule AS MATERIALIZED (
            SELECT q.*, clock.now,
                   {Rate("")} AS rate, {QueueSql.Period("")} AS per,
                   {Rate("partition_")} AS partition_rate, {QueueSql.Period("partition_")} AS partition_per,
                   {QueueSql.LongestWindow} AS longest,
                   {QueueSql.IsPartitioned} AS partitioned,
                   {QueueSql.HasSharedLimit} AS shared,
                   {QueueSql.HasSharedLimit} AND COALESCE(current_setting('{Held}', true), '') <> 'true' AS unheld
              FROM clock
             CROSS JOIN LATERAL (SELECT * FROM {schema}.queues WHERE name = $10 LIMIT 1) AS q
             WHERE NOT {QueueSql.IsShut}
               AND (SELECT true FROM {schema}.fluent_queues WHERE name = $10 AND paused LIMIT 1) IS NULL),
        spare AS MATERIALIZED (
            SELECT rule.*, rule.rate - recent.starts AS starts, COALESCE(recent.oldest, rule.now) + rule.per AS retry_at,
                   LEAST($7::bigint, {RowsMax}, rule.concurrency - running.count, rule.worker_concurrency - $11::bigint) AS others
              FROM rule
             CROSS JOIN LATERAL (
                SELECT count(*)
                  FROM (
                    SELECT 1
                      FROM {schema}.workflow_status AS w
                     WHERE w.queue_name = $10 AND {IsRunning} AND {IsOurs}
                     LIMIT COALESCE(rule.concurrency, 0)) AS one) AS running
             CROSS JOIN LATERAL ({Recent(schema, "", "rule.now - rule.per", "rule.rate")}) AS recent),
        room AS MATERIALIZED (
            SELECT spare.*, COALESCE(starts <= others, false) AND others > 0 AS rate_binds,
                   rate IS NOT NULL OR partition_rate IS NOT NULL AS rated,
                   CASE WHEN unheld THEN 0 ELSE GREATEST(LEAST(others, starts), 0) END AS places,
                   CASE WHEN unheld OR others <= 0 THEN 0
                        ELSE GREATEST(LEAST(others, starts), 0) + CASE WHEN starts <= others THEN 1 ELSE 0 END END AS search
              FROM spare)
        """;

    // The newest starts within the window, as many as it allows: room appears when the oldest of them leaves. Rows that were put back or
    // cancelled have lost their start; parked and handed-on rows still count. A row that another SDK has woken into its queue does not
    // count, because its own start would keep it from continuing. Starts that later ones have overwritten count beside those of the rows.
    private static string Recent(SchemaName schema, string partition, string since, string most) => $"""

                SELECT count(*) AS starts, min(one.started_at_epoch_ms) AS oldest
                  FROM (
                    (SELECT w.started_at_epoch_ms
                      FROM {schema}.workflow_status AS w
                     WHERE w.queue_name = $10 {OfPartition("w", partition)} AND w.rate_limited = true
                       AND w.started_at_epoch_ms > {since} AND {IsOurs}
                       AND (w.status NOT IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}')
                            OR (w.status = '{WorkflowStates.Delayed}')
                                = COALESCE((SELECT true FROM {schema}.fluent_waits WHERE workflow_uuid = w.workflow_uuid LIMIT 1), false))
                     ORDER BY w.started_at_epoch_ms DESC
                     LIMIT COALESCE({most}, 0))
                    UNION ALL
                    ({StartSql.Newest(schema, OfPartition("s", partition), since, most)})
                     ORDER BY 1 DESC
                     LIMIT COALESCE({most}, 0)) AS one
        """;

    private static string OfPartition(string row, string partition) =>
        partition.Length == 0 ? "" : $"AND {row}.queue_partition_key = {partition}";

    private static string First(SchemaName schema) => $"""
        line AS MATERIALIZED (SELECT $10::text AS queue_name FROM room WHERE search > 0),
        {LineSql.Kinds(schema)},
        {LineSql.First(schema, "room.search", "room CROSS JOIN ", "NOT room.partitioned")},
        first AS MATERIALIZED (SELECT workflow_uuid, queue_name, place FROM placed WHERE known)
        """;

    // Walks once around the partitions, and ends early when it has found as many with room and work as are searched for. Each of them costs
    // a lookup for each kind of rows, so with many kinds one claim looks at fewer.
    private static string Look(SchemaName schema) => $"""
        reach AS MATERIALIZED (SELECT GREATEST({PartitionsMax} / GREATEST(count(*), 1), {PartitionsMin}) AS partitions FROM mine),
        look AS (
            SELECT $13::text AS key, false AS wrapped, 0 AS looked, 0 AS found, 0::bigint AS places, NULL::bigint AS starts,
                   NULL::bigint AS retry_at, false AS waits
              FROM room
             WHERE room.partitioned AND EXISTS (SELECT FROM mine)
            UNION ALL
            SELECT next.key, next.wrapped, look.looked + 1,
                   look.found + CASE WHEN share.places > 0 AND head.waits THEN 1 ELSE 0 END,
                   share.places, share.starts, share.retry_at, head.waits
              FROM look
             CROSS JOIN room
             CROSS JOIN LATERAL (SELECT ({NextPartition(schema, "w.queue_partition_key > look.key")}) AS key OFFSET 0) AS ahead
             CROSS JOIN LATERAL (
                SELECT CASE WHEN look.wrapped THEN ahead.key
                            ELSE COALESCE(ahead.key, ({NextPartition(schema, "true")})) END AS key,
                       look.wrapped OR ahead.key IS NULL AS wrapped
                OFFSET 0) AS next
             CROSS JOIN LATERAL ({Share(schema)}) AS share
             CROSS JOIN LATERAL (
                SELECT CASE WHEN share.places > 0 OR share.starts <= 0
                            THEN COALESCE(({LineSql.HeadOfPartition(schema, "next.key")}), false) ELSE false END AS waits
                OFFSET 0) AS head
             WHERE look.found < room.search AND look.looked < (SELECT partitions FROM reach)
               AND next.key IS NOT NULL AND (NOT next.wrapped OR next.key <= $13))
        """;

    // The partitions take turns: the first row of each, in the order of the walk, then the second of each. No partition gives more than its
    // share of what is searched for; if that leaves places, another claim takes them.
    private static string Turns(SchemaName schema) => $"""
        open AS MATERIALIZED (SELECT * FROM look WHERE looked > 0 AND waits AND places > 0),
        part AS MATERIALIZED (
            SELECT ceil(room.search::numeric / GREATEST((SELECT count(*) FROM open), 1))::bigint AS most FROM room),
        ranked AS MATERIALIZED (
            SELECT each.*, open.looked, open.retry_at, open.places, open.starts, part.most,
                   each.rank <= LEAST(open.places, part.most) AS fits
              FROM open
             CROSS JOIN part
             CROSS JOIN LATERAL (
                SELECT one.*, row_number() OVER (ORDER BY {LineSql.Place}) AS rank
                  FROM ({LineSql.FirstOfPartition(schema, "open.key", "LEAST(open.places, part.most) + 1")}) AS one) AS each),
        turn AS MATERIALIZED (
            SELECT workflow_uuid, queue_name,
                   row_number() OVER (ORDER BY rank, CASE WHEN rank = 1 THEN looked END, {LineSql.Place}) AS place
              FROM ranked
             WHERE fits)
        """;

    private static string NextPartition(SchemaName schema, string behind) => $"""
        SELECT w.queue_partition_key
                          FROM {schema}.workflow_status AS w
                         WHERE w.queue_name = $10 AND w.status = '{WorkflowStates.Enqueued}'
                           AND w.queue_partition_key IS NOT NULL AND {behind}
                         ORDER BY w.queue_partition_key
                         LIMIT 1
        """;

    private static string Share(SchemaName schema) => $"""

                SELECT COALESCE(
                           LEAST(
                               room.partition_concurrency - running.count,
                               room.partition_worker_concurrency - COALESCE(($12::jsonb ->> next.key)::bigint, 0),
                               room.partition_rate - recent.starts),
                           room.search) AS places,
                       room.partition_rate - recent.starts AS starts, COALESCE(recent.oldest, room.now) + room.partition_per AS retry_at
                  FROM (
                    SELECT count(*)
                      FROM (
                        SELECT 1
                          FROM {schema}.workflow_status AS w
                         WHERE w.queue_name = $10 AND {IsRunning} AND w.queue_partition_key = next.key AND {IsOurs}
                         LIMIT COALESCE(room.partition_concurrency, 0)) AS one) AS running
                 CROSS JOIN LATERAL ({Recent(
                     schema, "next.key", "room.now - room.partition_per", "room.partition_rate")}) AS recent
                OFFSET 0
        """;

    // Another claim may take more at once if something other than the queue's limits ended this one: its own limit, dead-lettered rows that
    // took places, partitions not looked at, a partition's share. What a peer is claiming right now is no reason by itself, but what may
    // wait behind it is: more than was looked at, or than a partition showed.
    private static string Summary { get; } = $"""
        summary AS (
            SELECT COALESCE(room.unheld, false)
                   OR COALESCE(counted.due > 0 AND (counted.due >= LEAST($7, {RowsMax}) OR counted.buried > 0), false)
                   OR COALESCE(room.search > counted.found AND counted.looked >= (SELECT partitions FROM reach), false)
                   OR COALESCE(
                        counted.due > 0 AND counted.due < room.places
                        AND (counted.due < counted.candidates
                             OR EXISTS (SELECT FROM ranked WHERE NOT fits AND ranked.most < ranked.places)), false)
                   OR {HeldByPeers("EXISTS (SELECT FROM source WHERE ends)")}
                   OR COALESCE(
                        NOT room.shared AND counted.due < counted.candidates AND counted.due < room.places
                        AND EXISTS (SELECT FROM ranked WHERE NOT fits), false) AS more,
                   CASE WHEN room.rate_binds AND counted.candidates > room.places THEN room.retry_at
                        ELSE (
                            SELECT min(held.retry_at)
                              FROM (
                                SELECT retry_at FROM look WHERE waits AND starts <= 0
                                UNION ALL
                                SELECT retry_at FROM ranked WHERE NOT fits AND starts = places AND places <= most) AS held) END AS retry_at,
                   COALESCE((SELECT key FROM look WHERE found <= room.places ORDER BY looked DESC LIMIT 1), $13) AS last_partition
              FROM (
                SELECT (SELECT count(*) FROM due) AS due, (SELECT count(*) FROM buried) AS buried,
                       (SELECT count(*) FROM candidate) AS candidates,
                       (SELECT max(looked) FROM look) AS looked, (SELECT max(found) FROM look) AS found) AS counted
              LEFT JOIN room ON true)
        """;

    // The search through one line looked at all it may, and could not take enough.
    private static string HeldByPeers(string sawAllItMay) =>
        $"COALESCE(NOT room.partitioned AND counted.due < room.places AND {sawAllItMay}, false)";

    private static string LineSummary(string sawAllItMay, string isForAnother) => $"""
        summary AS (
            SELECT COALESCE(room.unheld, false)
                   OR COALESCE(
                        counted.due > 0
                        AND (counted.due >= LEAST($7, {RowsMax}) OR counted.buried > 0
                             OR (counted.due < room.places AND counted.due < counted.candidates)), false)
                   OR {HeldByPeers(sawAllItMay)} AS more,
                   CASE WHEN room.rate_binds AND counted.candidates > room.places THEN room.retry_at END AS retry_at,
                   CASE WHEN NOT COALESCE({isForAnother}, false) THEN $13 END AS last_partition
              FROM (
                SELECT (SELECT count(*) FROM due) AS due, (SELECT count(*) FROM buried) AS buried,
                       (SELECT count(*) FROM candidate) AS candidates) AS counted
              LEFT JOIN room ON true)
        """;
}
