using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements about executors, their leases, and handing on their work.</summary>
internal sealed class ExecutorSql(SchemaName schema)
{
    // The start time stays: it counts against the queue's rate, and so does the start that follows.
    private const string HandedOn =
        $"status = '{WorkflowStates.Enqueued}', queue_name = COALESCE(w.queue_name, '{QueueNames.Internal}'), owner_xid = NULL, "
        + $"updated_at = {Clock.Now}";

    /// <summary>
    /// Assigns a version without an application to this application; its age stays. $1 version, $2 application, $3 executor,
    /// $4 incarnation.
    /// </summary>
    // A version that already belongs to the application is written too. That serialises its launches from here on: of two concurrent ones
    // the later sees what the former has registered. A new version's launches are serialised in RegisterVersion, by its unique key.
    public string AdoptVersion { get; } = $"""
        UPDATE {schema}.application_versions SET application_name = $2
         WHERE version_name = $1 AND (application_name IS NULL OR application_name = $2) AND {Holds(schema, "$3", "$4")}
        """;

    /// <summary>$1 version, $2 application, $3 a new id, $4 executor, $5 incarnation.</summary>
    // A registered version keeps its age: launching an old version again does not make it the latest.
    public string RegisterVersion { get; } = $"""
        INSERT INTO {schema}.application_versions (version_name, application_name, version_id)
        SELECT $1, $2, $3 WHERE {Holds(schema, "$4", "$5")}
        ON CONFLICT DO NOTHING
        """;

    /// <summary>$1 application, $2 version, $3 workflow names, $4 their fingerprints, $5 executor, $6 incarnation.</summary>
    // In one fixed order, as for every set of rows that several processes write.
    public string RegisterCode { get; } = $"""
        INSERT INTO {schema}.fluent_versions AS v (application_name, application_version, workflow_name, fingerprint)
        SELECT $1, $2, c.name, c.fingerprint
          FROM unnest($3::text[], $4::text[]) AS c(name, fingerprint)
         WHERE {Holds(schema, "$5", "$6")}
         ORDER BY c.name
        ON CONFLICT (application_name, application_version, workflow_name)
        DO UPDATE SET fingerprint = EXCLUDED.fingerprint WHERE v.fingerprint <> EXCLUDED.fingerprint
        """;

    /// <summary>
    /// Deletes names whose code the version no longer has. $1 application, $2 version, $3 the names it has, $4 executor, $5 incarnation.
    /// </summary>
    // Engines of one version may have different workflows. While another engine is remembered, work for its names may wait for one like it.
    // An engine without workflows says nothing about the code.
    public string ForgetCode { get; } = $"""
        DELETE FROM {schema}.fluent_versions AS v
         WHERE v.application_name = $1 AND v.application_version = $2 AND v.workflow_name <> ALL ($3::text[])
           AND cardinality($3::text[]) > 0
           AND {Holds(schema, "$4", "$5")}
           AND NOT EXISTS (
               SELECT FROM {schema}.fluent_executors AS other
                WHERE other.application_name = $1 AND other.application_version = $2 AND other.executor_id <> $4)
        """;

    /// <summary>
    /// $1 executor, $2 incarnation, $3 application, $4 version, $5 machine, $6 boot, $7 pid namespace, $8 process, $9 its start, $10 lease.
    /// </summary>
    public string Register { get; } = $"""
        INSERT INTO {schema}.fluent_executors AS e (
            executor_id, incarnation, application_name, application_version, machine_id, boot_id, pid_namespace, process_id, process_start,
            expires_at_ms, stopped)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, {Clock.Database} + $10, false)
        ON CONFLICT (executor_id) DO UPDATE SET
            incarnation = EXCLUDED.incarnation, application_name = EXCLUDED.application_name,
            application_version = EXCLUDED.application_version, machine_id = EXCLUDED.machine_id, boot_id = EXCLUDED.boot_id,
            pid_namespace = EXCLUDED.pid_namespace, process_id = EXCLUDED.process_id, process_start = EXCLUDED.process_start,
            expires_at_ms = EXCLUDED.expires_at_ms, stopped = false
         WHERE e.incarnation = EXCLUDED.incarnation OR e.stopped OR e.expires_at_ms <= {Clock.Database}
        """;

