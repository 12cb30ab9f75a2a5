using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements that park workflows, and that find and take parked ones.</summary>
internal static class ParkSql
{
    private const string Takeable = $"""
        w.status = '{WorkflowStates.Delayed}'
           AND w.name IN (SELECT value FROM json_each(@names))
           AND (w.application_version = @application_version OR (w.application_version IS NULL AND @takes_unversioned)
                OR (w.application_version, w.name) IN ({VersionSql.Kin}))
           AND (w.application_name = @application_name OR w.application_name IS NULL)
        """;

    private const string OfApplication = $"""
        w.status = '{WorkflowStates.Delayed}' AND (w.application_name = @application_name OR w.application_name IS NULL)
        """;

    public const string Park = $"""
        UPDATE workflow_status
           SET status = '{WorkflowStates.Delayed}', owner_xid = NULL, queue_name = coalesce(queue_name, '{QueueNames.Internal}'),
               delay_until_epoch_ms = @delay_until, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid AND status = '{WorkflowStates.Pending}' AND owner_xid = @token
        """;

    public const string InsertWait = """
        INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token)
        VALUES (@workflow_uuid, @sequence, @part, @kind, @key, @target, @name, @wake_at, @token)
        """;

    public const string DeleteWaits = "DELETE FROM fluent_waits WHERE workflow_uuid = @workflow_uuid";

    /// <summary>Returns a row if the token's owner has parked the workflow.</summary>
    public const string ReadParkedBy = $"""
        SELECT 1 FROM workflow_status AS w
         WHERE w.workflow_uuid = @workflow_uuid AND w.status = '{WorkflowStates.Delayed}'
           AND EXISTS (SELECT 1 FROM fluent_waits AS p WHERE p.workflow_uuid = w.workflow_uuid AND p.token = @token)
        """;

    /// <summary>
    /// Walks idx_fluent_waits_wake_at, whose entries end with the workflow, and stops at the limit. A workflow appears at its first wait
    /// that is over.
    /// </summary>
    public const string FindDue = $"""
        SELECT w.workflow_uuid
          FROM fluent_waits AS p
         CROSS JOIN workflow_status AS w ON w.workflow_uuid = p.workflow_uuid
         WHERE p.wake_at <= @now
           AND {Takeable}
           AND (p.sequence, p.part) = (
               SELECT f.sequence, f.part FROM fluent_waits AS f
                WHERE f.workflow_uuid = p.workflow_uuid AND f.wake_at IS NOT NULL
                ORDER BY f.wake_at, f.sequence, f.part LIMIT 1)
         ORDER BY p.wake_at, p.workflow_uuid
         LIMIT @limit
        """;

    /// <summary>
    /// Finds workflows by pairs of kind and key. Unordered, so that a claim does not sort all workflows that wait for one event.
    /// </summary>
    public const string FindWoken = $"""
        SELECT DISTINCT w.workflow_uuid
          FROM json_each(@signals) AS s
         CROSS JOIN fluent_waits AS p ON p.kind = json_extract(s.value, '$[0]') AND p.key = json_extract(s.value, '$[1]')
         CROSS JOIN workflow_status AS w ON w.workflow_uuid = p.workflow_uuid
         WHERE {Takeable}
         LIMIT @limit
        """;

    /// <summary>Those of the given workflows, in their order, for which the awaited thing is there.</summary>
    public const string FindReady = $"""
        SELECT w.workflow_uuid
          FROM json_each(@workflow_uuids) AS ids
         CROSS JOIN workflow_status AS w ON w.workflow_uuid = ids.value
         WHERE {Takeable}
           AND EXISTS (
               SELECT 1 FROM fluent_waits AS p
                WHERE p.workflow_uuid = w.workflow_uuid
                  AND (p.wake_at <= @now
                       OR CASE p.kind
                          WHEN '{WaitKinds.Message}' THEN EXISTS (
                              SELECT 1 FROM notifications AS n
                               WHERE n.destination_uuid = p.target AND n.topic = p.name AND n.consumed = 0)
                          WHEN '{WaitKinds.Event}' THEN EXISTS (
                              SELECT 1 FROM workflow_events AS e WHERE e.workflow_uuid = p.target AND e.key = p.name)
                          WHEN '{WaitKinds.Outcome}' THEN NOT EXISTS (
                              SELECT 1 FROM workflow_status AS t
                               WHERE t.workflow_uuid = p.target
                                 AND (t.status IS NULL OR t.status NOT IN ({WorkflowStates.EndedList})))
                          ELSE 0 END))
         LIMIT @limit
        """;

    /// <summary>
    /// In the order of idx_fluent_waits_open, whose condition it repeats. Workflows that only sleep are found by their time.
    /// </summary>
    public const string ReadPage = $"""
        SELECT p.workflow_uuid
          FROM fluent_waits AS p
         CROSS JOIN workflow_status AS w ON w.workflow_uuid = p.workflow_uuid
         WHERE p.kind <> '{WaitKinds.Time}' AND p.workflow_uuid > @after AND {OfApplication}
         GROUP BY p.workflow_uuid
         ORDER BY p.workflow_uuid
         LIMIT @limit
        """;

    /// <summary>
    /// Start, deadline and attempts stay, as the same run continues. A workflow without a queue waits in the internal queue. It leaves that
    /// queue when it runs, unless it holds a deduplication id there.
    /// </summary>
    public const string Take = $"""
        UPDATE workflow_status
           SET status = '{WorkflowStates.Pending}', owner_xid = @token, executor_id = @executor_id,
               application_version = @application_version, application_name = coalesce(application_name, @application_name),
               delay_until_epoch_ms = NULL, updated_at = @now,
               queue_name = CASE
                   WHEN queue_name <> '{QueueNames.Internal}' OR deduplication_id IS NOT NULL THEN queue_name END
         WHERE workflow_uuid = @workflow_uuid
        RETURNING queue_name
        """;

    public const string ReadNextWake = $"""
        SELECT p.wake_at
          FROM fluent_waits AS p
         CROSS JOIN workflow_status AS w ON w.workflow_uuid = p.workflow_uuid
         WHERE p.wake_at > @after AND {OfApplication}
         ORDER BY p.wake_at
         LIMIT 1
        """;

    public const string FindOpen = $"""
        SELECT 1
          FROM fluent_waits AS p
         CROSS JOIN workflow_status AS w ON w.workflow_uuid = p.workflow_uuid
         WHERE p.wake_at IS NULL AND {OfApplication}
         LIMIT 1
        """;
}
