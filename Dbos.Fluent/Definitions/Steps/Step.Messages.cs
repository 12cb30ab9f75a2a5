using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Sends a message to a workflow, once.</summary>
    /// <remarks>
    /// The message and the outcome of the step are stored in one write, so the message is sent exactly once, even if the process dies in
    /// between; a replay sends nothing. Messages to one topic of a workflow arrive in the order in which their sends completed. A message
    /// stays stored until it is received or its destination is deleted.
    /// </remarks>
    /// <param name="workflowId">The destination, in any application or SDK.</param>
    /// <param name="message">The message; it must be serializable.</param>
    /// <param name="topic">The topic under which the message is received; null, the default, for none.</param>
    /// <param name="idempotencyKey">
    /// Only the first message to a workflow with a given key arrives, even after it was received; null, the default, for no key.
    /// </param>
    /// <param name="format">How the message is stored; null, the default, for MessagePack. Other SDKs read portable JSON.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>
    /// The descriptor, to be yielded; it fails with a <see cref="NonExistentWorkflowException"/> if no workflow has the id.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The id, topic or key is blank, too long or holds control characters, or the topic is the text that means no topic in the store.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is not one of the enumeration.</exception>
    public static Step<Unit> Send<T>(
        string workflowId, T message, string? topic = null, string? idempotencyKey = null, PayloadFormat? format = null) =>
        new SendStep(BuiltInNames.Send, [OutgoingMessage.Create(workflowId, message, topic, idempotencyKey)], format);

    /// <summary>Sends several messages in one write: all of them or, if one destination does not exist, none.</summary>
    /// <remarks>
    /// It behaves like <see cref="Send{T}"/>; messages to one topic of one workflow arrive in the order listed. The step fails with a
    /// <see cref="SerializationFailedException"/> if the stored messages exceed 512 MiB: yield several such steps.
    /// </remarks>
    /// <param name="messages">The messages; an empty list completes at once.</param>
    /// <param name="format">How the messages are stored; null, the default, for MessagePack.</param>
    /// <typeparam name="T">The messages' type.</typeparam>
    /// <returns>The descriptor, to be yielded; it takes one sequence number for any number of messages.</returns>
    /// <exception cref="ArgumentException">
    /// An id, topic or key is blank, too long, reserved or holds control characters, or a key occurs twice for one destination.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is not one of the enumeration.</exception>
    public static Step<Unit> SendMany<T>(
        IReadOnlyList<(string WorkflowId, T Message, string? Topic, string? IdempotencyKey)> messages, PayloadFormat? format = null) =>
        new SendStep(BuiltInNames.SendBulk, OutgoingMessage.CreateMany(messages), format);

    /// <summary>Waits for a message to this workflow, however long that takes.</summary>
    /// <remarks>
    /// The oldest unread message of the topic is consumed and stored as the step's outcome in one write, so no message is lost or received
    /// twice; a replay returns the stored one. A long wait holds no memory, thread or connection. The step takes two sequence numbers. A
    /// message that cannot be decoded is consumed, and fails the step with a <see cref="SerializationFailedException"/>.
    /// </remarks>
    /// <param name="topic">The topic under which the message was sent; null, the default, for messages without one.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    public static Step<T> Receive<T>(string? topic = null) => new ReceiveStep<T>(topic);

    /// <summary>Waits for a message to this workflow, for a limited time.</summary>
    /// <remarks>
    /// As <see cref="Receive{T}(string?)"/>, but the end of the wait is stored when the wait begins. It survives a restart, and a workflow
    /// that was down longer checks once and continues. A timeout is stored as an outcome too.
    /// </remarks>
    /// <param name="topic">The topic under which the message was sent; null for messages without one.</param>
    /// <param name="timeout">
    /// How long, from the moment the step first runs; zero checks once. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, and in
    /// effect <see cref="TimeSpan.MaxValue"/>, wait forever.
    /// </param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is the message, or no value after a timeout.</returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative and not infinite.</exception>
    public static Step<Optional<T>> Receive<T>(string? topic, TimeSpan timeout) => new ReceiveInTimeStep<T>(topic, timeout);

    /// <summary>Waits for a message to this workflow until a moment; if the moment has passed, it checks once.</summary>
    /// <remarks>It behaves like <see cref="Receive{T}(string?, TimeSpan)"/>; on a replay the stored moment counts.</remarks>
    /// <param name="topic">The topic under which the message was sent; null for messages without one.</param>
    /// <param name="until">The moment, compared with the database's clock.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is the message, or no value if none came by then.</returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    public static Step<Optional<T>> Receive<T>(string? topic, DateTimeOffset until) => new ReceiveInTimeStep<T>(topic, until);
}
