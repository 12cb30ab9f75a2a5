using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>Brings signals to those who wait in this process, and reports to others what was done here.</summary>
internal sealed class SignalRouter(
    IStore store, Wakeups wakeups, QueueBook book, SignalSender sender, ILogger logger, CancellationToken stopped)
{
    // As often as an engine sweeps.
    private static readonly TimeSpan EndsInterval = TimeSpan.FromSeconds(1);

    private Action<StoreSignal> routed = _ => { };
    private Task listening = Task.CompletedTask;

    /// <summary>Listens until the stop.</summary>
    /// <param name="alsoTell">
    /// What an engine does with each signal, from here or elsewhere, once those who wait for it are told; null for a client.
    /// </param>
    public void Listen(Action<StoreSignal>? alsoTell)
    {
        routed = alsoTell ?? routed;
        listening = Task.WhenAll(
            Task.Run(ListenAsync),
            Task.Run(() => CoverAsync(store.Capabilities.PollInterval, StoreSignal.Anything)),

            // Other SDKs announce no end of a workflow. An engine looks at what is awaited with each of its sweeps.
            alsoTell is null
                ? Task.Run(() => CoverAsync(EndsInterval, new StoreSignal(StoreSignalKind.Completed, "")))
                : Task.CompletedTask);
    }

    /// <summary>Completes when nothing listens any more, after the stop.</summary>
    public Task EndAsync() => listening;

    /// <summary>Reports a unit that was written here: to those who wait in this process at once, to others by a signal.</summary>
    public void Written(CommitUnit unit)
    {
        switch (unit)
        {
            case SendUnit send:
                foreach (var message in send.Messages)
                {
                    wakeups.Inboxes.Complete(new InboxKey(message.DestinationId, message.Topic), true);
                }

                break;
            case EventUnit set:
                wakeups.Events.Complete(new EventKey(set.Owner.WorkflowId, set.Key), set.Value);
                break;
            case StreamUnit write:
                wakeups.Streams.LookAtSignal(Wakeups.SignalOf(write.Owner.WorkflowId, write.Key));
                break;
        }

        foreach (var signal in StoreSignals.Of(unit))
        {
            routed(signal);
            Send(signal);
        }
    }

    /// <summary>Reports a change that was made here: to those who wait in this process at once, to others by a signal.</summary>
    public void Announce(StoreSignal signal)
    {
        // Not every store brings our own signals back to us.
        Route(signal);
        Send(signal);
    }

    /// <summary>Reports that a workflow was ended from outside: cancelled, or deleted.</summary>
    public void AnnounceGone(string workflowId)
    {
        Send(new StoreSignal(StoreSignalKind.Cancelled, workflowId));
        Announce(new StoreSignal(StoreSignalKind.Completed, workflowId));
    }

    /// <summary>Reports that any work, enqueued or parked, may have become an engine's that could not take it before.</summary>
    public void AnnounceAnyWork()
    {
        routed(StoreSignal.Anything);
        Send(new StoreSignal(StoreSignalKind.Enqueued, ""));
    }

    // The insert of a message announces itself.
    private void Send(StoreSignal signal)
    {
        if (signal.Kind != StoreSignalKind.Message)
        {
            sender.Announce(signal);
        }
    }

    private async Task ListenAsync()
    {
        try
        {
            await foreach (var signal in store.Signals.ListenAsync(stopped).ConfigureAwait(false))
            {
                Route(signal);
            }
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            // Nobody waits any more.
        }
        catch (Exception exception)
        {
            // Wake-ups are hints: without them the polls continue, and a person is told why everything is slower.
            logger.ListeningEnded(exception);
        }
    }

    // Behind signals that may be lost. Where nothing is signalled, or only that something changed, listening ticks by itself.
    private async Task CoverAsync(TimeSpan interval, StoreSignal signal)
    {
        if (!store.Capabilities.PushesSignals)
        {
            return;
        }

        using var timer = new PeriodicTimer(interval, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(stopped).ConfigureAwait(false))
            {
                Route(signal);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private void Route(StoreSignal signal)
    {
        if (signal.Kind == StoreSignalKind.Queue)
        {
            book.Forget(signal.Key);
        }

        wakeups.Route(signal);
        routed(signal);
    }
}
