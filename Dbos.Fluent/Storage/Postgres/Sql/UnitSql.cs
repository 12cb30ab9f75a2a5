using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements that write one unit of messaging or parking each: the owner's lock, checkpoints and effect in one.</summary>
/// <remarks>
/// <para>
/// Each begins with $1 now, $2 the owner's workflow, $3 its token and, except for parking, $4 to $11 the checkpoint rows in columns. It
/// returns one row if the workflow is owned, and none otherwise. The lock is that of <see cref="CommitSql"/>, for the same reason.
/// </para>
/// <para>
/// The lock may be acquired a moment after the snapshot was taken, and a given-up try of the same unit may have ended in between. So the
/// effect depends on what no snapshot decides: this very statement wrote the unit's first row, or the message was unread when it was
/// locked. What the snapshot alone says is reliable only if the lock was taken before (<see cref="LockOwner"/>).
/// </para>
/// </remarks>
internal sealed class UnitSql
{
    private const string CheckpointColumns =
        "workflow_uuid, function_id, function_name, output, error, serialization, child_workflow_id, "
        + "started_at_epoch_ms, completed_at_epoch_ms, application_name";

    // A stored row is left as it is, and shows that the effect is stored too. A unit without rows comes from inside a step, and takes
    // effect each time.
    private const string IsFirst =
        "(cardinality($4::int[]) = 0 OR EXISTS (SELECT FROM recorded WHERE function_id = ($4::int[])[1]))";

    public UnitSql(SchemaName schema, string whenLocked)
    {
        LockOwner = $"SELECT 1 FROM {schema}.workflow_status WHERE workflow_uuid = $1 FOR NO KEY UPDATE {whenLocked}";
        Send = RenderSend(schema, whenLocked, Owned(schema, whenLocked));
        SendUnowned = RenderSend(schema, whenLocked, "SELECT NULL::text AS application_name");
        Receive = RenderReceive(schema, whenLocked);
        SetEvent = RenderSetEvent(schema, whenLocked);
        WriteStream = RenderWriteStream(schema, whenLocked);
        Park = RenderPark(schema, whenLocked);
    }

    /// <summary>$1 the workflow. Runs before the unit's own statement, whose snapshot is then newer than the lock.</summary>
    public string LockOwner { get; }

    public string Send { get; }

    public string SendUnowned { get; }

    public string Receive { get; }

    public string SetEvent { get; }

    public string WriteStream { get; }

    public string Park { get; }

