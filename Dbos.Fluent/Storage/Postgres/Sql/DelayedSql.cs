using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements about waiting and delayed workflows: their release, and what a person may change.</summary>
internal sealed class DelayedSql(SchemaName schema)
{
    /// <summary>Whether the row <c>w</c> is a delayed enqueue.</summary>
    /// <remarks>
    /// A parked workflow has run before and has waits. The index contains only rows that have not run; this is checked again in the row's
    /// latest version after a wait for its lock. The waits decide, as the snapshot saw them.
    /// </remarks>
    public static string IsDelayed(SchemaName schema) => $"""
        w.status = '{WorkflowStates.Delayed}' AND COALESCE(w.recovery_attempts, 0) = 0
                   AND {SideSql.HasNoWait(schema)}
        """;

    // The same for a row looked up by its key, worded so that no partial index matches.
    private static string IsDelayedOfKey(SchemaName schema) => $"""
        {RowState.Is("w.status", WorkflowStates.Delayed)} AND COALESCE(w.recovery_attempts, 0) = 0
                   AND {SideSql.HasNoWait(schema)}
        """;

    /// <summary>$1 now, $2 application, $3 limit.</summary>
    // Reads the index of delayed enqueues in its order, and no further than what is due.
    public string Release { get; } = $"""
        WITH due AS MATERIALIZED (
            SELECT w.workflow_uuid
              FROM {schema}.workflow_status AS w
             WHERE {IsDelayed(schema)}
               AND w.delay_until_epoch_ms <= {Clock.Now}
               AND (w.application_name = $2 OR w.application_name IS NULL)
             ORDER BY w.delay_until_epoch_ms
             LIMIT $3
               FOR NO KEY UPDATE SKIP LOCKED)
        UPDATE {schema}.workflow_status AS w
           SET status = '{WorkflowStates.Enqueued}', queue_name = COALESCE(w.queue_name, '{QueueNames.Internal}'),
               deduplication_id = CASE WHEN NOT w.is_debounced THEN w.deduplication_id END, updated_at = {Clock.Now}
         WHERE w.workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM due))
        RETURNING w.queue_name
        """;

    /// <summary>$1 now, $2 workflow, $3 priority.</summary>
    public string SetPriority { get; } = $"""
        UPDATE {schema}.workflow_status AS w
           SET priority = $3, updated_at = {Clock.Now}
         WHERE w.workflow_uuid = $2 AND ({RowState.Is("w.status", WorkflowStates.Enqueued)} OR ({IsDelayedOfKey(schema)}))
        RETURNING w.workflow_uuid
        """;

    /// <summary>$1 now, $2 workflow, $3 delay from now, $4 the moment; one of the two is null, which LEAST ignores.</summary>
    public string SetDelay { get; } = $"""
        UPDATE {schema}.workflow_status AS w
           SET delay_until_epoch_ms = LEAST(
                   COALESCE($4, {Clock.Now} + $3), CASE WHEN w.is_debounced THEN w.debounce_deadline_epoch_ms END),
               updated_at = {Clock.Now}
         WHERE w.workflow_uuid = $2 AND {IsDelayedOfKey(schema)}
        RETURNING w.workflow_uuid
        """;
}
