using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>The actions of a step's body outside its workflow: inline, without sequence numbers of their own.</summary>
/// <remarks>
/// An action happens while the body runs, and again each time the body runs again: at least once, and not at all on a replay. A value that
/// is read here is not stored, so return it in the step's result. The client belongs to one attempt, like its context.
/// </remarks>
public sealed class StepClient
{
    private readonly IStepOutlet outlet;
    private readonly int sequence;

    internal StepClient(IStepOutlet outlet, int sequence) => (this.outlet, this.sequence) = (outlet, sequence);

    /// <summary>Sends a message to a workflow.</summary>
    /// <remarks>A body that runs again sends again; with an idempotency key the message still arrives only once.</remarks>
    /// <param name="workflowId">The destination, in any application.</param>
    /// <param name="message">The message; it must be serializable.</param>
    /// <param name="topic">The topic under which the message is received; null, the default, for none.</param>
    /// <param name="idempotencyKey">Only the first message to a workflow with a given key arrives; null, the default, for no key.</param>
    /// <param name="cancellationToken">Cancels the wait; the message may or may not have been sent.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>A task that completes when the message is durable.</returns>
    /// <exception cref="ArgumentException">The id, topic or key is blank, too long, reserved or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    public Task SendAsync<T>(
        string workflowId, T message, string? topic = null, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        outlet.SendAsync(sequence, OutgoingMessage.Create(workflowId, message, topic, idempotencyKey), cancellationToken);

    /// <summary>Sets an event of this workflow, which anyone can wait for; setting it again replaces the value.</summary>
    /// <param name="key">The event's key.</param>
    /// <param name="value">The value; it must be serializable.</param>
    /// <param name="cancellationToken">Cancels the wait; the event may or may not have been set.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>A task that completes when the event is durable.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public Task SetEventAsync<T>(string key, T value, CancellationToken cancellationToken = default) =>
        outlet.SetEventAsync(sequence, Names.CheckName(key, nameof(key)), value, typeof(T), cancellationToken);

    /// <summary>Appends a value to a stream of this workflow.</summary>
    /// <remarks>A body that runs again appends again: a reader may see a value twice.</remarks>
    /// <param name="key">The stream's key.</param>
    /// <param name="value">The value; it must be serializable.</param>
    /// <param name="cancellationToken">Cancels the wait; the value may or may not have been written.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>A task that completes when the value is durable; it fails if the stream is closed.</returns>
    /// <exception cref="ArgumentException">
    /// The key is blank, too long or holds control characters, or the value is the text that marks the end of a stream.
    /// </exception>
    public Task WriteStreamAsync<T>(string key, T value, CancellationToken cancellationToken = default)
    {
        Names.CheckName(key, nameof(key));
        return outlet.WriteStreamAsync(
            sequence, key, ReservedTexts.CheckStreamValue(value, nameof(value)), typeof(T), cancellationToken);
    }

    /// <summary>Closes a stream of this workflow, so that its readers finish. Closing a closed stream does nothing.</summary>
    /// <param name="key">The stream's key.</param>
    /// <param name="cancellationToken">Cancels the wait; the stream may or may not have been closed.</param>
    /// <returns>A task that completes when the close is durable.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public Task CloseStreamAsync(string key, CancellationToken cancellationToken = default) =>
        outlet.CloseStreamAsync(sequence, Names.CheckName(key, nameof(key)), cancellationToken);

    /// <summary>Reads a workflow's current status.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>Its status, or null if no workflow has this id.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public Task<WorkflowStatus?> GetStatusAsync(string workflowId, CancellationToken cancellationToken = default) =>
        outlet.GetStatusAsync(Names.CheckId(workflowId, nameof(workflowId)), cancellationToken);

    /// <summary>Waits for an event of a workflow that need not exist yet.</summary>
    /// <remarks>
    /// The attempt continues meanwhile and the workflow stays in memory; for a long wait yield <see cref="Step.GetEvent{T}"/>.
    /// </remarks>
    /// <param name="workflowId">The workflow that sets the event.</param>
    /// <param name="key">The event's key.</param>
    /// <param name="timeout">
    /// How long to wait; zero checks once, <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> waits forever.
    /// </param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The event's value, or no value after a timeout.</returns>
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

    /// <summary>Reads a stream of a workflow as it is written, until it is closed or the workflow has ended.</summary>
    /// <param name="workflowId">The workflow that writes the stream.</param>
    /// <param name="key">The stream's key.</param>
    /// <param name="offset">The first offset to read, from 0, the default.</param>
    /// <param name="valueTimeout">
    /// How long to wait for each value; null, the default, waits forever. After that time the read fails with a
    /// <c>StreamTimeoutException</c>.
    /// </param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <returns>The values, in the order in which they were written.</returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The offset is negative, or the timeout is negative and not infinite.</exception>
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
