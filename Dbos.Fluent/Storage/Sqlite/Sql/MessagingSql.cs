using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Statements of <see cref="SqliteMessagingCommit"/>, which run under the write lock, and of <see cref="SqliteMessagingStore"/>.
/// </summary>
internal static class MessagingSql
{
    // Messages of other SDKs have no position; NULL comes first.
    private const string Arrival = "n.created_at_epoch_ms, p.position, n.message_uuid";

    public const string FindWorkflow = "SELECT 1 FROM workflow_status WHERE workflow_uuid = @workflow_uuid";

    /// <summary>Inserts nothing if the id exists: that row is this message.</summary>
    // A message is never older than an unread message before it, even if this process's clock is behind another's or was set back: other
    // SDKs order messages only by time.
    public const string InsertMessage = """
        INSERT INTO notifications (message_uuid, destination_uuid, topic, message, serialization, created_at_epoch_ms)
        VALUES (@message_uuid, @destination_uuid, @topic, @message, @serialization, max(@now, coalesce((
            SELECT created_at_epoch_ms
              FROM notifications
             WHERE destination_uuid = @destination_uuid AND topic = @topic AND consumed = 0
             ORDER BY created_at_epoch_ms DESC
             LIMIT 1), 0)))
        ON CONFLICT (message_uuid) DO NOTHING
        """;

    public const string InsertOrder = "INSERT INTO fluent_message_order (message_uuid) VALUES (@message_uuid)";

    /// <summary>The condition on consumed is that of idx_fluent_notifications_unread, which provides the order by time.</summary>
    public const string ReadOldest = $"""
        SELECT n.message_uuid, n.message, n.serialization
          FROM notifications AS n
          LEFT JOIN fluent_message_order AS p ON p.message_uuid = n.message_uuid
         WHERE n.destination_uuid = @destination_uuid AND n.topic = @topic AND n.consumed = 0
         ORDER BY {Arrival}
         LIMIT 1
        """;

    public const string Consume = """
        UPDATE notifications SET consumed = 1, consumed_by_function_id = @function_id WHERE message_uuid = @message_uuid
        """;

    public const string SetEvent = """
        INSERT INTO workflow_events (workflow_uuid, key, value, serialization) VALUES (@workflow_uuid, @key, @value, @serialization)
        ON CONFLICT (workflow_uuid, key) DO UPDATE SET value = excluded.value, serialization = excluded.serialization
        """;

    public const string SetEventHistory = """
        INSERT INTO workflow_events_history (workflow_uuid, function_id, key, value, serialization)
        VALUES (@workflow_uuid, @function_id, @key, @value, @serialization)
        ON CONFLICT (workflow_uuid, function_id, key) DO UPDATE SET value = excluded.value, serialization = excluded.serialization
        """;

    public const string ReadStreamEnd = """
        SELECT "offset", value FROM streams WHERE workflow_uuid = @workflow_uuid AND key = @key ORDER BY "offset" DESC LIMIT 1
        """;

    public const string Append = """
        INSERT INTO streams (workflow_uuid, key, value, "offset", function_id, serialization)
        VALUES (@workflow_uuid, @key, @value, @offset, @function_id, @serialization)
        """;

    /// <summary>Which of the pairs of workflow and topic have an unread message, by their index in the list.</summary>
    public const string ReadUnread = """
        SELECT i.key FROM json_each(@inboxes) AS i
         WHERE EXISTS (
               SELECT 1 FROM notifications AS n
                WHERE n.destination_uuid = json_extract(i.value, '$[0]') AND n.topic = json_extract(i.value, '$[1]') AND n.consumed = 0)
        """;

    /// <summary>Events by the index of their pair of workflow and key in the list.</summary>
    public const string ReadEvents = """
        SELECT k.key, e.value, e.serialization
          FROM json_each(@events) AS k
         CROSS JOIN workflow_events AS e ON e.workflow_uuid = json_extract(k.value, '$[0]') AND e.key = json_extract(k.value, '$[1]')
        """;

    /// <summary>One row without a key for a workflow without events. No limit: a workflow has as many keys as its code names.</summary>
    public const string ReadAllEvents = """
        SELECT e.key, e.value, e.serialization
          FROM workflow_status AS w
          LEFT JOIN workflow_events AS e ON e.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid = @workflow_uuid
        """;

    /// <summary>
    /// The values of one stream from an offset on, in the order of its index: a reader that stops early has read no further. Reads one
    /// value more than the limit, to see whether a close follows. For a position without values it looks at the last value of the stream,
    /// as the position may lie after the close.
    /// </summary>
    public const string ReadStream = $"""
        SELECT w.status IN ({WorkflowStates.EndedList}),
               s.value, s.serialization,
               CASE WHEN s.value IS NULL THEN (
                   SELECT l.value FROM streams AS l
                    WHERE l.workflow_uuid = w.workflow_uuid AND l.key = @key
                    ORDER BY l."offset" DESC LIMIT 1) END
          FROM workflow_status AS w
          LEFT JOIN streams AS s
            ON s.workflow_uuid = @workflow_uuid AND s.key = @key AND s."offset" BETWEEN @first AND @first + @limit
         WHERE w.workflow_uuid = @workflow_uuid
         ORDER BY s."offset"
        """;

    /// <summary>Returns one row without an id for a workflow without messages. No limit: an inbox is read whole.</summary>
    public const string ReadMessages = $"""
        SELECT n.message_uuid, n.topic, n.message, n.serialization, n.created_at_epoch_ms, n.consumed
          FROM workflow_status AS w
          LEFT JOIN notifications AS n ON n.destination_uuid = w.workflow_uuid
          LEFT JOIN fluent_message_order AS p ON p.message_uuid = n.message_uuid
         WHERE w.workflow_uuid = @workflow_uuid
         ORDER BY {Arrival}
        """;

    /// <summary>UNION ends the recursion if forks name each other. No limit: forks are made by people.</summary>
    public const string ReadForks = """
        WITH RECURSIVE forks (id) AS (
            SELECT workflow_uuid FROM workflow_status WHERE forked_from = @workflow_uuid
            UNION
            SELECT w.workflow_uuid FROM forks CROSS JOIN workflow_status AS w ON w.forked_from = forks.id)
        SELECT w.workflow_uuid
          FROM forks
         CROSS JOIN workflow_status AS w ON w.workflow_uuid = forks.id
         WHERE w.workflow_uuid <> @workflow_uuid
         ORDER BY w.created_at, w.workflow_uuid
        """;
}
