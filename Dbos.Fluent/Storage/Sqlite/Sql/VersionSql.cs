using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Statements about versions, and about why workflows are not taken. <c>@real_now</c> is the time of the clock of leases.
/// </summary>
internal static class VersionSql
{
    private const string OfApplication = "(@application_name IS NULL OR application_name = @application_name OR application_name IS NULL)";

    private const string IsLive = "e.stopped = 0 AND e.lease_expires_at > @real_now";

    // As ClaimSql.ReadLatestVersion, for the engine e.
    private const string Latest = """
        SELECT v.version_name
                      FROM application_versions AS v
                     WHERE (v.application_name = e.application_name OR v.application_name IS NULL)
                       AND NOT EXISTS (
                           SELECT 1 FROM application_versions AS o
                            WHERE o.version_name = e.application_version AND o.application_name <> e.application_name)
                     ORDER BY v.version_timestamp DESC, v.created_at DESC, v.rowid DESC
                     LIMIT 1
        """;

    public const string RegisterCode = """
        INSERT INTO fluent_versions (application_name, application_version, workflow_name, fingerprint)
        VALUES (@application_name, @application_version, @workflow_name, @fingerprint)
        ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint
        """;

    /// <summary>
    /// Deletes names that the version no longer has the code of. Engines of one version may have different workflows. While another engine
    /// is remembered, workflows whose code it had may wait for an engine like it.
    /// </summary>
    public const string ForgetCode = """
        DELETE FROM fluent_versions
         WHERE application_name = @application_name AND application_version = @application_version
           AND workflow_name NOT IN (SELECT value FROM json_each(@names))
           AND NOT EXISTS (
               SELECT 1 FROM fluent_executors AS other
                WHERE other.application_name = @application_name AND other.application_version = @application_version
                  AND other.executor_id <> @executor_id)
        """;

    /// <summary>Versions and names that have the same code as here, and of which no engine is alive.</summary>
    public const string Kin = $"""
        SELECT theirs.application_version, theirs.workflow_name
          FROM fluent_versions AS ours
          JOIN fluent_versions AS theirs
            ON theirs.application_name = ours.application_name AND theirs.workflow_name = ours.workflow_name
           AND theirs.fingerprint = ours.fingerprint
         WHERE ours.application_name = @application_name AND ours.application_version = @application_version AND ours.fingerprint <> ''
           AND NOT EXISTS (
               SELECT 1 FROM fluent_executors AS e
                WHERE e.application_name = @application_name AND e.application_version = theirs.application_version AND {IsLive})
        """;

    public const string ReadAll = $"""
        SELECT version_name, created_at, application_name FROM application_versions WHERE {OfApplication}
         ORDER BY version_timestamp DESC, created_at DESC, rowid DESC
        """;

    /// <summary>Places the version after every other, even if the clock has not moved since the last registration.</summary>
    public const string SetLatest = $"""
        UPDATE application_versions
           SET version_timestamp = max(@now, 1 + (SELECT max(version_timestamp) FROM application_versions WHERE {OfApplication}))
         WHERE version_name = @version AND {OfApplication}
        """;

    /// <summary>
    /// In the order of the primary key, to the page's end. The plus keeps the planner from the index of versions, as it would read and sort
    /// all rows of the version for each page.
    /// </summary>
    public const string ReadUnfinished = $"""
        SELECT w.workflow_uuid, w.name, coalesce(i.inputs, w.inputs), w.serialization, coalesce(w.recovery_attempts, 0), w.queue_name,
               w.parent_workflow_id, w.workflow_deadline_epoch_ms, w.workflow_timeout_ms, w.executor_id, w.created_at, w.forked_from,
               o.seed, o.started_at, 0, w.queue_partition_key, w.status, w.updated_at
          FROM workflow_status AS w
          LEFT JOIN workflow_input AS i ON i.workflow_uuid = w.workflow_uuid
          LEFT JOIN fluent_origins AS o ON o.workflow_uuid = w.workflow_uuid
         WHERE w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}', '{WorkflowStates.Pending}')
           AND +w.application_version = @version AND (w.application_name = @application_name OR w.application_name IS NULL)
           AND w.workflow_uuid > @after
         ORDER BY w.workflow_uuid
         LIMIT @limit
        """;

    /// <summary>
    /// The other version's code wrote the waits of an adopted workflow. All become due, as this code decides itself what the workflow waits
    /// for.
    /// </summary>
    public const string EndWaits = "UPDATE fluent_waits SET wake_at = 0 WHERE workflow_uuid = @workflow_uuid";

