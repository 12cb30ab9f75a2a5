using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that claim parked workflows.</summary>
/// <remarks>
/// <para>
/// Each begins with $1 now, $2 token, $3 executor, $4 application, $5 version, $6 workflow names, $7 limit. A row of <c>found</c> is a wait
/// that may be over and its place in line. The workflow's row is checked before the limit counts, so that rows of other engines are
/// skipped. More are found than requested, because peers hold the first ones.
/// </para>
/// <para>
/// A row is locked only in exactly the version that the snapshot saw. Then its waits are those that the snapshot saw, and deleting them
/// leaves none behind. A row that has changed meanwhile belongs to somebody else, or can be taken by a later claim: the answer names the
/// rows that it passed over.
/// </para>
/// <para>
/// A parked workflow without a queue of its own waited in the internal one. It runs in none, unless a deduplication id keeps it there.
/// </para>
/// </remarks>
internal sealed class ParkedClaimSql(SchemaName schema)
{
    // All that was found may be waits of a few workflows, which a claim then takes; how many wait behind them is unknown.
    private const string MoreMayBeThere = "(SELECT '' FROM found HAVING count(*) >= 4 * $7 + 16)";

    private static readonly string IsParked = RowState.Is("w.status", WorkflowStates.Delayed);

    /// <summary>Workflows with a wait that has ended by time. The index gives the order, and is read as far as the limit needs.</summary>
    public string Due { get; } = Render(
        schema,
        "",
        $"""
            SELECT f.workflow_uuid, f.wake_at AS place, w.version
              FROM {schema}.fluent_waits AS f
             CROSS JOIN LATERAL ({Mine(schema, "f.workflow_uuid")}) AS w
             WHERE f.wake_at <= {Clock.Now}
             ORDER BY f.wake_at
             LIMIT 4 * $7 + 16
        """,
        MoreMayBeThere);

    /// <summary>Workflows that wait for one of these: $8 kinds, $9 keys.</summary>
    public string Woken { get; } = Render(
        schema,
        "",
        $"""
            SELECT f.workflow_uuid, s.place, w.version
              FROM unnest($8::text[], $9::text[]) WITH ORDINALITY AS s(kind, key, place)
             CROSS JOIN LATERAL (
                SELECT workflow_uuid FROM {schema}.fluent_waits WHERE kind = s.kind AND key = s.key OFFSET 0) AS f
             CROSS JOIN LATERAL ({Mine(schema, "f.workflow_uuid")}) AS w
             LIMIT 4 * $7 + 16
        """,
        MoreMayBeThere);

    /// <summary>Those of these workflows that are ready: $8 ids. No limit but the list's own length.</summary>
    public string Among { get; } = Render(
        schema,
        "",
        $"""
            SELECT p.id AS workflow_uuid, p.place, w.version
              FROM unnest($8::text[]) WITH ORDINALITY AS p(id, place)
             {WithReadyWait(schema)}
        """,
        "NULL::text");

    /// <summary>Those of a page that are ready: $8 the id behind which it begins, $9 how many to look at.</summary>
    // Only workflows that wait for something besides a moment, each found by its first such wait in the index of those. A workflow that
    // only sleeps is found by its time, and there may be a million of them. One more row is read to know whether there is a next page. A
    // claim that reached its limit has not taken all that is ready: the next page then begins behind the last one it took.
    public string Page { get; } = Render(
        schema,
        $"""
        page AS MATERIALIZED (
            SELECT f.workflow_uuid AS id, row_number() OVER (ORDER BY f.workflow_uuid) AS place
              FROM {schema}.fluent_waits AS f
             CROSS JOIN LATERAL (
                SELECT 1
                  FROM {schema}.workflow_status AS w
                 WHERE w.workflow_uuid = f.workflow_uuid AND {IsParked} AND (w.application_name = $4 OR w.application_name IS NULL)
                 LIMIT 1) AS w
             WHERE f.workflow_uuid > $8
               AND f.kind <> '{WaitKinds.Time}'
               AND (f.sequence, f.part) = (
                   SELECT sequence, part
                     FROM {schema}.fluent_waits
                    WHERE workflow_uuid = f.workflow_uuid AND kind <> '{WaitKinds.Time}'
                    ORDER BY sequence, part
                    LIMIT 1)
             ORDER BY f.workflow_uuid
             LIMIT $9 + 1),
        """,
        $"""
            SELECT p.id AS workflow_uuid, p.place, w.version
              FROM page AS p
             {WithReadyWait(schema)}
               AND p.place <= $9
        """,
        """
        COALESCE(
               (SELECT max(workflow_uuid) FROM due HAVING count(*) >= $7),
               (SELECT id FROM page WHERE place = $9 AND EXISTS (SELECT FROM page WHERE place > $9)))
        """);

    /// <summary>Whether any workflow is parked, and the first end of a wait after a moment. $1 application, $2 the moment.</summary>
    public string ReadOutlook { get; } = Outlook(schema, "$1", "$2");