    /// <summary>
    /// Forgets executors gone this long; work left of one counts as that of an executor never registered. $1 application, $2 how long.
    /// </summary>
    // Skips locked rows: two launches that forget the same executors do not wait for each other, and so never deadlock.
    public string Forget { get; } = $"""
        DELETE FROM {schema}.fluent_executors
         WHERE executor_id IN (
               SELECT executor_id
                 FROM {schema}.fluent_executors
                WHERE application_name = $1 AND expires_at_ms < {Clock.Database} - $2
                  FOR UPDATE SKIP LOCKED)
        """;

    /// <summary>$1 executor, $2 incarnation, $3 lease. Returns the executor as it is now: renewed, stopped or another launch's.</summary>
    // The snapshot may be older than what the update waited for: a row that looks like ours in it, but was not renewed, is no longer ours.
    public string Renew { get; } = $"""
        WITH renewed AS (
            UPDATE {schema}.fluent_executors
               SET expires_at_ms = {Clock.Database} + $3
             WHERE executor_id = $1 AND incarnation = $2 AND NOT stopped
            RETURNING *)
        {Select} FROM renewed
        UNION ALL
        {Select} FROM {schema}.fluent_executors 
         WHERE executor_id = $1 AND (incarnation <> $2 OR stopped) AND NOT EXISTS (SELECT FROM renewed)
        """;

    public string ReadOne { get; } = $"{Select} FROM {schema}.fluent_executors WHERE executor_id = $1";

    public string ReadAll { get; } =
        $"{Select} FROM {schema}.fluent_executors WHERE application_name = $1 ORDER BY executor_id";

    public string Expire { get; } = $"""
        UPDATE {schema}.fluent_executors
           SET expires_at_ms = LEAST(expires_at_ms, {Clock.Database})
         WHERE executor_id = $1 AND incarnation = $2
        """;

    /// <summary>$1 now, $2 executor, $3 incarnation.</summary>
    // The next claim counts an attempt; a workflow that was stopped in an orderly way has not used one up.
    public string Stop { get; } = $"""
        WITH stopped AS (
            UPDATE {schema}.fluent_executors
               SET stopped = true, expires_at_ms = LEAST(expires_at_ms, {Clock.Database})
             WHERE executor_id = $2 AND incarnation = $3
            RETURNING executor_id, application_name),
        due AS (
            SELECT w.workflow_uuid
              FROM stopped
              JOIN {schema}.workflow_status AS w
                ON w.executor_id = stopped.executor_id AND w.application_name = stopped.application_name
             WHERE w.status = '{WorkflowStates.Pending}'
             ORDER BY w.workflow_uuid
               FOR NO KEY UPDATE OF w SKIP LOCKED),
        handed AS (
            UPDATE {schema}.workflow_status AS w
               SET {HandedOn}, recovery_attempts = GREATEST(w.recovery_attempts - 1, 0)
              FROM due
             WHERE w.workflow_uuid = due.workflow_uuid
            RETURNING 1)
        SELECT count(*) FROM handed
        """;

    /// <summary>
    /// $1 now, $2 application, $3 workflow names, $4 ids and $5 tokens to leave alone, $6 limit, $7 version or null, $8 tokens whose rows
    /// are all left alone, $9 executors, $10 the asking executor.
    /// </summary>
    // An executor that was launched again after it was found dead counts as alive.
    public string HandOn { get; } = RenderHandOn(
        schema,
        $"""
        w.executor_id = ANY ($9::text[])
               AND (w.executor_id = $10 OR NOT EXISTS (
                   SELECT FROM {schema}.fluent_executors AS e WHERE e.executor_id = w.executor_id AND {Lives}))
        """);

