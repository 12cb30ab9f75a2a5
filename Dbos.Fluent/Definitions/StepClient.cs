using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>What the body of a step may do to the outside of its workflow: inline, without a sequence number of its own.</summary>
/// <remarks>
/// It happens while the body runs, and again each time the body runs again: at least once, and not at all on a replay. Whatever is read
/// here is not stored, so give it on through the step's result. It belongs to one attempt, like the context it comes from.
/// </remarks>
public sealed class StepClient
{
    private readonly IStepOutlet outlet;
    private readonly int sequence;

    internal StepClient(IStepOutlet outlet, int sequence) => (this.outlet, this.sequence) = (outlet, sequence);

    /// <summary>Sends a message to a workflow.</summary>
    /// <remarks>A body that runs again sends again: with an idempotency key the message arrives once all the same.</remarks>
    /// <param name="workflowId">The destination, in whatever application it runs.</param>
    /// <param name="message">The message; it must be serializable.</param>
    /// <param name="topic">The topic under which it is received; null, the default, for none.</param>
    /// <param name="idempotencyKey">
    /// Of messages to one workflow with the same key only the first arrives; null, the default, for none.
    /// </param>
    /// <param name="cancellationToken">Gives up the waiting; the message is then either sent or not.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>A task that completes when the message is durable.</returns>
    /// <exception cref="ArgumentException">The id, topic or key is blank, too long, reserved or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    public Task SendAsync<T>(
        string workflowId, T message, string? topic = null, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        outlet.SendAsync(sequence, OutgoingMessage.Create(workflowId, message, topic, idempotencyKey), cancellationToken);

    /// <summary>Sets an event of this workflow, which anyone can wait for; an event that is set again has the new value.</summary>
    /// <param name="key">The event's key.</param>
    /// <param name="value">Its value; it must be serializable.</param>
    /// <param name="cancellationToken">Gives up the waiting; the event is then either set or not.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>A task that completes when the event is durable.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public Task SetEventAsync<T>(string key, T value, CancellationToken cancellationToken = default) =>
        outlet.SetEventAsync(sequence, Names.CheckName(key, nameof(key)), value, typeof(T), cancellationToken);

    /// <summary>Appends a value to a stream of this workflow.</summary>
    /// <remarks>A body that runs again appends again: a reader may see a value twice.</remarks>
    /// <param name="key">The stream's key.</param>
    /// <param name="value">The value; it must be serializable.</param>
    /// <param name="cancellationToken">Gives up the waiting; the value is then either written or not.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>A task that completes when the value is durable; it fails where the stream is closed.</returns>
    /// <exception cref="ArgumentException">
    /// The key is blank, too long or holds control characters, or the value is the text that marks the end of a stream.
    /// </exception>
    public Task WriteStreamAsync<T>(string key, T value, CancellationToken cancellationToken = default)
    {
        Names.CheckName(key, nameof(key));
        return outlet.WriteStreamAsync(
            sequence, key, ReservedTexts.CheckStreamValue(value, nameof(value)), typeof(T), cancellationToken);
    }

    /// <summary>Closes a stream of this workflow: its readers come to their end. Closing a closed one does nothing.</summary>
    /// <param name="key">The stream's key.</param>
    /// <param name="cancellationToken">Gives up the waiting; the stream is then either closed or not.</param>
    /// <returns>A task that completes when the close is durable.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public Task CloseStreamAsync(string key, CancellationToken cancellationToken = default) =>
        outlet.CloseStreamAsync(sequence, Names.CheckName(key, nameof(key)), cancellationToken);

    /// <summary>Reads what is known of a workflow now.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <returns>Its status, or null if no workflow has this id.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public Task<WorkflowStatus?> GetStatusAsync(string workflowId, CancellationToken cancellationToken = default) =>
        outlet.GetStatusAsync(Names.CheckId(workflowId, nameof(workflowId)), cancellationToken);

    /// <summary>Waits for an event of a workflow, which need not exist yet.</summary>
    /// <remarks>
    /// The attempt goes on meanwhile and the workflow stays in memory; for a long wait yield <see cref="Step.GetEvent{T}"/>.
    /// </remarks>
    /// <param name="workflowId">The workflow that sets it.</param>
    /// <param name="key">The event's key.</param>
    /// <param name="timeout">
    /// How long to wait; zero looks once, <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> waits without end.
    /// </param>
    /// <param name="cancellationToken">Gives up the waiting.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The event's value, or none if it was not set in time.</returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative and not infinite.</exception>
    /// <exception cref="SerializationFailedException">The stored value is not a <typeparamref name="T"/>.</exception>
    public Task<Optional<T>> GetEventAsync<T>(
        string workflowId, string key, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        Names.CheckName(key, nameof(key));
        return outlet.GetEventAsync<T>(workflowId, key, WaitTime.Check(timeout, nameof(timeout)), cancellationToken);
    }

    /// <summary>Reads a stream of a workflow as it is written, to its end: until it is closed or the workflow has ended.</summary>
    /// <param name="workflowId">The workflow that writes it.</param>
    /// <param name="key">The stream's key.</param>
    /// <param name="offset">Where to begin, from 0, the default.</param>
    /// <param name="valueTimeout">
    /// How long to wait for each value; null, the default, waits without end. After it the reading fails with a
    /// <c>StreamTimeoutException</c>.
    /// </param>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <returns>The values, in the order in which they were written.</returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The offset is negative, or the timeout is and not infinite.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="SerializationFailedException">A stored value is not a <typeparamref name="T"/>.</exception>
    public IAsyncEnumerable<T> ReadStreamAsync<T>(
        string workflowId, string key, int offset = 0, TimeSpan? valueTimeout = null, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        Names.CheckName(key, nameof(key));
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var limit = WaitTime.CheckLimit(valueTimeout, nameof(valueTimeout));
        return outlet.ReadStreamAsync<T>(workflowId, key, offset, limit, cancellationToken);
    }
}
