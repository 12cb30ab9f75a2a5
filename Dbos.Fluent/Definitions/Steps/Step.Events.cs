using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Sets an event of this workflow, which anyone can wait for; setting it again replaces the value.</summary>
    /// <remarks>
    /// The value and the outcome of the step are stored in one write; a replay sets nothing. The event stays readable after the workflow
    /// has ended. It is stored in the format in which the workflow was started.
    /// </remarks>
    /// <param name="key">The event's key.</param>
    /// <param name="value">The value; it must be serializable.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public static Step<Unit> SetEvent<T>(string key, T value) => new SetEventStep<T>(key, value);

    /// <summary>Waits for an event of a workflow that need not exist yet.</summary>
    /// <remarks>
    /// The value, or its absence, is stored as the step's outcome: a replay returns the same, even if the event has changed by then. The
    /// end of the wait is stored when the wait begins, and survives a restart. A long wait holds no memory, thread or connection. The step
    /// takes two sequence numbers. A value that cannot be decoded fails the step with a <see cref="SerializationFailedException"/>.
    /// </remarks>
    /// <param name="workflowId">The workflow that sets the event.</param>
    /// <param name="key">The event's key.</param>
    /// <param name="timeout">
    /// How long, from the moment the step first runs; zero checks once. <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, and in
    /// effect <see cref="TimeSpan.MaxValue"/>, wait forever.
    /// </param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is the event's value, or no value after a timeout.</returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative and not infinite.</exception>
    public static Step<Optional<T>> GetEvent<T>(string workflowId, string key, TimeSpan timeout) =>
        new GetEventStep<T>(workflowId, key, timeout);
}