    // $12 ids, $13 destinations, $14 topics, $15 texts, $16 formats. A destination is locked against deletion, in id order, as the foreign
    // key would lock it; but here one that somebody else holds does not block a lane. If an earlier try has sent the messages, the
    // destination may be gone by now: they count as sent. Rows are looked up with LIMIT 1, because an EXISTS could be planned as a hash of
    // the whole table. The identity column numbers the rows in insertion order. No message gets an earlier time than one that waits unread
    // before it, though this process's clock may be behind another's or was set back: other SDKs order by time only. The newest waiting
    // message is looked up once for each topic, not for each message. Related rows are matched by equality, which is hashed: a comparison
    // with a whole array checks each element, for each message.
    private static string RenderSend(SchemaName schema, string whenLocked, string owned) => $"""
        WITH owned AS MATERIALIZED ({owned}),
        held AS MATERIALIZED (
            SELECT d.id
              FROM (SELECT DISTINCT unnest($13::text[]) AS id ORDER BY 1) AS d
             CROSS JOIN LATERAL (SELECT 1 FROM {schema}.workflow_status WHERE workflow_uuid = d.id FOR KEY SHARE {whenLocked}) AS w),
        absent AS MATERIALIZED (
            SELECT d.id, d.n,
                   COALESCE((SELECT true FROM {schema}.workflow_status WHERE workflow_uuid = d.id LIMIT 1), false) AS stands
              FROM unnest($13::text[]) WITH ORDINALITY AS d(id, n)
             WHERE NOT EXISTS (SELECT FROM held WHERE held.id = d.id)),
        stood AS MATERIALIZED (
            SELECT COALESCE((
                       SELECT true FROM {schema}.operation_outputs WHERE workflow_uuid = $2 AND function_id = ($4::int[])[1] LIMIT 1),
                       false) AS so),
        ready AS MATERIALIZED (SELECT application_name FROM owned WHERE NOT EXISTS (SELECT FROM absent)),
        {Record(schema, "recorded", "ready", 4)},
        box AS MATERIALIZED (
            SELECT b.destination, b.topic,
                   GREATEST({Clock.Now}, (
                       SELECT created_at_epoch_ms
                         FROM {schema}.notifications
                        WHERE destination_uuid = b.destination AND topic = b.topic AND NOT consumed
                        ORDER BY created_at_epoch_ms DESC
                        LIMIT 1)) AS sent_at
              FROM ready
             CROSS JOIN (
                SELECT DISTINCT destination, topic FROM unnest($13::text[], $14::text[]) AS d(destination, topic)) AS b),
        stored AS (
            INSERT INTO {schema}.notifications (message_uuid, destination_uuid, topic, message, created_at_epoch_ms, serialization)
            SELECT m.id, m.destination, m.topic, m.value, box.sent_at, m.format
              FROM unnest($12::text[], $13::text[], $14::text[], $15::text[], $16::text[]) WITH ORDINALITY
                AS m(id, destination, topic, value, format, n)
              JOIN box ON box.destination = m.destination AND box.topic = m.topic
             ORDER BY m.n
            ON CONFLICT (message_uuid) DO NOTHING
            RETURNING message_uuid),
        placed AS (
        {SideSql.PlaceMessages(schema)})
        SELECT EXISTS (SELECT FROM absent) AND NOT stood.so,
               CASE WHEN NOT stood.so THEN (SELECT id FROM absent WHERE NOT stands ORDER BY n LIMIT 1) END
          FROM owned CROSS JOIN stood
        """;

    // $12 topic; $13 sequence, $14 name, $15 child, $16 started, $17 completed of the receive itself; $18 to $25 the rows that go with a
    // message. A look that finds nothing and has nothing to store takes no lock: a lock is a write, and costs a flush of the log. The
    // oldest time is read first from the index of unread messages, and only messages of that millisecond are sorted. Locking the message
    // checks again, in its latest version, whether it is unread. If the lock does not find a message that the snapshot saw, an earlier try
    // of this unit took it. The position is looked up row by row, because a join could be planned as a scan of all positions.
    private static string RenderReceive(SchemaName schema, string whenLocked) => $"""
        WITH {OwnedIfThere(schema, whenLocked)},
        {Record(schema, "begun", "owned", 4)},
        stood AS MATERIALIZED (
            SELECT c.output, c.serialization
              FROM owned
             CROSS JOIN LATERAL (
                SELECT output, serialization
                  FROM {schema}.operation_outputs
                 WHERE workflow_uuid = $2 AND function_id = $13
                 LIMIT 1) AS c),
        first AS MATERIALIZED (
            SELECT owned.application_name, n.sent_at
              FROM owned
             CROSS JOIN LATERAL (
                SELECT created_at_epoch_ms AS sent_at
                  FROM {schema}.notifications
                 WHERE destination_uuid = $2 AND topic = $12 AND NOT consumed
                 ORDER BY created_at_epoch_ms
                 LIMIT 1) AS n
             WHERE NOT EXISTS (SELECT FROM stood)),
        oldest AS MATERIALIZED (
            SELECT first.application_name, m.message_uuid, m.message, m.serialization
              FROM first
             CROSS JOIN LATERAL (
                SELECT n.message_uuid, n.message, n.serialization
                  FROM {schema}.notifications AS n
                 WHERE n.destination_uuid = $2 AND n.topic = $12 AND n.created_at_epoch_ms = first.sent_at AND NOT n.consumed
                 ORDER BY (SELECT position FROM {schema}.fluent_message_order WHERE message_uuid = n.message_uuid LIMIT 1) NULLS FIRST,
                          n.message_uuid
                 LIMIT 1
                   FOR NO KEY UPDATE OF n) AS m),
        recorded AS (
            INSERT INTO {schema}.operation_outputs ({CheckpointColumns})
            SELECT $2, $13, $14, message, NULL, serialization, $15, $16, $17, application_name FROM oldest
            ON CONFLICT (workflow_uuid, function_id) DO NOTHING
            RETURNING function_id),
        consumed AS (
            UPDATE {schema}.notifications
               SET consumed = true, consumed_by_function_id = $13
             WHERE message_uuid = ANY (ARRAY(SELECT message_uuid FROM oldest)) AND EXISTS (SELECT FROM recorded)),
        taken AS MATERIALIZED (SELECT application_name FROM oldest WHERE EXISTS (SELECT FROM recorded)),
        {Record(schema, "followed", "taken", 18)}
        SELECT EXISTS (SELECT FROM stood) OR EXISTS (SELECT FROM recorded), EXISTS (SELECT FROM first),
               COALESCE(stood.output, oldest.message), COALESCE(stood.serialization, oldest.serialization)
          FROM owned LEFT JOIN stood ON true LEFT JOIN oldest ON true
        UNION ALL
        SELECT false, false, NULL, NULL FROM standing WHERE NOT changes
        """;

