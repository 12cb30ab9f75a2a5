using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that read messages, events and streams.</summary>
/// <remarks>Lists are looked up item by item, each lookup limited, so that no list is ever joined with a whole table.</remarks>
internal sealed class MessagingSql(SchemaName schema)
{
    /// <summary>The stored forms of a stream's end, as <see cref="StreamMarker"/> defines them; neither contains a quote.</summary>
    public const string Markers = $"'\"{ReservedTexts.StreamClosed}\"', '{ReservedTexts.StreamClosed}'";

    // No shorter than any of the markers.
    private const int ShortBytes = 64;

    // Messages of other SDKs have no position, and those SDKs order by time only.
    private const string Arrival = "n.created_at_epoch_ms, o.position NULLS FIRST, n.message_uuid";

    /// <summary>$1 workflows, $2 topics. Returns the positions, from 1, of those that hold an unread message.</summary>
    // The order is that of the index of unread messages, so that the planner uses it. Without it, one crowded inbox among many empty ones
    // could make a scan of all messages look short.
    public string ReadUnread { get; } = $"""
        SELECT i.place::int
          FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i(id, topic, place)
         CROSS JOIN LATERAL (
            SELECT 1
              FROM {schema}.notifications
             WHERE destination_uuid = i.id AND topic = i.topic AND NOT consumed
             ORDER BY created_at_epoch_ms
             LIMIT 1) AS n
        """;

    /// <summary>$1 workflows, $2 keys. Returns the positions, from 1, of those that are set.</summary>
    public string ReadEvents { get; } = $"""
        SELECT k.place::int, e.value, e.serialization
          FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(id, key, place)
         CROSS JOIN LATERAL (
            SELECT value, serialization FROM {schema}.workflow_events WHERE workflow_uuid = k.id AND key = k.key LIMIT 1) AS e
        """;

    /// <summary>One row without a key for a workflow without events. No limit: a workflow has as many as its code has keys.</summary>
    public string ReadAllEvents { get; } = $"""
        SELECT e.key, e.value, e.serialization
          FROM {schema}.workflow_status AS w
          LEFT JOIN {schema}.workflow_events AS e ON e.workflow_uuid = w.workflow_uuid
         WHERE w.workflow_uuid = $1
        """;

    /// <summary>
    /// $1 workflows, $2 keys, $3 offsets, $4 limit, $5 how many bytes of one place. Rows of one place are adjacent, at least one each.
    /// </summary>
    // One statement is one snapshot, so no value is missing of a writer that it sees ended. One value more than the limit tells whether
    // something follows. For a place without values, the stream's last value tells whether the place lies behind the end. Other SDKs accept
    // writes behind a close, and never show them. Sizes are known without reading the values: only what fits is read, the first value in
    // any case, and one row without its value tells that more is there. Beyond the limit only what may be a close is read.
    public string ReadStreams { get; } = $"""
        SELECT p.place::int, w.exists, COALESCE(w.ended, false), COALESCE(t.closed, false), s.value, s.serialization, COALESCE(s.cut, false)
          FROM unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS p(id, key, first, place)
          LEFT JOIN LATERAL (
            SELECT true AS exists, status IN ({WorkflowStates.EndedList}) AS ended
              FROM {schema}.workflow_status
             WHERE workflow_uuid = p.id
             LIMIT 1) AS w ON true
          LEFT JOIN LATERAL (
            SELECT value IN ({Markers}) AS closed
              FROM {schema}.streams
             WHERE workflow_uuid = p.id AND key = p.key
             ORDER BY "offset" DESC
             LIMIT 1) AS t ON true
          LEFT JOIN LATERAL (
            SELECT at, CASE WHEN fits THEN value END AS value, serialization, NOT fits AS cut
              FROM (
               SELECT *, nth = 1 OR (bytes_so_far <= $5 AND (nth <= $4 OR bytes <= {ShortBytes})) AS fits
                 FROM (
                  SELECT "offset" AS at, value, serialization, row_number() OVER so_far AS nth, octet_length(value) AS bytes,
                         sum(octet_length(value)) OVER so_far AS bytes_so_far
                    FROM {schema}.streams
                   WHERE workflow_uuid = p.id AND key = p.key AND "offset" >= p.first
                  WINDOW so_far AS (ORDER BY "offset" ROWS UNBOUNDED PRECEDING)
                   ORDER BY "offset"
                   LIMIT $4 + 1) AS sized
                WHERE bytes_so_far - bytes <= $5 OR nth <= 2) AS v) AS s ON true
         ORDER BY p.place, s.at
        """;

    /// <summary>One row without an id for a workflow without messages. No limit: an inbox is read whole.</summary>
    public string ReadMessages { get; } = $"""
        SELECT n.message_uuid, n.topic, n.message, n.serialization, n.created_at_epoch_ms, n.consumed
          FROM {schema}.workflow_status AS w
          LEFT JOIN {schema}.notifications AS n ON n.destination_uuid = w.workflow_uuid
          LEFT JOIN {SideSql.MessageOrder(schema)} AS o ON o.message_uuid = n.message_uuid
         WHERE w.workflow_uuid = $1
         ORDER BY {Arrival}
        """;

    /// <summary>UNION ends if forks name each other. No limit: people make forks.</summary>
    public string ReadForks { get; } = $"""
        WITH RECURSIVE fork AS (
            SELECT workflow_uuid, created_at FROM {schema}.workflow_status WHERE forked_from = $1
            UNION
            SELECT w.workflow_uuid, w.created_at
              FROM fork
             CROSS JOIN LATERAL (
                SELECT workflow_uuid, created_at
                  FROM {schema}.workflow_status
                 WHERE forked_from = fork.workflow_uuid
                OFFSET 0) AS w)
        SELECT workflow_uuid FROM fork WHERE workflow_uuid <> $1 ORDER BY created_at, workflow_uuid
        """;
}
