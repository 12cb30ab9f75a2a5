using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteMessagingStore(SqliteThreads readers) : IMessagingStore
{
    public async Task<IReadOnlyList<InboxKey>> ReadUnreadAsync(IReadOnlyList<InboxKey> inboxes, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadUnread(session, inboxes), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<EventRow>> ReadEventsAsync(IReadOnlyList<EventKey> events, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadEvents(session, events), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<EventRow>?> ReadAllEventsAsync(string workflowId, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadAllEvents(session, workflowId), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<StreamChunk>> ReadStreamsAsync(
        IReadOnlyList<StreamPosition> positions, int limit, long bytesMax, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => new SqliteStreamRead(session, limit, bytesMax).Read(positions), cancellationToken)
            .ConfigureAwait(false);

    public async Task<IReadOnlyList<StoredMessage>?> ReadMessagesAsync(string workflowId, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadMessages(session, workflowId), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<string>> ReadForksAsync(string workflowId, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadForks(session, workflowId), cancellationToken).ConfigureAwait(false);

    private static List<InboxKey> ReadUnread(SqliteSession session, IReadOnlyList<InboxKey> inboxes)
    {
        var pairs = SqliteLists.Of(inboxes, inbox => (inbox.WorkflowId, MessageTopics.ToStored(inbox.Topic)));
        using var statement = session.Use(MessagingSql.ReadUnread).Bind("@inboxes", pairs);
        var unread = new List<InboxKey>();
        while (statement.Step())
        {
            unread.Add(inboxes[statement.Int32(0)]);
        }

        return unread;
    }

    private static List<EventRow> ReadEvents(SqliteSession session, IReadOnlyList<EventKey> events)
    {
        var pairs = SqliteLists.Of(events, key => (key.WorkflowId, key.Key));
        using var statement = session.Use(MessagingSql.ReadEvents).Bind("@events", pairs);
        var set = new List<EventRow>();
        while (statement.Step())
        {
            set.Add(new EventRow(events[statement.Int32(0)], new Payload(statement.Text(1), statement.TextOrNull(2))));
        }

        return set;
    }

    private static List<EventRow>? ReadAllEvents(SqliteSession session, string workflowId)
    {
        using var statement = session.Use(MessagingSql.ReadAllEvents).Bind("@workflow_uuid", workflowId);
        List<EventRow>? events = null;
        while (statement.Step())
        {
            events ??= [];
            if (statement.TextOrNull(0) is { } key)
            {
                events.Add(new EventRow(new EventKey(workflowId, key), new Payload(statement.Text(1), statement.TextOrNull(2))));
            }
        }

        // SQLite compares UTF-8 bytes, which orders surrogates differently.
        events?.Sort(static (one, other) => string.CompareOrdinal(one.Key.Key, other.Key.Key));
        return events;
    }

    private static List<StoredMessage>? ReadMessages(SqliteSession session, string workflowId)
    {
        using var statement = session.Use(MessagingSql.ReadMessages).Bind("@workflow_uuid", workflowId);
        List<StoredMessage>? messages = null;
        while (statement.Step())
        {
            messages ??= [];
            if (statement.TextOrNull(0) is { } id)
            {
                messages.Add(new StoredMessage(
                    id,
                    MessageTopics.FromStored(statement.TextOrNull(1)),
                    new Payload(statement.Text(2), statement.TextOrNull(3)),
                    statement.Int64(4),
                    statement.Truth(5)));
            }
        }

        return messages;
    }

    private static List<string> ReadForks(SqliteSession session, string workflowId)
    {
        using var statement = session.Use(MessagingSql.ReadForks).Bind("@workflow_uuid", workflowId);
        return SqliteRows.ReadIds(statement);
    }
}
