using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>Appends a value to a stream of this workflow, once.</summary>
    /// <remarks>
    /// The value and the outcome of the step are stored in one write; a replay appends nothing. Streams can be read while they are written,
    /// from anywhere, and stay readable after the workflow has ended.
    /// </remarks>
    /// <param name="key">The stream's key; the first write creates the stream.</param>
    /// <param name="value">The value; it must be serializable.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The descriptor, to be yielded; it fails with a <c>StreamClosedException</c> if the stream is closed.</returns>
    /// <exception cref="ArgumentException">
    /// The key is blank, too long or holds control characters, or the value is the text that marks the end of a stream.
    /// </exception>
    public static Step<Unit> WriteStream<T>(string key, T value) => new WriteStreamStep<T>(key, value);

    /// <summary>Closes a stream of this workflow, so that its readers finish. Closing a closed stream does nothing.</summary>
    /// <remarks>
    /// The close is stored like a write; a replay closes nothing. A stream that is not closed ends for its readers when its workflow ends.
    /// </remarks>
    /// <param name="key">The stream's key.</param>
    /// <returns>The descriptor, to be yielded.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public static Step<Unit> CloseStream(string key) => new CloseStreamStep(key);

    /// <summary>Reads one value of a stream at an offset, and waits for it if it has not been written yet.</summary>
    /// <remarks>
    /// The value is stored as the step's outcome; a replay returns it without reading. A value that cannot be decoded fails the step with a
    /// <see cref="SerializationFailedException"/>.
    /// </remarks>
    /// <param name="workflowId">The workflow that writes the stream.</param>
    /// <param name="key">The stream's key.</param>
    /// <param name="offset">The value's offset, from 0.</param>
    /// <param name="timeout">
    /// How long to wait for the value; zero checks once. Null, the default, and <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>
    /// wait forever.
    /// </param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>
    /// The descriptor, to be yielded. Its result is the value, or no value if the stream is closed before the offset or its writer has
    /// ended. It fails with a <c>StreamTimeoutException</c> if the value does not come in time.
    /// </returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The offset is negative, or the timeout is negative and not infinite.</exception>
    public static Step<Optional<T>> ReadStream<T>(string workflowId, string key, int offset, TimeSpan? timeout = null) =>
        new ReadStreamStep<T>(workflowId, key, offset, timeout);
}
