using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Reads messages, events and streams; a <see cref="CommitUnit"/> writes them.</summary>
/// <remarks>Waiters of one kind are looked up together, however many there are: each method is one statement.</remarks>
internal interface IMessagingStore
{
    /// <summary>Returns those of these inboxes that hold an unread message.</summary>
    Task<IReadOnlyList<InboxKey>> ReadUnreadAsync(IReadOnlyList<InboxKey> inboxes, CancellationToken cancellationToken);

    /// <summary>Reads the latest values of those of these events that are set.</summary>
    Task<IReadOnlyList<EventRow>> ReadEventsAsync(IReadOnlyList<EventKey> events, CancellationToken cancellationToken);

    /// <summary>Reads all events of a workflow by key, ordinally; null if the workflow does not exist.</summary>
    Task<IReadOnlyList<EventRow>?> ReadAllEventsAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>
    /// Reads these streams from these offsets on, at most <paramref name="limit"/> values each, and no more than have
    /// <paramref name="bytesMax"/> bytes together unless it is a single one. A position with nothing to report (no value yet, not closed,
    /// writer not ended) is left out.
    /// </summary>
    /// <remarks>A writer's state is never newer than its values: if it has ended, no value of it is missing here.</remarks>
    Task<IReadOnlyList<StreamChunk>> ReadStreamsAsync(
        IReadOnlyList<StreamPosition> positions, int limit, long bytesMax, CancellationToken cancellationToken);

    /// <summary>
    /// Reads all messages of a workflow, read and unread, in the order of arrival; null if the workflow does not exist.
    /// </summary>
    Task<IReadOnlyList<StoredMessage>?> ReadMessagesAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>Reads the forks of a workflow, and all forks of those, by creation; empty for an unknown workflow.</summary>
    Task<IReadOnlyList<string>> ReadForksAsync(string workflowId, CancellationToken cancellationToken);
}

/// <summary>The messages of one topic of one workflow; the topic as the caller gave it.</summary>
internal readonly record struct InboxKey(string WorkflowId, string? Topic);

/// <summary>One event of one workflow.</summary>
internal readonly record struct EventKey(string WorkflowId, string Key);

/// <summary>An event that is set, with its value.</summary>
internal sealed record EventRow(EventKey Key, Payload Value);

/// <summary>A place in a stream, counted from 0.</summary>
internal readonly record struct StreamPosition(string WorkflowId, string Key, int Offset)
{
    /// <summary>True if nobody wants more than the one value at this place.</summary>
    public bool Alone { get; init; }
}

/// <summary>What a read found at a place in a stream.</summary>
/// <param name="Position">The place that was asked about.</param>
/// <param name="Values">The values from there on, without a close marker; may be empty.</param>
/// <param name="Ended">
/// True if no value will follow these: the stream is closed behind them, or its writer has ended.
/// </param>
/// <param name="Exists">False if the workflow does not exist.</param>
internal sealed record StreamChunk(StreamPosition Position, IReadOnlyList<Payload> Values, bool Ended, bool Exists);

/// <summary>A row of <c>notifications</c>.</summary>
internal sealed record StoredMessage(string Id, string? Topic, Payload Value, long SentAtMs, bool Consumed);
