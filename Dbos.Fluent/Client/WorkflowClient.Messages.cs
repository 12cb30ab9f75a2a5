using System.Data.Common;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public partial class WorkflowClient
{
    /// <summary>Sends a message to a workflow and returns once it is durable.</summary>
    /// <remarks>
    /// Messages of one topic arrive in the order in which their sends completed. A message to a workflow that has ended is kept and never
    /// read. Called from inside a step it is sent once for each attempt, unless an idempotency key is given.
    /// </remarks>
    /// <param name="workflowId">The receiver's id.</param>
    /// <param name="message">The message; null is a message too.</param>
    /// <param name="topic">The topic it is received by; null, the default, for none.</param>
    /// <param name="idempotencyKey">
    /// A message whose key its receiver has had before, read or unread, is dropped silently; null sends always.
    /// </param>
    /// <param name="format">The stored form; null for MessagePack. A receiver in another language needs portable JSON.</param>
    /// <param name="toForks">True to send it to all forks of the workflow too, and to theirs; false by default.</param>
    /// <param name="cancellationToken">Gives up the call; the message is then sent or not.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>A task that completes when the message is durable.</returns>
    /// <exception cref="ArgumentException">An id, topic or key is blank, too long, or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is none of the known ones.</exception>
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
    /// <param name="messages">Receiver, message, topic and idempotency key of each; none is allowed and does nothing.</param>
    /// <param name="format">The stored form; null for MessagePack.</param>
    /// <param name="cancellationToken">Gives up the call; the messages are then sent or not, all of them.</param>
    /// <typeparam name="T">The messages' type.</typeparam>
    /// <returns>A task that completes when the messages are durable.</returns>
    /// <remarks>Everything said of <see cref="SendAsync{T}"/> holds for each. They arrive in the order given.</remarks>
    /// <exception cref="ArgumentException">
    /// An id, topic or key is invalid, or a key is given twice for one receiver; nothing was stored.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is none of the known ones; nothing was stored.</exception>
    /// <exception cref="NonExistentWorkflowException">One of the receivers does not exist; nothing was stored.</exception>
    /// <exception cref="SerializationFailedException">
    /// A message cannot be stored, or all together are more than 512 MiB as they are stored: send them in portions. Nothing was stored.
    /// </exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task SendManyAsync<T>(
        IEnumerable<(string WorkflowId, T Message, string? Topic, string? IdempotencyKey)> messages,
        PayloadFormat? format = null,
        CancellationToken cancellationToken = default) =>
        this.messages.SendAsync(OutgoingMessage.CreateMany(messages), PayloadFormats.Check(format), cancellationToken);

    /// <summary>Sends a message as part of the caller's own transaction on the same database: it arrives when that commits.</summary>
    /// <param name="transaction">An open <c>NpgsqlTransaction</c> or <c>SqliteTransaction</c> on the database of this client.</param>
    /// <param name="workflowId">The receiver's id.</param>
    /// <param name="message">The message.</param>
    /// <param name="topic">What it is about; null, the default, for no topic.</param>
    /// <param name="idempotencyKey">Sends with the same key to this receiver count once; null, the default, for none.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>A task that completes when the message is part of the transaction.</returns>
    /// <exception cref="ArgumentException">
    /// The transaction is another database's, or has ended; or an id or text is not valid.
    /// </exception>
    /// <exception cref="InvalidOperationException">PostgreSQL: an earlier statement in the transaction failed.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id. The transaction is still good.</exception>
    /// <exception cref="SerializationFailedException">The message cannot be stored.</exception>
    /// <exception cref="StoreUnavailableException">The database was lost meanwhile; nothing is repeated inside a transaction.</exception>
    /// <exception cref="DbException">
    /// The database ended the transaction over another one (a deadlock, a serialization failure, a lock that was not had in time): the
    /// driver's own exception. Roll back and run the transaction again.
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
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <returns>The messages, their values as readable JSON.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    public Task<IReadOnlyList<MessageInfo>> GetMessagesAsync(string workflowId, CancellationToken cancellationToken = default) =>
        messages.ListAsync(Names.CheckId(workflowId, nameof(workflowId)), cancellationToken);

    /// <summary>Waits for an event of a workflow and gives its latest value.</summary>
    /// <param name="workflowId">The workflow's id; it need not exist yet.</param>
    /// <param name="key">The event's key.</param>
    /// <param name="timeout">
    /// How long to wait; zero looks once, <see cref="Timeout.InfiniteTimeSpan"/> waits without end.
    /// </param>
    /// <param name="cancellationToken">Gives up the wait.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The value, which may be null; no value if it was not set in time.</returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="SerializationFailedException">The value is not one of this type.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped, or stopped while this waited.</exception>
    public Task<Optional<T>> GetEventAsync<T>(
        string workflowId, string key, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        Names.CheckName(key, nameof(key));
        return messages.GetEventAsync<T>(new(workflowId, key), WaitTime.Check(timeout, nameof(timeout)), cancellationToken);
    }

    /// <summary>Reads the latest values of all events of a workflow. They stay readable when it has ended.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <typeparam name="T">The type of all values.</typeparam>
    /// <returns>The values by key; none if none was set.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="SerializationFailedException">A value is not one of this type.</exception>
    public Task<IReadOnlyDictionary<string, T>> GetAllEventsAsync<T>(string workflowId, CancellationToken cancellationToken = default) =>
        messages.GetAllEventsAsync<T>(Names.CheckId(workflowId, nameof(workflowId)), cancellationToken);

    /// <summary>Reads a stream of a workflow, value by value, as they are written, to its end.</summary>
    /// <remarks>
    /// It ends where the stream is closed, or where its writer has ended without closing it. Many may read one stream. Nothing is read
    /// until the first value is asked for.
    /// </remarks>
    /// <param name="workflowId">The writer's id.</param>
    /// <param name="key">The stream's key.</param>
    /// <param name="offset">The first value to read, counted from 0.</param>
    /// <param name="valueTimeout">How long to wait for each value; null, the default, waits without end.</param>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <typeparam name="T">The type of the values.</typeparam>
    /// <returns>The values, in the order in which they were written.</returns>
    /// <exception cref="ArgumentException">The id or key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The offset or the timeout is negative.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has the id.</exception>
    /// <exception cref="StreamTimeoutException">No value came in time.</exception>
    /// <exception cref="SerializationFailedException">A value is not one of this type.</exception>
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
