using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Reads messages, events and streams.</summary>
internal sealed class PostgresMessagingStore(PostgresDatabase database, PostgresLanes looks) : IMessagingStore
{
    private readonly MessagingSql sql = new(database.Schema);

    public async Task<IReadOnlyList<InboxKey>> ReadUnreadAsync(IReadOnlyList<InboxKey> inboxes, CancellationToken cancellationToken) =>
        await looks.QueryAsync(
            sql.ReadUnread,
            [Texts(inboxes, inbox => inbox.WorkflowId), Texts(inboxes, inbox => MessageTopics.ToStored(inbox.Topic))],
            row => inboxes[row.GetInt32(0) - 1],
            cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<EventRow>> ReadEventsAsync(IReadOnlyList<EventKey> events, CancellationToken cancellationToken) =>
        await looks.QueryAsync(
            sql.ReadEvents,
            [Texts(events, key => key.WorkflowId), Texts(events, key => key.Key)],
            row => new EventRow(events[row.GetInt32(0) - 1], new Payload(row.GetString(1), row.TextOrNull(2))),
            cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<EventRow>?> ReadAllEventsAsync(string workflowId, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.ReadAllEvents,
            [Text(workflowId)],
            row => row.TextOrNull(0) is { } key
                ? new EventRow(new EventKey(workflowId, key), new Payload(row.GetString(1), row.TextOrNull(2)))
                : null,
            cancellationToken).ConfigureAwait(false);
        return rows.Count == 0 ? null : [.. rows.OfType<EventRow>().OrderBy(row => row.Key.Key, StringComparer.Ordinal)];
    }

    public async Task<IReadOnlyList<StreamChunk>> ReadStreamsAsync(
        IReadOnlyList<StreamPosition> positions, int limit, long bytesMax, CancellationToken cancellationToken)
    {
        var rows = await looks.QueryAsync(
            sql.ReadStreams,
            [
                Texts(positions, position => position.WorkflowId),
                Texts(positions, position => position.Key),
                Smalls(positions, position => position.Offset),
                Small(limit),
                Number(bytesMax),
            ],
            PlaceRow.Read,
            cancellationToken).ConfigureAwait(false);
        return [.. rows
            .GroupBy(row => row.Place)
            .Select(place => Chunk(positions[place.Key], [.. place], limit))
            .Where(chunk => chunk.Values.Count > 0 || chunk.Ended || !chunk.Exists)];
    }

    public async Task<IReadOnlyList<StoredMessage>?> ReadMessagesAsync(string workflowId, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(sql.ReadMessages, [Text(workflowId)], ReadMessage, cancellationToken).ConfigureAwait(false);
        return rows.Count == 0 ? null : [.. rows.OfType<StoredMessage>()];
    }

    public async Task<IReadOnlyList<string>> ReadForksAsync(string workflowId, CancellationToken cancellationToken) =>
        await database.QueryAsync(sql.ReadForks, [Text(workflowId)], row => row.GetString(0), cancellationToken).ConfigureAwait(false);

    private static StreamChunk Chunk(StreamPosition position, List<PlaceRow> rows, int limit)
    {
        List<Payload> values = [.. rows
            .Select(row => row.Value)
            .TakeWhile(value => value.Text is not null && !StreamMarker.IsClosed(value.Text))];
        var closed = rows.Exists(row => StreamMarker.IsClosed(row.Value.Text));
        if (values.Count > limit || (!closed && rows.Exists(row => row.Cut)))
        {
            // What lies beyond the limits was read only to see whether something follows.
            return new StreamChunk(position, [.. values.Take(limit)], Ended: false, rows[0].Exists);
        }

        return new StreamChunk(position, values, closed || rows[0].Over, rows[0].Exists);
    }

    private static StoredMessage? ReadMessage(NpgsqlDataReader row) => row.TextOrNull(0) is not { } id ? null : new StoredMessage(
        id,
        MessageTopics.FromStored(row.TextOrNull(1)),
        new Payload(row.GetString(2), row.TextOrNull(3)),
        row.GetInt64(4),
        row.GetBoolean(5));

    /// <param name="Place">The position that was asked about.</param>
    /// <param name="Exists">Whether the workflow exists.</param>
    /// <param name="Over">Whether nothing more will be written behind the stored values.</param>
    /// <param name="Value">One value from there on; its text is null if there is none, or if it is cut.</param>
    /// <param name="Cut">Whether there is a value that is not read: too large together with those before it, or beyond the limit.</param>
    private sealed record PlaceRow(int Place, bool Exists, bool Over, Payload Value, bool Cut)
    {
        public static PlaceRow Read(NpgsqlDataReader row) => new(
            row.GetInt32(0) - 1,
            !row.IsDBNull(1),
            row.GetBoolean(2) || row.GetBoolean(3),
            new Payload(row.TextOrNull(4), row.TextOrNull(5)),
            row.GetBoolean(6));
    }
}