    // Locks the owner if there is a message, a row of the receive itself, or a row to store.
    private static string OwnedIfThere(SchemaName schema, string whenLocked) => $"""
        standing AS MATERIALIZED (
            SELECT COALESCE(
                       (SELECT true FROM {schema}.notifications
                         WHERE destination_uuid = $2 AND topic = $12 AND NOT consumed
                         ORDER BY created_at_epoch_ms LIMIT 1),
                       (SELECT true FROM {schema}.operation_outputs WHERE workflow_uuid = $2 AND function_id = $13 LIMIT 1),
                       cardinality($4::int[]) > 0) AS changes
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $2 AND owner_xid = $3
             LIMIT 1),
        owned AS MATERIALIZED (
            SELECT application_name
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $2 AND owner_xid = $3 AND (SELECT changes FROM standing)
               FOR NO KEY UPDATE {whenLocked})
        """;

    // $12 key, $13 value, $14 format, $15 sequence.
    private static string RenderSetEvent(SchemaName schema, string whenLocked) => $"""
        WITH owned AS MATERIALIZED ({Owned(schema, whenLocked)}),
        {Record(schema, "recorded", "owned", 4)},
        fresh AS MATERIALIZED (SELECT 1 FROM owned WHERE {IsFirst}),
        latest AS (
            INSERT INTO {schema}.workflow_events (workflow_uuid, key, value, serialization)
            SELECT $2, $12, $13, $14 FROM fresh
            ON CONFLICT (workflow_uuid, key) DO UPDATE SET value = EXCLUDED.value, serialization = EXCLUDED.serialization),
        past AS (
            INSERT INTO {schema}.workflow_events_history (workflow_uuid, function_id, key, value, serialization)
            SELECT $2, $15, $12, $13, $14 FROM fresh
            ON CONFLICT (workflow_uuid, function_id, key) DO UPDATE SET value = EXCLUDED.value, serialization = EXCLUDED.serialization)
        SELECT 0 FROM owned
        """;

