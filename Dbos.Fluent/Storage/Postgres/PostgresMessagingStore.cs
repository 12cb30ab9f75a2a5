namespace Dbos.Fluent.Storage.Postgres;

/// <inheritdoc/>
internal sealed class PostgresMessagingStore : IMessagingStore
{
    public Task<IReadOnlyList<InboxKey>> ReadUnreadAsync(IReadOnlyList<InboxKey> inboxes, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    public Task<IReadOnlyList<EventRow>> ReadEventsAsync(IReadOnlyList<EventKey> events, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    public Task<IReadOnlyList<EventRow>?> ReadAllEventsAsync(string workflowId, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    public Task<IReadOnlyList<StreamChunk>> ReadStreamsAsync(
        IReadOnlyList<StreamPosition> positions, int limit, CancellationToken cancellationToken) => throw new NotImplementedException();

    public Task<IReadOnlyList<StoredMessage>?> ReadMessagesAsync(string workflowId, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    public Task<IReadOnlyList<string>> ReadForksAsync(string workflowId, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
