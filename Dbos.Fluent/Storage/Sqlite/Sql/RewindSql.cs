using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements that take an ended workflow back to before a step, in the order in which they run.</summary>
internal static class RewindSql
{
    public const string Enqueue = $"""
        UPDATE workflow_status
           SET status = '{WorkflowStates.Enqueued}', queue_name = '{QueueNames.Internal}', queue_partition_key = NULL,
               owner_xid = NULL, deduplication_id = NULL, recovery_attempts = 0, workflow_deadline_epoch_ms = NULL,
               started_at_epoch_ms = NULL, completed_at = NULL, output = NULL, error = NULL, updated_at = @now
         WHERE workflow_uuid = @workflow_uuid
        """;

    public const string DeleteOutcome = "DELETE FROM workflow_output WHERE workflow_uuid = @workflow_uuid";

    public const string DeleteSteps = "DELETE FROM operation_outputs WHERE workflow_uuid = @workflow_uuid AND function_id >= @from";

    /// <summary>Deletes messages that the removed steps have read, and unread messages.</summary>
    public const string DeleteMessages = """
        DELETE FROM notifications WHERE destination_uuid = @workflow_uuid AND (consumed = 0 OR consumed_by_function_id >= @from)
        """;

    /// <summary>The values stay, as readers have seen them.</summary>
    public const string ReopenStreams = $"""
        DELETE FROM streams
         WHERE workflow_uuid = @workflow_uuid AND function_id >= @from
           AND value IN ('"{ReservedTexts.StreamClosed}"', '{ReservedTexts.StreamClosed}')
        """;

    /// <summary>
    /// Deletes events that the removed steps have set. <see cref="RestoreEvents"/> restores those that earlier steps had set too.
    /// </summary>
    public const string DeleteEvents = """
        DELETE FROM workflow_events
         WHERE workflow_uuid = @workflow_uuid
           AND key IN (SELECT key FROM workflow_events_history WHERE workflow_uuid = @workflow_uuid AND function_id >= @from)
        """;

    /// <summary>
    /// With max() the other columns come from that row. Events without a history are older than the history table, and stay.
    /// </summary>
    public const string RestoreEvents = """
        INSERT INTO workflow_events (workflow_uuid, key, value, serialization)
        SELECT @workflow_uuid, key, value, serialization
          FROM (
            SELECT key, value, serialization, max(function_id)
              FROM workflow_events_history
             WHERE workflow_uuid = @workflow_uuid AND function_id < @from
             GROUP BY key)
         WHERE true
        ON CONFLICT (workflow_uuid, key) DO NOTHING
        """;

    public const string DeleteEventHistory = """
        DELETE FROM workflow_events_history WHERE workflow_uuid = @workflow_uuid AND function_id >= @from
        """;
}
