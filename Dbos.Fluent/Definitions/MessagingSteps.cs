using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>A message to be sent, before it is encoded.</summary>
internal sealed record OutgoingMessage(string WorkflowId, object? Value, Type ValueType, string? Topic, string? IdempotencyKey)
{
    /// <summary>Checks the parts of a message and makes it of them.</summary>
    public static OutgoingMessage Create<T>(string workflowId, T message, string? topic, string? idempotencyKey) => new(
        Names.CheckId(workflowId, nameof(workflowId)),
        message,
        typeof(T),
        ReservedTexts.CheckTopic(topic, nameof(topic)),
        idempotencyKey is null ? null : Names.CheckId(idempotencyKey, nameof(idempotencyKey)));

    /// <summary>Checks messages that are sent together and makes them of their parts.</summary>
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

/// <summary>What execution needs of a step that sends one message (<c>DBOS.send</c>) or several at once (<c>DBOS.sendBulk</c>).</summary>
internal interface ISendStep
{
    /// <summary>Perhaps none, for a step that sends several.</summary>
    IReadOnlyList<OutgoingMessage> Messages { get; }

    /// <summary>Null: MessagePack.</summary>
    PayloadFormat? Format { get; }
}

/// <summary>What execution needs of a step that waits for a value of others' and may end without one.</summary>
internal interface IValueStep
{
    /// <summary>The type in which the value is decoded; the step's own result may be an <see cref="Optional{T}"/> of it.</summary>
    Type ValueType { get; }

    /// <summary>Puts a decoded value where the workflow reads it.</summary>
    void CompleteWith(object? value);

    /// <summary>Says that no value came. Never called on a receive without an end.</summary>
    void CompleteEmpty();
}

/// <summary>What execution needs of a receive (<c>DBOS.recv</c>, then <c>DBOS.sleep</c>): two numbers.</summary>
internal interface IReceiveStep : IValueStep
{
    string? Topic { get; }

    /// <summary>How long it waits; null where <see cref="Until"/> says it or it has no end. Infinite waits on, with a marker row.</summary>
    TimeSpan? Timeout { get; }

    DateTimeOffset? Until { get; }
}

/// <summary>What execution needs of a step that waits for an event (<c>DBOS.getEvent</c>, then <c>DBOS.sleep</c>): two numbers.</summary>
internal interface IGetEventStep : IValueStep
{
    string WorkflowId { get; }

    string Key { get; }

    TimeSpan Timeout { get; }
}

/// <summary>What execution needs of a step that reads one value of a stream (<c>DBOS.readStreamOffset</c>).</summary>
internal interface IReadStreamStep : IValueStep
{
    string WorkflowId { get; }

    string Key { get; }

    int Offset { get; }

    /// <summary>Null: without limit.</summary>
    TimeSpan? Timeout { get; }
}

/// <summary>What execution needs of a step that sets an event (<c>DBOS.setEvent</c>).</summary>
internal interface ISetEventStep
{
    string Key { get; }

    object? Value { get; }

    Type ValueType { get; }
}

/// <summary>What execution needs of a step that writes to a stream (<c>DBOS.writeStream</c>).</summary>
internal interface IWriteStreamStep
{
    string Key { get; }

    object? Value { get; }

    Type ValueType { get; }
}

/// <summary>What execution needs of a step that closes a stream (<c>DBOS.closeStream</c>).</summary>
internal interface ICloseStreamStep
{
    string Key { get; }
}
