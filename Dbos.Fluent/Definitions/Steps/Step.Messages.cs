using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Sends a message to a workflow, once.</summary>
    /// <remarks>
    /// The message and the outcome of the step are stored in one write, so the message is sent exactly once, also when the process dies in
    /// between; a replay sends nothing. Messages to one topic of a workflow arrive in the order in which their sends completed. A message
    /// waits in the store until it is received or its destination is deleted.
    /// </remarks>
    /// <param name="workflowId">The destination, in whatever application or SDK it runs.</param>
    /// <param name="message">The message; it must be serializable.</param>
    /// <param name="topic">The topic under which it is received; null, the default, for none.</param>
    /// <param name="idempotencyKey">
    /// Of messages to one workflow with the same key only the first arrives, also after that was received; null, the default, for none.
    /// </param>
    /// <param name="format">How it is stored; null, the default, for MessagePack. Other SDKs read portable JSON.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The descriptor, to be yielded; it fails with a <see cref="NonExistentWorkflowException"/> if no workflow has the
    /// id.</returns>
    /// <exception cref="ArgumentException">
    /// The id, topic or key is blank, too long or holds control characters, or the topic is the one that stands for none in the store.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is none of the enumeration's.</exception>
    public static Step<Unit> Send<T>(
        string workflowId, T message, string? topic = null, string? idempotencyKey = null, PayloadFormat? format = null) =>
        new SendStep(BuiltInNames.Send, [OutgoingMessage.Create(workflowId, message, topic, idempotencyKey)], format);

    /// <summary>Sends several messages in one write: all of them or, where one destination does not exist, none.</summary>
    /// <remarks>
    /// Everything said of <see cref="Send{T}"/> holds; messages to one topic of one workflow arrive in the order listed. The step fails
    /// with a <see cref="SerializationFailedException"/> where they are more than 512 MiB as they are stored: yield several such steps.
    /// </remarks>
    /// <param name="messages">The messages; none is allowed and completes at once.</param>
    /// <param name="format">How they are stored; null, the default, for MessagePack.</param>
    /// <typeparam name="T">The messages' type.</typeparam>
    /// <returns>The descriptor, to be yielded; it takes one sequence number, however many messages there are.</returns>
    /// <exception cref="ArgumentException">
    /// An id, topic or key is blank, too long, reserved or holds control characters, or a key stands twice for one destination.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is none of the enumeration's.</exception>
    public static Step<Unit> SendMany<T>(
        IReadOnlyList<(string WorkflowId, T Message, string? Topic, string? IdempotencyKey)> messages, PayloadFormat? format = null) =>
        new SendStep(BuiltInNames.SendBulk, OutgoingMessage.CreateMany(messages), format);

    /// <summary>Waits for a message to this workflow, however long that takes.</summary>
    /// <remarks>
    /// The oldest unread message of the topic is consumed and stored as the step's outcome in one write, so none is lost and none is
    /// received twice; a replay gives the stored one. A long wait holds no memory, thread or connection. It takes two sequence numbers.
    /// One that cannot be decoded is consumed, and fails the step with a <see cref="SerializationFailedException"/>.
    /// </remarks>
    /// <param name="topic">The topic it was sent under; null, the default, for messages without one.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    public static Step<T> Receive<T>(string? topic = null) => new ReceiveStep<T>(topic);

    /// <summary>Waits a time for a message to this workflow.</summary>
    /// <remarks>
    /// As <see cref="Receive{T}(string?)"/>, but that the moment at which the wait ends is stored when it begins: it survives a restart,
    /// and a workflow that was down longer looks once and goes on. That no message came is stored as well.
    /// </remarks>
    /// <param name="topic">The topic it was sent under; null for messages without one.</param>
    /// <param name="timeout">
    /// How long, from the moment the step first runs; zero looks once. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> waits
    /// without end, and <see cref="TimeSpan.MaxValue"/> in effect does too.
    /// </param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is the message, or none if none came in time.</returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative and not infinite.</exception>
    public static Step<Optional<T>> Receive<T>(string? topic, TimeSpan timeout) => new ReceiveInTimeStep<T>(topic, timeout);

    /// <summary>Waits until a moment for a message to this workflow; one that has passed looks once.</summary>
    /// <remarks>Everything said of <see cref="Receive{T}(string?, TimeSpan)"/> holds; on a replay the stored moment counts.</remarks>
    /// <param name="topic">The topic it was sent under; null for messages without one.</param>
    /// <param name="until">The moment, compared with the database's clock.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is the message, or none if none came by then.</returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    public static Step<Optional<T>> Receive<T>(string? topic, DateTimeOffset until) => new ReceiveInTimeStep<T>(topic, until);
}
