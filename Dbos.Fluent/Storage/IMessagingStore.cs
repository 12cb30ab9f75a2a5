using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Reads messages, events and streams. What writes them is a <see cref="CommitUnit"/>.</summary>
/// <remarks>Waiters of one kind are looked up together, however many there are: each of these is one statement.</remarks>
internal interface IMessagingStore
{
    /// <summary>Those of these inboxes that hold an unread message.</summary>
    Task<IReadOnlyList<InboxKey>> ReadUnreadAsync(IReadOnlyList<InboxKey> inboxes, CancellationToken cancellationToken);

    /// <summary>The latest values of those of these events that are set.</summary>
    Task<IReadOnlyList<EventRow>> ReadEventsAsync(IReadOnlyList<EventKey> events, CancellationToken cancellationToken);

    /// <summary>All events of a workflow by key, ordinally; null if there is no such workflow.</summary>
    Task<IReadOnlyList<EventRow>?> ReadAllEventsAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>
    /// What stands in these streams from these offsets on, at most <paramref name="limit"/> values each. A position about which there is
    /// nothing to say (no value yet, not closed, its writer not ended) is left out.
    /// </summary>
    /// <remarks>A writer's state is never newer than its values: one that has ended has written nothing that is missing here.</remarks>
    Task<IReadOnlyList<StreamChunk>> ReadStreamsAsync(
        IReadOnlyList<StreamPosition> positions, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// All messages of a workflow, read and unread, in the order in which they arrive; null if there is no such workflow.
    /// </summary>
    Task<IReadOnlyList<StoredMessage>?> ReadMessagesAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>The forks of a workflow, and theirs, as far as they go; by creation. Empty for an unknown workflow.</summary>
    Task<IReadOnlyList<string>> ReadForksAsync(string workflowId, CancellationToken cancellationToken);
}

/// <summary>The messages of one topic of one workflow; the topic as the caller gave it.</summary>
internal readonly record struct InboxKey(string WorkflowId, string? Topic);

/// <summary>One event of one workflow.</summary>
internal readonly record struct EventKey(string WorkflowId, string Key);

/// <summary>An event that is set, with its value.</summary>
internal sealed record EventRow(EventKey Key, Payload Value);

/// <summary>A place in a stream, counted from 0.</summary>
internal readonly record struct StreamPosition(string WorkflowId, string Key, int Offset);

/// <summary>What was found at a place in a stream.</summary>
/// <param name="Position">The place that was asked about.</param>
/// <param name="Values">The values from there on, without the marker of a close; perhaps none.</param>
/// <param name="Ended">
/// True if nothing will follow these values: the stream is closed behind them, or its writer has ended and these are its last.
/// </param>
/// <param name="Exists">False if there is no such workflow.</param>
internal sealed record StreamChunk(StreamPosition Position, IReadOnlyList<Payload> Values, bool Ended, bool Exists);

/// <summary>A row of <c>notifications</c>.</summary>
internal sealed record StoredMessage(string Id, string? Topic, Payload Value, long SentAtMs, bool Consumed);