    /// <summary>
    /// As <see cref="HandOn"/>, but $9 how long ago it was taken, $10 executors whose lease does not count, $11 the asking executor.
    /// </summary>
    // Others update a row too, by its attributes or by enqueueing its id again; only the claiming process writes when it began to run.
    public string HandOnOrphans { get; } = RenderHandOn(
        schema,
        $"""
        LEAST(COALESCE(w.started_at_epoch_ms, w.created_at), w.updated_at) <= {Clock.Now} - $9
               AND NOT EXISTS (
                   SELECT FROM {schema}.fluent_executors AS e
                    WHERE e.executor_id = w.executor_id AND e.executor_id <> ALL ($10::text[]) AND {Lives})
               AND ($11::text IS NULL OR (
                   SELECT true FROM {schema}.fluent_executors AS e WHERE e.executor_id = $11 AND {Lives} LIMIT 1))
        """);

    /// <summary>$1 now, $2 workflows, $3 their tokens, $4 whether they were attempted.</summary>
    // The next claim counts an attempt; a workflow that was claimed but never begun has used up no attempt, and no place in a rate window.
    public string HandBack { get; } = $"""
        WITH due AS (
            SELECT w.workflow_uuid
              FROM unnest($2::text[], $3::text[]) AS e(id, token)
              JOIN {schema}.workflow_status AS w ON w.workflow_uuid = e.id AND w.owner_xid = e.token
             WHERE w.status = '{WorkflowStates.Pending}'
             ORDER BY w.workflow_uuid
               FOR NO KEY UPDATE OF w SKIP LOCKED)
        UPDATE {schema}.workflow_status AS w
           SET {HandedOn}, recovery_attempts = CASE WHEN $4 THEN w.recovery_attempts ELSE GREATEST(w.recovery_attempts - 1, 0) END,
               started_at_epoch_ms = CASE WHEN $4 THEN w.started_at_epoch_ms END
          FROM due
         WHERE w.workflow_uuid = due.workflow_uuid
        RETURNING w.workflow_uuid
        """;

    private const string Lives = $"NOT e.stopped AND e.expires_at_ms > {Clock.Database}";

    // Checked after the registration and in its transaction: a refused launch must not make its version the latest.
    private static string Holds(SchemaName schema, string executor, string incarnation) =>
        $"EXISTS (SELECT FROM {schema}.fluent_executors AS e WHERE e.executor_id = {executor} AND e.incarnation = {incarnation})";

    private static string RenderHandOn(SchemaName schema, string whose) => $"""
        WITH due AS (
            SELECT w.workflow_uuid
              FROM {schema}.workflow_status AS w
             WHERE w.status = '{WorkflowStates.Pending}'
               AND w.application_name = $2
               AND w.name = ANY ($3::text[])
               AND NOT EXISTS (
                   SELECT FROM unnest($4::text[], $5::text[]) AS r(id, token) WHERE r.id = w.workflow_uuid AND r.token = w.owner_xid)
               AND NOT COALESCE(w.owner_xid = ANY ($8::text[]), false)
               AND ($7::text IS NULL OR w.application_version = $7)
               AND {whose}
             ORDER BY w.created_at
             LIMIT $6
               FOR NO KEY UPDATE OF w SKIP LOCKED)
        UPDATE {schema}.workflow_status AS w
           SET {HandedOn}
          FROM due
         WHERE w.workflow_uuid = due.workflow_uuid
        RETURNING w.workflow_uuid
        """;

    // The clock when the row is read: a lease must not look longer than it is because the statement waited.
    private const string Select = """
        SELECT (EXTRACT(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms, executor_id, incarnation, application_name,
               application_version, machine_id, boot_id, pid_namespace, process_id, process_start, expires_at_ms, stopped
        """;
}
