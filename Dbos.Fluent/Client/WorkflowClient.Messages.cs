using System.Data.Common;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public partial class WorkflowClient
{
    /// <summary>Sends a message to a workflow and returns once it is durable.</summary>
    /// <remarks>
    /// Messages of one topic arrive in the order in which their sends completed. A message to an ended workflow is stored but never read.
    /// A step that calls this sends the message once for each attempt, unless it gives an idempotency key.
    /// </remarks>
    /// <param name="workflowId">The receiver's id.</param>
    /// <param name="message">The message; null is a valid message.</param>
    /// <param name="topic">The topic under which it is received; null, the default, for none.</param>
    /// <param name="idempotencyKey">
    /// If the receiver already has a message with this key, read or unread, this one is silently dropped. Null always sends.
    /// </param>
    /// <param name="format">The stored form; null for MessagePack. A receiver in another language needs portable JSON.</param>
    /// <param name="toForks">True to also send it to all forks of the workflow and their forks; false by default.</param>
    /// <param name="cancellationToken">Cancels the call; the message may or may not have been sent.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>A task that completes when the message is durable.</returns>
    /// <exception cref="ArgumentException">An id, topic or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is not a known value.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id; nothing was stored.</exception>
    /// <exception cref="SerializationFailedException">The message cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task SendAsync<T>(
        string workflowId,
        T message,
        string? topic = null,
        string? idempotencyKey = null,
        PayloadFormat? format = null,
        bool toForks = false,
        CancellationToken cancellationToken = default)
    {
        PayloadFormats.Check(format);
        var outgoing = OutgoingMessage.Create(workflowId, message, topic, idempotencyKey);
        return toForks
            ? messages.SendToForksAsync(outgoing, format, cancellationToken)
            : messages.SendAsync([outgoing], format, cancellationToken);
    }

    /// <summary>Sends several messages in one transaction: all or none.</summary>
    /// <param name="messages">The receiver, message, topic and idempotency key of each. An empty list does nothing.</param>
    /// <param name="format">The stored form; null for MessagePack.</param>
    /// <param name="cancellationToken">Cancels the call; then either all or none have been sent.</param>
    /// <typeparam name="T">The messages' type.</typeparam>
    /// <returns>A task that completes when the messages are durable.</returns>
    /// <remarks>The remarks on <see cref="SendAsync{T}"/> apply to each message. They arrive in the order given.</remarks>
    /// <exception cref="ArgumentException">
    /// An id, topic or key is invalid, or a key is given twice for one receiver; nothing was stored.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is not a known value; nothing was stored.</exception>
    /// <exception cref="NonExistentWorkflowException">A receiver does not exist; nothing was stored.</exception>
    /// <exception cref="SerializationFailedException">
    /// A message cannot be stored, or together they exceed 512 MiB in stored form: send smaller batches. Nothing was stored.
    /// </exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task SendManyAsync<T>(
        IEnumerable<(string WorkflowId, T Message, string? Topic, string? IdempotencyKey)> messages,
        PayloadFormat? format = null,
        CancellationToken cancellationToken = default) =>
        this.messages.SendAsync(OutgoingMessage.CreateMany(messages), PayloadFormats.Check(format), cancellationToken);

    /// <summary>Sends a message in the caller's own transaction on the same database. It arrives when the transaction commits.</summary>
    /// <param name="transaction">An open <c>NpgsqlTransaction</c> or <c>SqliteTransaction</c> on the database of this client.</param>
    /// <param name="workflowId">The receiver's id.</param>
    /// <param name="message">The message.</param>
    /// <param name="topic">The topic under which it is received; null, the default, for none.</param>
    /// <param name="idempotencyKey">A key under which this receiver gets only one message; null, the default, for none.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>A task that completes when the message is part of the transaction.</returns>
    /// <exception cref="ArgumentException">
    /// The transaction belongs to another database or has ended; or an id, topic or key is invalid.
    /// </exception>
    /// <exception cref="InvalidOperationException">PostgreSQL: an earlier statement in the transaction failed.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id. The transaction is still usable.</exception>
    /// <exception cref="SerializationFailedException">The message cannot be stored.</exception>
    /// <exception cref="StoreUnavailableException">The connection was lost; nothing is retried inside a transaction.</exception>
    /// <exception cref="DbException">
    /// The driver's own exception: the transaction lost to another one (a deadlock, a serialization failure or a lock timeout). Roll back
    /// and run the transaction again.
    /// </exception>
    public Task SendInTransactionAsync<T>(
        DbTransaction transaction,
        string workflowId,
        T message,
        string? topic = null,
        string? idempotencyKey = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var outgoing = OutgoingMessage.Create(workflowId, message, topic, idempotencyKey);
        ThrowIfStopping("send a message");
        return messages.SendInTransactionAsync(transaction, outgoing, cancellationToken);
    }

    /// <summary>Lists the messages of a workflow, read and unread, in the order in which they arrive.</summary>
    /// <param name="workflowId">The receiver's id.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The messages, with their values as readable JSON.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    public Task<IReadOnlyList<MessageInfo>> GetMessagesAsync(string workflowId, CancellationToken cancellationToken = default) =>
        messages.ListAsync(Names.CheckId(workflowId, nameof(workflowId)), cancellationToken);

    /// <summary>Waits for an event of a workflow and returns its latest value.</summary>
    /// <param name="workflowId">The workflow's id; it need not exist yet.</param>
    /// <param name="key">The event's key.</param>
    /// <param name="timeout">
    /// How long to wait; zero checks once, <see cref="Timeout.InfiniteTimeSpan"/> waits without limit.
    /// </param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The value, which may be null; no value if the event was not set in time.</returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="SerializationFailedException">The value is not of this type.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped, before or during the wait.</exception>
    public Task<Optional<T>> GetEventAsync<T>(
        string workflowId, string key, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        Names.CheckName(key, nameof(key));
        return messages.GetEventAsync<T>(new(workflowId, key), WaitTime.Check(timeout, nameof(timeout)), cancellationToken);
    }

    /// <summary>Reads the latest values of all events of a workflow. They stay readable after it has ended.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <typeparam name="T">The type of all values.</typeparam>
    /// <returns>The values by key; empty if none was set.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="SerializationFailedException">A value is not of this type.</exception>
    public Task<IReadOnlyDictionary<string, T>> GetAllEventsAsync<T>(string workflowId, CancellationToken cancellationToken = default) =>
        messages.GetAllEventsAsync<T>(Names.CheckId(workflowId, nameof(workflowId)), cancellationToken);

    /// <summary>Reads the values of a stream of a workflow as they are written, to its end.</summary>
    /// <remarks>
    /// The enumeration ends where the stream is closed, or where its writer ended without closing it. A stream can have many readers.
    /// Nothing is read until the first value is requested.
    /// </remarks>
    /// <param name="workflowId">The writer's id.</param>
    /// <param name="key">The stream's key.</param>
    /// <param name="offset">The first value to read, counted from 0.</param>
    /// <param name="valueTimeout">How long to wait for each value; null, the default, waits without limit.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <typeparam name="T">The type of the values.</typeparam>
    /// <returns>The values, in the order in which they were written.</returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The offset or the timeout is negative.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="StreamTimeoutException">No value came in time.</exception>
    /// <exception cref="SerializationFailedException">A value is not of this type.</exception>
    public IAsyncEnumerable<T> ReadStreamAsync<T>(
        string workflowId,
        string key,
        int offset = 0,
        TimeSpan? valueTimeout = null,
        CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        Names.CheckName(key, nameof(key));
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var limit = WaitTime.CheckLimit(valueTimeout, nameof(valueTimeout));
        return messages.ReadStreamAsync<T>(new(workflowId, key, offset), limit, cancellationToken);
    }
}
