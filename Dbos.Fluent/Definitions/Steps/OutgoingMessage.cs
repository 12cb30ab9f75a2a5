using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>A message to send, not yet encoded.</summary>
internal sealed record OutgoingMessage(string WorkflowId, object? Value, Type ValueType, string? Topic, string? IdempotencyKey)
{
    /// <summary>Checks the parts of a message and makes the message.</summary>
    public static OutgoingMessage Create<T>(string workflowId, T message, string? topic, string? idempotencyKey) => new(
        Names.CheckId(workflowId, nameof(workflowId)),
        message,
        typeof(T),
        ReservedTexts.CheckTopic(topic, nameof(topic)),
        idempotencyKey is null ? null : Names.CheckId(idempotencyKey, nameof(idempotencyKey)));

    /// <summary>Checks the parts of messages that are sent together and makes the messages.</summary>
    public static IReadOnlyList<OutgoingMessage> CreateMany<T>(
        IEnumerable<(string WorkflowId, T Message, string? Topic, string? IdempotencyKey)> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        List<OutgoingMessage> outgoing = [];
        HashSet<(string WorkflowId, string Key)> taken = [];
        foreach (var (workflowId, message, topic, idempotencyKey) in messages)
        {
            outgoing.Add(Create(workflowId, message, topic, idempotencyKey));
            if (idempotencyKey is not null && !taken.Add((workflowId, idempotencyKey)))
            {
                throw new ArgumentException(
                    $"The idempotency key '{idempotencyKey}' stands twice for workflow '{workflowId}': "
                    + "only one of these messages would arrive.",
                    nameof(messages));
            }
        }

        return outgoing;
    }
}
