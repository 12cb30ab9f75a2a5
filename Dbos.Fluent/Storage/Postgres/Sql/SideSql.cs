using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>
/// Uses of our side tables as parts of client statements. A database that another SDK has made may have none: there is then nothing to
/// find and nothing to write. Each part expresses that, so a client can still drive the workflows of others.
/// </summary>
internal static class SideSql
{
    private const string NoRow = "SELECT 1 WHERE false";

    /// <summary>Whether the workflow of the row <c>w</c> is parked and waits for something.</summary>
    public static string Waits(SchemaName schema) => schema.HasSideTables
        ? $"EXISTS (SELECT FROM {schema}.fluent_waits AS f WHERE f.workflow_uuid = w.workflow_uuid)"
        : "false";

    /// <summary>The opposite, as a lookup of its own for each row.</summary>
    public static string HasNoWait(SchemaName schema) => schema.HasSideTables
        ? $"(SELECT true FROM {schema}.fluent_waits AS f WHERE f.workflow_uuid = w.workflow_uuid LIMIT 1) IS NULL"
        : "true";

    /// <summary>Whether a workflow that has left memory awaits the outcome of the row <c>w</c>.</summary>
    // Another SDK's sweep makes a parked workflow ENQUEUED, and its cancel leaves the waits behind. The state is compared as RowState does.
    public static string IsAwaited(SchemaName schema) => schema.HasSideTables
        ? $"""
            EXISTS (
                    SELECT FROM {schema}.fluent_waits AS f
                     WHERE f.kind = '{WaitKinds.Outcome}' AND f.key = w.workflow_uuid
                       AND EXISTS (
                        SELECT FROM {schema}.workflow_status AS waiting
                         WHERE waiting.workflow_uuid = f.workflow_uuid
                           AND COALESCE(waiting.status, '') IN ('{WorkflowStates.Delayed}', '{WorkflowStates.Enqueued}') OFFSET 0)
                    OFFSET 0)
            """
        : "false";

    /// <summary>Deletes what workflows wait for; <paramref name="which"/> is compared with their ids.</summary>
    public static string DropWaits(SchemaName schema, string which) => schema.HasSideTables
        ? $"DELETE FROM {schema}.fluent_waits WHERE workflow_uuid {which}"
        : NoRow;

    /// <summary>
    /// Whether the parent of the row <c>w</c> has continued as new since it started it, and nothing in its history names it.
    /// </summary>
    // A generation begins when its input is written, by the clock that dates children. The history alone does not tell: a rewind removes
    // what named a child of this very generation, to which the parent attaches again.
    public static string IsOfEndedGeneration(SchemaName schema) => schema.HasSideTables
        ? $"""
            EXISTS (
                     SELECT FROM {schema}.fluent_generations AS g
                      WHERE g.workflow_uuid = w.parent_workflow_id
                        AND w.created_at < (
                            SELECT retention_timestamp FROM {schema}.workflow_input WHERE workflow_uuid = w.parent_workflow_id LIMIT 1)
                     OFFSET 0)
                    AND NOT EXISTS (
                     SELECT FROM {schema}.operation_outputs AS o
                      WHERE o.workflow_uuid = w.parent_workflow_id AND o.child_workflow_id = w.workflow_uuid OFFSET 0)
            """
        : "false";

    /// <summary>Whether a person has paused the queue <c>q</c>.</summary>
    public static string IsPaused(SchemaName schema) => schema.HasSideTables
        ? $"COALESCE((SELECT paused FROM {schema}.fluent_queues WHERE name = q.name LIMIT 1), false)"
        : "false";

    /// <summary>The options of schedules, to join.</summary>
    public static string Schedules(SchemaName schema) => schema.HasSideTables
        ? $"{schema}.fluent_schedules"
        : "(SELECT NULL::text AS schedule_name, NULL::text AS overlap, NULL::bigint AS jitter_ms, NULL::bigint AS from_ms, "
            + "NULL::bigint AS until_ms, NULL::bigint AS waiting_tick_ms WHERE false)";

    /// <summary>The order in which messages were sent, to join.</summary>
    public static string MessageOrder(SchemaName schema) => schema.HasSideTables
        ? $"{schema}.fluent_message_order"
        : "(SELECT NULL::text AS message_uuid, NULL::bigint AS position WHERE false)";

    /// <summary>Records the order of the messages <c>stored</c>, whose ids are $12.</summary>
    public static string PlaceMessages(SchemaName schema) => schema.HasSideTables
        ? $"""
            INSERT INTO {schema}.fluent_message_order (message_uuid)
            SELECT m.id
              FROM unnest($12::text[]) WITH ORDINALITY AS m(id, n)
             WHERE EXISTS (SELECT FROM stored WHERE stored.message_uuid = m.id)
             ORDER BY m.n
        """
        : NoRow;
}