    /// <summary>As <see cref="ReadOutlook"/>, but as part of another statement.</summary>
    // Waits are read in index order until one belongs to this application, which is the first unless the database is shared. Only if none
    // has an end are the waits without an end read too.
    public static string Outlook(SchemaName schema, string application, string after) => $"""
        WITH next AS MATERIALIZED (
            SELECT f.wake_at
              FROM {schema}.fluent_waits AS f
             CROSS JOIN LATERAL ({Parked(schema, application)}) AS w
             WHERE f.wake_at > {after}
             ORDER BY f.wake_at
             LIMIT 1)
        SELECT EXISTS (SELECT FROM next)
               OR COALESCE((
                   SELECT true
                     FROM {schema}.fluent_waits AS f CROSS JOIN LATERAL ({Parked(schema, application)}) AS w
                    WHERE f.wake_at IS NULL
                    LIMIT 1), false),
               (SELECT wake_at FROM next)
        """;

    private static string Render(SchemaName schema, string before, string found, string lastLookedAt) => $"""
        WITH {ClaimSql.Latest(schema)},
        {before}
        found AS MATERIALIZED (
        {found}),
        candidate AS MATERIALIZED (
            SELECT workflow_uuid, version, min(place) AS place FROM found GROUP BY workflow_uuid, version ORDER BY place, workflow_uuid),
        due AS MATERIALIZED (
            SELECT candidate.workflow_uuid, candidate.place
              FROM candidate
             CROSS JOIN LATERAL (
                SELECT 1
                  FROM {schema}.workflow_status AS w
                 WHERE w.workflow_uuid = candidate.workflow_uuid AND {IsParked} AND w.xmin = candidate.version
                   FOR NO KEY UPDATE SKIP LOCKED) AS w
             LIMIT $7),
        claimed AS (
            UPDATE {schema}.workflow_status AS w
               SET status = '{WorkflowStates.Pending}', owner_xid = $2, executor_id = $3, application_version = $5,
                   application_name = COALESCE(w.application_name, $4), delay_until_epoch_ms = NULL, updated_at = {Clock.Now},
                   queue_name = CASE
                       WHEN w.queue_name <> '{QueueNames.Internal}' OR w.deduplication_id IS NOT NULL THEN w.queue_name END
             WHERE w.workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM due))
            RETURNING w.*),
        dropped AS (DELETE FROM {schema}.fluent_waits WHERE workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM due)))
        SELECT false, {ClaimSql.InlineColumns}, o.seed, o.started_at, false, due.place, {ClaimSql.LeftOut}
          FROM claimed AS w
          LEFT JOIN due ON due.workflow_uuid = w.workflow_uuid
          {ClaimSql.WithInputAndOrigin(schema)}
        UNION ALL
        SELECT true, last.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL
          FROM (SELECT {lastLookedAt} AS id) AS last
         WHERE last.id IS NOT NULL
        UNION ALL
        SELECT true, workflow_uuid, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, NULL, NULL
          FROM candidate
         WHERE (SELECT count(*) FROM due) < $7 AND NOT EXISTS (SELECT FROM due WHERE due.workflow_uuid = candidate.workflow_uuid)
         ORDER BY 18, 2
        """;

    // The row under an id, if this engine may take it: as in an ordinary claim, but regardless of queues.
    private static string Mine(SchemaName schema, string id) => $"""

                SELECT w.xmin AS version
                  FROM {schema}.workflow_status AS w
                 WHERE w.workflow_uuid = {id}
                   AND {IsParked}
                   AND {ClaimSql.IsMine}
                 LIMIT 1
        """;

    private static string WithReadyWait(SchemaName schema) => $"""
        CROSS JOIN LATERAL ({Mine(schema, "p.id")}) AS w
             CROSS JOIN LATERAL (
                SELECT f.wake_at, f.kind, f.target, f.name FROM {schema}.fluent_waits AS f WHERE f.workflow_uuid = p.id OFFSET 0) AS f
             WHERE COALESCE(
                   f.wake_at <= {Clock.Now} OR CASE f.kind
                       WHEN '{WaitKinds.Message}' THEN (
                           SELECT true FROM {schema}.notifications
                            WHERE destination_uuid = f.target AND topic = f.name AND NOT consumed ORDER BY created_at_epoch_ms LIMIT 1)
                       WHEN '{WaitKinds.Event}' THEN (SELECT true FROM {schema}.workflow_events WHERE workflow_uuid = f.target AND key = f.name LIMIT 1)
                       WHEN '{WaitKinds.Outcome}' THEN COALESCE((
                           SELECT status IN ({WorkflowStates.EndedList})
                             FROM {schema}.workflow_status WHERE workflow_uuid = f.target LIMIT 1), true)
                   END,
                   false)
        """;

    private static string Parked(SchemaName schema, string application) => $"""
        SELECT 1
                  FROM {schema}.workflow_status AS w
                 WHERE w.workflow_uuid = f.workflow_uuid AND {IsParked}
                   AND (w.application_name = {application} OR w.application_name IS NULL)
                 LIMIT 1
        """;
}