    /// <summary>
    /// The state shows that nobody runs the workflow; a token on it is its creator's, as enqueue_workflow and older SDKs leave one.
    /// </summary>
    public const string Adopt = $"""
        UPDATE workflow_status SET application_version = @to
         WHERE workflow_uuid = @workflow_uuid AND application_version = @from AND updated_at = @updated_at
           AND status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Delayed}')
        """;

    /// <summary>
    /// The rule is that of a claim. A workflow without an application is for the engines of all, and each has its own latest version.
    /// </summary>
    public const string ReadCode = $"""
        WITH live AS (
            SELECT e.application_name, e.application_version, v.fingerprint, ({Latest}) AS latest
              FROM fluent_executors AS e
              LEFT JOIN fluent_versions AS v
                ON v.application_name = e.application_name AND v.application_version = e.application_version
               AND v.workflow_name = @workflow_name
             WHERE (@application_name IS NULL OR e.application_name = @application_name) AND {IsLive})
        SELECT count(CASE WHEN live.fingerprint IS NOT NULL
                    AND (live.application_version = coalesce(@version, live.latest, live.application_version)
                         OR (live.fingerprint <> ''
                             AND NOT EXISTS (
                                 SELECT 1 FROM live AS own
                                  WHERE own.application_name = live.application_name AND own.application_version = @version)
                             AND EXISTS (
                                 SELECT 1 FROM fluent_versions AS v
                                  WHERE v.application_name = live.application_name AND v.application_version = @version
                                    AND v.workflow_name = @workflow_name AND v.fingerprint = live.fingerprint))) THEN 1 END),
               count(live.fingerprint), count(*),
               (SELECT group_concat(latest, ''', ''')
                  FROM (SELECT DISTINCT latest FROM live WHERE fingerprint IS NOT NULL AND latest IS NOT NULL ORDER BY 1))
          FROM live
        """;

    public const string ReadWaits = """
        SELECT sequence, kind, target, name, wake_at, part FROM fluent_waits WHERE workflow_uuid = @workflow_uuid ORDER BY sequence, part
        """;

    /// <summary>Finds running workflows along idx_workflow_status_in_flight_v2, whose condition is repeated.</summary>
    public const string ReadPlace = $"""
        WITH running AS (
            SELECT w.queue_partition_key AS key, w.executor_id
              FROM workflow_status AS w
             WHERE w.status IN ('{WorkflowStates.Enqueued}', '{WorkflowStates.Pending}')
               AND w.queue_name = @queue_name AND w.status = '{WorkflowStates.Pending}'
               AND (@application_name IS NULL OR w.application_name = @application_name OR w.application_name IS NULL)),
        executors AS (
            SELECT count(*) AS number, coalesce(min(running), 0) AS least, coalesce(max(running), 0) AS most,
                   coalesce(min(in_partition), 0) AS least_in_partition, coalesce(max(in_partition), 0) AS most_in_partition
              FROM (SELECT count(*) AS running, count(CASE WHEN key = @partition THEN 1 END) AS in_partition
                      FROM running
                     GROUP BY executor_id)),
        started AS (
            SELECT w.started_at_epoch_ms AS at, w.queue_partition_key AS key
              FROM workflow_status AS w
             WHERE w.rate_limited = 1 AND w.queue_name = @queue_name
               AND w.started_at_epoch_ms > @now - max(coalesce(@window, 0), coalesce(@partition_window, 0))
               AND (@application_name IS NULL OR w.application_name = @application_name OR w.application_name IS NULL)
            UNION ALL
            SELECT s.started_at_epoch_ms, s.queue_partition_key
              FROM fluent_starts AS s
             WHERE s.queue_name = @queue_name
               AND s.started_at_epoch_ms > @now - max(coalesce(@window, 0), coalesce(@partition_window, 0))
               AND (@application_name IS NULL OR s.application_name = @application_name OR s.application_name IS NULL))
        SELECT (SELECT count(*) FROM running),
               (SELECT count(*) FROM running WHERE key = @partition),
               (SELECT count(*) FROM started WHERE at > @now - coalesce(@window, 0)),
               (SELECT at FROM started WHERE at > @now - coalesce(@window, 0)
                 ORDER BY at DESC LIMIT 1 OFFSET coalesce(@starts, 1) - 1),
               (SELECT count(*) FROM started WHERE key = @partition AND at > @now - coalesce(@partition_window, 0)),
               (SELECT at FROM started WHERE key = @partition AND at > @now - coalesce(@partition_window, 0)
                 ORDER BY at DESC LIMIT 1 OFFSET coalesce(@partition_starts, 1) - 1),
               number, least, most, least_in_partition, most_in_partition
          FROM executors
        """;
}
