using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public partial class WorkflowBuilder<TIn, TOut>
{
    /// <summary>Sends a message to a workflow, once.</summary>
    /// <remarks>
    /// The message and the outcome of the step are stored in one write; a replay sends nothing. For an idempotency key or a format, use
    /// <c>Then(x => Step.Send(…))</c>.
    /// </remarks>
    /// <param name="workflowId">Computes the destination from the state so far.</param>
    /// <param name="message">Computes the message; it must be serializable. It runs again on a replay.</param>
    /// <param name="topic">The topic under which the message is received; null, the default, for none.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>
    /// The definition so far; the step fails with a <see cref="NonExistentWorkflowException"/> if no workflow has the id.
    /// </returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    public WorkflowBuilder<TIn, TOut> Send<T>(
        Func<FlowState<TIn>, string> workflowId, Func<FlowState<TIn>, T> message, string? topic = null)
    {
        ArgumentNullException.ThrowIfNull(workflowId);
        ArgumentNullException.ThrowIfNull(message);
        ReservedTexts.CheckTopic(topic, nameof(topic));
        return Continue<Unit>(
            About("send", topic),
            NodeKind.BuiltIn,
            (flow, _) => new SendStep(
                BuiltInNames.Send, [OutgoingMessage.Create(workflowId(flow), message(flow), topic, idempotencyKey: null)], format: null),
            node => node with { Facts = "send", Code = [workflowId, message], ValueType = typeof(T) });
    }

    /// <summary>Waits for a message to this workflow, however long that takes.</summary>
    /// <remarks>
    /// The oldest unread message of the topic is consumed and stored as the step's outcome in one write; a replay returns the stored one. A
    /// long wait holds no memory, thread or connection.
    /// </remarks>
    /// <param name="topic">The topic under which the message was sent; null, the default, for messages without one.</param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The definition so far; name the message with <see cref="StepBuilder{TIn,TOut,T}.As"/>.</returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    public StepBuilder<TIn, TOut, T> Receive<T>(string? topic = null)
    {
        ReservedTexts.CheckTopic(topic, nameof(topic));
        return Continue<T>(
            About("receive", topic), NodeKind.BuiltIn, (_, _) => new ReceiveStep<T>(topic),
            node => node with { Facts = "receive", ValueType = typeof(T) });
    }

    /// <summary>Waits for a message to this workflow, for a limited time.</summary>
    /// <remarks>
    /// As <see cref="Receive{T}(string?)"/>, but the end of the wait is stored when the wait begins, and survives a restart. A timeout is
    /// stored as an outcome too.
    /// </remarks>
    /// <param name="topic">The topic under which the message was sent; null for messages without one.</param>
    /// <param name="timeout">
    /// How long, from the moment the step first runs; zero checks once, <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> waits
    /// forever.
    /// </param>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <returns>The definition so far; the result is the message, or no value after a timeout.</returns>
    /// <exception cref="ArgumentException">The topic is blank, too long, reserved or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative and not infinite.</exception>
    public StepBuilder<TIn, TOut, Optional<T>> Receive<T>(string? topic, TimeSpan timeout)
    {
        ReservedTexts.CheckTopic(topic, nameof(topic));
        WaitTime.Check(timeout, nameof(timeout));
        var title = About("receive", topic);
        return Continue<Optional<T>>(
            title, NodeKind.BuiltIn, (_, _) => new ReceiveInTimeStep<T>(topic, timeout),
            node => node with { Label = Within(title, timeout), Facts = $"receive {timeout:c}", ValueType = typeof(T) });
    }

    /// <summary>Sets an event of this workflow, which anyone can wait for; setting it again replaces the value.</summary>
    /// <remarks>The value and the outcome of the step are stored in one write; a replay sets nothing.</remarks>
    /// <param name="key">The event's key.</param>
    /// <param name="value">Computes the value from the state so far; it must be serializable.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The definition so far.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public WorkflowBuilder<TIn, TOut> SetEvent<T>(string key, Func<FlowState<TIn>, T> value)
    {
        Names.CheckName(key, nameof(key));
        ArgumentNullException.ThrowIfNull(value);
        return Continue<Unit>(
            About("set event", key), NodeKind.BuiltIn, (flow, _) => new SetEventStep<T>(key, value(flow)),
            node => node with { Facts = "set event", Code = [value], ValueType = typeof(T) });
    }

    /// <summary>Waits for an event of a workflow that need not exist yet.</summary>
    /// <remarks>
    /// The value, or its absence, is stored as the step's outcome: a replay returns the same, even if the event has changed by then. The
    /// end of the wait is stored when the wait begins, and survives a restart.
    /// </remarks>
    /// <param name="workflowId">Computes the id of the workflow that sets the event.</param>
    /// <param name="key">The event's key.</param>
    /// <param name="timeout">
    /// How long, from the moment the step first runs; zero checks once, <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> waits
    /// forever.
    /// </param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The definition so far; the result is the event's value, or no value after a timeout.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative and not infinite.</exception>
    public StepBuilder<TIn, TOut, Optional<T>> GetEvent<T>(Func<FlowState<TIn>, string> workflowId, string key, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(workflowId);
        Names.CheckName(key, nameof(key));
        WaitTime.Check(timeout, nameof(timeout));
        var title = About("get event", key);
        return Continue<Optional<T>>(
            title,
            NodeKind.BuiltIn,
            (flow, _) => new GetEventStep<T>(workflowId(flow), key, timeout),
            node => node with
            {
                Label = Within(title, timeout),
                Facts = $"get event {timeout:c}",
                Code = [workflowId],
                ValueType = typeof(T),
            });
    }

    /// <summary>Appends a value to a stream of this workflow, once.</summary>
    /// <remarks>The value and the outcome of the step are stored in one write; a replay appends nothing.</remarks>
    /// <param name="key">The stream's key; the first write creates the stream.</param>
    /// <param name="value">
    /// Computes the value from the state so far; it must be serializable. The text that marks the end of a stream fails the workflow with
    /// an <see cref="ArgumentException"/>.
    /// </param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The definition so far; the step fails with a <c>StreamClosedException</c> if the stream is closed.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public WorkflowBuilder<TIn, TOut> WriteStream<T>(string key, Func<FlowState<TIn>, T> value)
    {
        Names.CheckName(key, nameof(key));
        ArgumentNullException.ThrowIfNull(value);
        return Continue<Unit>(
            About("write stream", key), NodeKind.BuiltIn, (flow, _) => new WriteStreamStep<T>(key, value(flow)),
            node => node with { Facts = "write stream", Code = [value], ValueType = typeof(T) });
    }

    /// <summary>Closes a stream of this workflow, so that its readers finish. Closing a closed stream does nothing.</summary>
    /// <param name="key">The stream's key.</param>
    /// <returns>The definition so far.</returns>
    /// <exception cref="ArgumentException">The key is blank, too long or holds control characters.</exception>
    public WorkflowBuilder<TIn, TOut> CloseStream(string key)
    {
        Names.CheckName(key, nameof(key));
        return Continue<Unit>(
            About("close stream", key), NodeKind.BuiltIn, (_, _) => new CloseStreamStep(key), node => node with { Facts = "close stream" });
    }

    private static string About(string what, string? name) => name is null ? what : $"{what} {name}";

    private static string Within(string title, TimeSpan timeout) =>
        timeout == Timeout.InfiniteTimeSpan || timeout == TimeSpan.MaxValue ? title : $"{title}\nfor at most {timeout:c}";
}
