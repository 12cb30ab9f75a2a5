using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Statements that look for unfinished workflows which no live engine would take. <c>@real_now</c> is the time of the clock of leases.
/// </summary>
internal static class StrandedSql
{
    private const string IsLive = "e.stopped = 0 AND e.lease_expires_at > @real_now";

    /// <summary>A row of no application belongs to all; this application reports those in its queues.</summary>
    private const string IsOurs = """
        (looked.application_name = @application_name
               OR (looked.application_name IS NULL
                   AND looked.queue_name IN (SELECT q.name FROM queues AS q WHERE q.application_name = @application_name)))
        """;

    /// <summary>
    /// A running workflow has the version of its executor, which has the code of it. Any other running row is one that recovery never hands
    /// on: it takes no row without an application, and no name that nobody has registered.
    /// </summary>
    private const string IsOrphan = "looked.application_name = @application_name";

    /// <summary>Applies a claim's rule about who takes which workflow.</summary>
    private const string Served = $"""
        WITH live AS (
            SELECT DISTINCT e.application_name, e.application_version FROM fluent_executors AS e WHERE {IsLive}),
        code AS (
            SELECT v.application_name, v.application_version, v.workflow_name, v.fingerprint
              FROM live
              JOIN fluent_versions AS v
                ON v.application_name = live.application_name AND v.application_version = live.application_version),
        served AS (
            SELECT application_name, application_version, workflow_name FROM code
            UNION
            SELECT v.application_name, v.application_version, v.workflow_name
              FROM code
              JOIN fluent_versions AS v
                ON v.application_name = code.application_name AND v.workflow_name = code.workflow_name
               AND v.fingerprint = code.fingerprint
             WHERE code.fingerprint <> ''
               AND (v.application_name, v.application_version) NOT IN (SELECT application_name, application_version FROM live)
            UNION
            SELECT application_name, NULL, workflow_name
              FROM code
             WHERE application_version = coalesce(
                   (SELECT v.version_name
                      FROM application_versions AS v
                     WHERE (v.application_name = code.application_name OR v.application_name IS NULL)
                       AND NOT EXISTS (
                           SELECT 1 FROM application_versions AS o
                            WHERE o.version_name = code.application_version AND o.application_name <> code.application_name)
                     ORDER BY v.version_timestamp DESC, v.created_at DESC, v.rowid DESC
                     LIMIT 1),
                   application_version)),
        looked AS (
            SELECT w.workflow_uuid, w.created_at, w.application_name, w.application_version, w.name, w.queue_name
              FROM workflow_status AS w
             WHERE w.created_at >= @after_at AND (w.created_at > @after_at OR w.workflow_uuid > @after_id)
        """;

    private const string Counted = """
        ORDER BY w.created_at, w.workflow_uuid
             LIMIT @limit),
        kind AS (
            SELECT application_name, application_version, coalesce(name, '') AS name, count(*) AS number, min(workflow_uuid) AS example
              FROM looked
        """;

    private const string Grouped = """
        GROUP BY 1, 2, 3)
        SELECT application_version, name, number, example, NULL
          FROM kind
         WHERE NOT EXISTS (
               SELECT 1 FROM served
                WHERE served.workflow_name = kind.name AND served.application_version IS kind.application_version
                  AND (served.application_name = kind.application_name OR kind.application_name IS NULL))
        UNION ALL
        SELECT * FROM (
            SELECT NULL, '', (SELECT count(*) FROM looked), workflow_uuid, created_at
              FROM looked
             ORDER BY created_at DESC, workflow_uuid DESC
             LIMIT 1)
        """;

    /// <summary>
    /// Reads a page of one state in the order of creation, and counts by version and name the workflows that nobody takes. A last row holds
    /// the number of rows looked at and the position of the last. The limit applies to the rows looked at, of any application, so the
    /// statement's duration does not grow with a backlog. The condition on the state is that of its partial index.
    /// </summary>
    public static string Read(WorkflowState state) => state switch
    {
        WorkflowState.Enqueued => $"{Served} AND w.status = '{WorkflowStates.Enqueued}' {Counted} WHERE {IsOurs} {Grouped}",
        WorkflowState.Delayed => $"{Served} AND w.status = '{WorkflowStates.Delayed}' {Counted} WHERE {IsOurs} {Grouped}",
        _ => $"{Served} AND w.status = '{WorkflowStates.Pending}' {Counted} WHERE {IsOrphan} {Grouped}",
    };
}
