using System.Data.Common;
using System.Runtime.CompilerServices;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Messages, events and streams, used from outside a workflow. Arguments are already checked.</summary>
internal sealed class ClientMessages(ClientCore core)
{
    public Task SendAsync(IReadOnlyList<OutgoingMessage> messages, PayloadFormat? format, CancellationToken cancellationToken)
    {
        core.Calls.ThrowIfStopped("send a message");
        return messages.Count == 0
            ? Task.CompletedTask
            : SendRowsAsync(Outbox.Rows(core.Serializer, messages, format), cancellationToken);
    }

    public async Task SendToForksAsync(OutgoingMessage message, PayloadFormat? format, CancellationToken cancellationToken)
    {
        var forks = await core.Calls.RepeatAsync(
            "send a message", (_, token) => core.Store.Messaging.ReadForksAsync(message.WorkflowId, token), cancellationToken)
            .ConfigureAwait(false);
        var all = forks.Prepend(message.WorkflowId).Select(id => message with { WorkflowId = id }).ToArray();
        await SendAsync(all, format, cancellationToken).ConfigureAwait(false);
    }

    public async Task SendInTransactionAsync(DbTransaction transaction, OutgoingMessage message, CancellationToken cancellationToken)
    {
        var row = Outbox.Row(core.Serializer, message, null);
        var result = await core.Calls.UseAsync(
            "send a message", token => core.Store.Outbox.SendAsync(transaction, row, token), cancellationToken).ConfigureAwait(false);
        if (result.Status != CommitStatus.Written)
        {
            // Also for Busy: the workflow was just being deleted.
            throw new NonExistentWorkflowException(message.WorkflowId);
        }
    }

    public async Task<IReadOnlyList<MessageInfo>> ListAsync(string workflowId, CancellationToken cancellationToken)
    {
        var stored = await core.Calls.RepeatAsync(
            "list messages", (_, token) => core.Store.Messaging.ReadMessagesAsync(workflowId, token), cancellationToken)
            .ConfigureAwait(false);
        return stored is null
            ? throw new NonExistentWorkflowException(workflowId)
            : [.. stored.Select(message => new MessageInfo(
                message.Id,
                message.Topic,
                core.Serializer.ToReadableJson(message.Value) ?? "null",
                EpochMs.ToMoment(message.SentAtMs),
                message.Consumed))];
    }

    public async Task<Optional<T>> GetEventAsync<T>(EventKey key, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var value = await core.Calls.UseAsync("wait for an event", token => WaitForEventAsync(key, timeout, token), cancellationToken)
            .ConfigureAwait(false);
        return value is { } found ? new Optional<T>(true, DecodeEvent<T>(key, found)) : default;
    }

    public async Task<IReadOnlyDictionary<string, T>> GetAllEventsAsync<T>(string workflowId, CancellationToken cancellationToken)
    {
        var rows = await core.Calls.RepeatAsync(
            "read events", (_, token) => core.Store.Messaging.ReadAllEventsAsync(workflowId, token), cancellationToken)
            .ConfigureAwait(false);
        return rows is null
            ? throw new NonExistentWorkflowException(workflowId)
            : rows.ToDictionary(row => row.Key.Key, row => DecodeEvent<T>(row.Key, row.Value)!, StringComparer.Ordinal);
    }

    public async IAsyncEnumerable<T> ReadStreamAsync<T>(
        StreamPosition position, TimeSpan? valueTimeout, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var next = position;
            var chunk = await core.Calls.UseAsync("read a stream", token => WaitForChunkAsync(next, valueTimeout, token), cancellationToken)
                .ConfigureAwait(false);
            if (!chunk.Exists)
            {
                throw new NonExistentWorkflowException(position.WorkflowId);
            }

            for (var i = 0; i < chunk.Values.Count; i++)
            {
                yield return DecodeValue<T>(position with { Offset = position.Offset + i }, chunk.Values[i]);
            }

            if (chunk.Ended)
            {
                yield break;
            }

            position = position with { Offset = position.Offset + chunk.Values.Count };
        }
    }

    private T? DecodeEvent<T>(EventKey key, Payload value)
    {
        try
        {
            return (T?)core.Serializer.Decode(value, typeof(T));
        }
        catch (SerializationFailedException exception)
        {
            throw SerializationFailure.At(
                exception, key.WorkflowId, $"Event '{key.Key}' of workflow '{key.WorkflowId}' cannot be decoded");
        }
    }

    private T DecodeValue<T>(StreamPosition position, Payload value)
    {
        try
        {
            return (T)core.Serializer.Decode(value, typeof(T))!;
        }
        catch (SerializationFailedException exception)
        {
            throw SerializationFailure.At(
                exception,
                position.WorkflowId,
                $"Value {position.Offset} of stream '{position.Key}' of workflow '{position.WorkflowId}' cannot be decoded");
        }
    }

    private async Task SendRowsAsync(MessageRow[] rows, CancellationToken cancellationToken)
    {
        var unit = new SendUnit(null, [], rows);
        var result = await core.Calls.UseAsync("send a message", token => WriteAsync(unit).WaitAsync(token), cancellationToken)
            .ConfigureAwait(false);
        if (result.Status != CommitStatus.Written)
        {
            throw WriteRefusals.ToException(unit, result);
        }
    }

    // A caller that stops waiting does not withdraw the message: the receiver is notified as soon as it is stored.
    private async Task<CommitResult> WriteAsync(SendUnit unit)
    {
        var result = await core.Write(unit).ConfigureAwait(false);
        if (result.Status == CommitStatus.Written)
        {
            core.Signals.Written(unit);
        }

        return result;
    }

    private async Task<Payload?> WaitForEventAsync(EventKey key, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var told = core.Wakeups.Events.Register(key);
        await WaitAsync(told.Found, () => core.Wakeups.Events.LookOnceAsync(key), timeout, cancellationToken).ConfigureAwait(false);
        return told.Found.IsCompleted ? await told.Found.ConfigureAwait(false) : null;
    }

    private async Task<StreamChunk> WaitForChunkAsync(StreamPosition position, TimeSpan? valueTimeout, CancellationToken cancellationToken)
    {
        using var told = core.Wakeups.Streams.Register(position);
        await WaitAsync(
            told.Found,
            () => core.Wakeups.Streams.LookOnceAsync(position),
            valueTimeout ?? Timeout.InfiniteTimeSpan,
            cancellationToken).ConfigureAwait(false);
        return told.Found.IsCompleted
            ? await told.Found.ConfigureAwait(false)
            : throw new StreamTimeoutException(position.WorkflowId, position.Key, position.Offset, valueTimeout!.Value);
    }

    private async Task WaitAsync(Task told, Func<Task> look, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var looked = look();

        // A wait that ends early must also end its timer, which may be set for a day.
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(told, EndAsync(timeout, done.Token)).ConfigureAwait(false);
        await done.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (!told.IsCompleted)
        {
            // The first read may take longer than a short timeout. Without an answer it says nothing about what is there.
            await Task.WhenAny(told, looked).WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        if (!told.IsCompleted && timeout > TimeSpan.Zero)
        {
            // What came in time may have come without a signal, or with a lost one.
            await Task.WhenAny(told, look()).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    // A wait that exceeds the longest timer is split.
    private async Task EndAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var clock = core.Clock;
        if (timeout == Timeout.InfiniteTimeSpan)
        {
            await Task.Delay(timeout, clock.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        try
        {
            await clock.WaitUntilAsync(WaitMarker.UntilMs(timeout, clock.NowMs), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The caller checks the token.
        }
    }
}