    // $12 key, $13 values, $14 formats, $15 the steps that write them, $16 whether they close the stream. The end of the stream is the last
    // entry in the primary key.
    private static string RenderWriteStream(SchemaName schema, string whenLocked) => $"""
        WITH owned AS MATERIALIZED ({Owned(schema, whenLocked)}),
        stream AS MATERIALIZED (
            SELECT owned.application_name, COALESCE(last.place, -1) AS place, COALESCE(last.closed, false) AS closed,
                   COALESCE((
                       SELECT true FROM {schema}.operation_outputs WHERE workflow_uuid = $2 AND function_id = ($4::int[])[1] LIMIT 1),
                       false) AS stood
              FROM owned
              LEFT JOIN LATERAL (
                SELECT "offset" AS place, value IN ({MessagingSql.Markers}) AS closed
                  FROM {schema}.streams
                 WHERE workflow_uuid = $2 AND key = $12
                 ORDER BY "offset" DESC
                 LIMIT 1) AS last ON true),
        open AS MATERIALIZED (SELECT * FROM stream WHERE $16 OR NOT closed),
        {Record(schema, "recorded", "open", 4)},
        appended AS (
            INSERT INTO {schema}.streams (workflow_uuid, key, value, "offset", function_id, serialization)
            SELECT $2, $12, v.value, open.place + v.n::int, v.step, v.format
              FROM open
             CROSS JOIN unnest($13::text[], $14::text[], $15::int[]) WITH ORDINALITY AS v(value, format, step, n)
             WHERE NOT open.closed AND {IsFirst})
        SELECT stood OR $16 OR NOT closed FROM stream
        """;

    // $4 sequences, $5 kinds, $6 keys, $7 targets, $8 names, $9 ends, $10 parts. Waits left by an earlier parking are replaced: those of
    // the same step are overwritten and the others deleted, because one statement cannot delete a row and insert it again.
    private static string RenderPark(SchemaName schema, string whenLocked) => $"""
        WITH owned AS MATERIALIZED (
            SELECT 1
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $2 AND owner_xid = $3 AND {RowState.Is("status", WorkflowStates.Pending)}
               FOR NO KEY UPDATE {whenLocked}),
        parked AS (
            UPDATE {schema}.workflow_status
               SET status = '{WorkflowStates.Delayed}', owner_xid = NULL, queue_name = COALESCE(queue_name, '{QueueNames.Internal}'),
                   delay_until_epoch_ms = COALESCE((SELECT min(wake) FROM unnest($9::bigint[]) AS wake), {long.MaxValue}),
                   updated_at = {Clock.Now}
             WHERE workflow_uuid = $2 AND EXISTS (SELECT FROM owned)),
        dropped AS (
            DELETE FROM {schema}.fluent_waits
             WHERE workflow_uuid = $2 AND sequence <> ALL ($4::int[]) AND EXISTS (SELECT FROM owned)),
        waiting AS (
            INSERT INTO {schema}.fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token)
            SELECT $2, f.sequence, f.part, f.kind, f.key, f.target, f.name, f.wake_at, $3
              FROM owned
             CROSS JOIN unnest($4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::int[])
                AS f(sequence, kind, key, target, name, wake_at, part)
            ON CONFLICT (workflow_uuid, sequence, part)
            DO UPDATE SET kind = EXCLUDED.kind, key = EXCLUDED.key, target = EXCLUDED.target, name = EXCLUDED.name,
                          wake_at = EXCLUDED.wake_at, token = EXCLUDED.token)
        SELECT 0 FROM owned
        """;

    private static string Owned(SchemaName schema, string whenLocked) => $"""

            SELECT application_name
              FROM {schema}.workflow_status
             WHERE workflow_uuid = $2 AND owner_xid = $3
               FOR NO KEY UPDATE {whenLocked}
        """;

    // Eight columns of checkpoint rows, from the given parameter on, written for the single row of a source.
    private static string Record(SchemaName schema, string name, string source, int first) => $"""
        {name} AS (
            INSERT INTO {schema}.operation_outputs ({CheckpointColumns})
            SELECT $2, r.seq, r.step, r.output, r.error, r.format, r.child, r.started, r.completed, {source}.application_name
              FROM {source}
             CROSS JOIN unnest(${first}::int[], ${first + 1}::text[], ${first + 2}::text[], ${first + 3}::text[], ${first + 4}::text[],
                               ${first + 5}::text[], ${first + 6}::bigint[], ${first + 7}::bigint[])
                AS r(seq, step, output, error, format, child, started, completed)
            ON CONFLICT (workflow_uuid, function_id) DO NOTHING
            RETURNING function_id)
        """;
}
