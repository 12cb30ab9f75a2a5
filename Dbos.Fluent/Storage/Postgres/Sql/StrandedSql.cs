using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that find unfinished work which no live engine would take.</summary>
internal sealed class StrandedSql(SchemaName schema)
{
    private readonly string enqueued = RenderWaiting(schema, $"'{WorkflowStates.Enqueued}'");

    private readonly string delayed = RenderWaiting(schema, $"'{WorkflowStates.Delayed}'");

    // A running workflow carries the version of its executor, which has its code. Other rows are those that recovery never hands on: rows
    // of no application, and rows under a name that nobody has registered.
    private readonly string pending = Render(
        schema,
        $"w.status = '{WorkflowStates.Pending}' AND w.created_at >= $2",
        "w.created_at",
        "looked.application_name = $1");

    private const string IsLive = $"NOT e.stopped AND e.expires_at_ms > {Clock.Database}";

    /// <summary>
    /// A page of one state, in order of creation: rows that nobody takes, counted by version and name, and a last row with how many were
    /// looked at and the position of the last. $1 application, $2 and $3 the position behind which the page begins, $4 its length.
    /// </summary>
    public string Read(WorkflowState state) => state switch
    {
        WorkflowState.Enqueued => enqueued,
        WorkflowState.Delayed => delayed,
        _ => pending,
    };

    // A row of no application may belong to any; this application reports those in its queues.
    private static string IsOurs(SchemaName schema) => $"""
        (looked.application_name = $1
               OR (looked.application_name IS NULL
                   AND looked.queue_name IN (SELECT q.name FROM {schema}.queues AS q WHERE q.application_name = $1)))
        """;

    // With an equation the planner treats the state as a constant. If many workflows wait, it then takes the index of all moments, in which
    // everything that has ended since precedes what waits.
    private static string RenderWaiting(SchemaName schema, string state) => Render(
        schema,
        $"""
        w.status COLLATE "C" IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}')
               AND (w.status COLLATE "C", w.created_at) >= ({state}, $2)
               AND (w.status COLLATE "C", w.created_at) <= ({state}, {long.MaxValue})
        """,
        "w.status COLLATE \"C\", w.created_at",
        IsOurs(schema));

    // The limit applies to what is looked at, of any application, so that a backlog does not make the statement long. The state is compared
    // as in the definition of its partial index. Who takes what follows the rule of a claim, see ClaimSql.
    private static string Render(SchemaName schema, string looked, string order, string condition) => $"""
        WITH live AS MATERIALIZED (
            SELECT DISTINCT e.application_name, e.application_version FROM {schema}.fluent_executors AS e WHERE {IsLive}),
        code AS MATERIALIZED (
            SELECT v.application_name, v.application_version, v.workflow_name, v.fingerprint
              FROM live
              JOIN {schema}.fluent_versions AS v
                ON v.application_name = live.application_name AND v.application_version = live.application_version),
        served AS MATERIALIZED (
            SELECT application_name, application_version, workflow_name FROM code
            UNION
            SELECT v.application_name, v.application_version, v.workflow_name
              FROM code
              JOIN {schema}.fluent_versions AS v
                ON v.application_name = code.application_name AND v.workflow_name = code.workflow_name
               AND v.fingerprint = code.fingerprint
             WHERE code.fingerprint <> ''
               AND NOT EXISTS (
                   SELECT FROM live
                    WHERE live.application_name = v.application_name AND live.application_version = v.application_version)
            UNION
            SELECT application_name, NULL, workflow_name
              FROM code
             WHERE application_version = COALESCE(
                   ({VersionSql.LatestOf(schema, "code.application_name", "code.application_version")}),
                   application_version)),
        looked AS MATERIALIZED (
            SELECT w.workflow_uuid, w.created_at, w.application_name, w.application_version, w.name, w.queue_name
              FROM {schema}.workflow_status AS w
             WHERE {looked} AND (w.created_at > $2 OR {FilterSql.ById} > $3)
             ORDER BY {order}, {FilterSql.ById}
             LIMIT $4),
        kind AS (
            SELECT application_name, application_version, COALESCE(name, '') AS name, count(*) AS number, min(workflow_uuid) AS example
              FROM looked
             WHERE {condition}
             GROUP BY 1, 2, 3)
        SELECT application_version, name, number, example, NULL::bigint AS at
          FROM kind
         WHERE NOT EXISTS (
               SELECT FROM served
                WHERE served.workflow_name = kind.name
                  AND served.application_version IS NOT DISTINCT FROM kind.application_version
                  AND (served.application_name = kind.application_name OR kind.application_name IS NULL))
        UNION ALL
        (SELECT NULL, '', (SELECT count(*) FROM looked), w.workflow_uuid, w.created_at
           FROM looked AS w
          ORDER BY w.created_at DESC, {FilterSql.ById} DESC
          LIMIT 1)
        """;
}
