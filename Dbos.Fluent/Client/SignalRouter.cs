using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>Delivers signals to waiters in this process, and reports changes made here to other processes.</summary>
internal sealed class SignalRouter(
    IStore store, Wakeups wakeups, QueueBook book, SignalSender sender, ILogger logger, CancellationToken stopped)
{
    // The same interval as an engine's sweep.
    private static readonly TimeSpan EndsInterval = TimeSpan.FromSeconds(1);

    private Action<StoreSignal> routed = _ => { };
    private Task listening = Task.CompletedTask;

    /// <summary>Starts to listen, until the stop.</summary>
    /// <param name="alsoTell">
    /// What an engine does with each signal, from here or elsewhere, after the waiters were notified; null for a client.
    /// </param>
    public void Listen(Action<StoreSignal>? alsoTell)
    {
        routed = alsoTell ?? routed;
        listening = Task.WhenAll(
            Task.Run(ListenAsync),
            Task.Run(() => CoverAsync(store.Capabilities.PollInterval, StoreSignal.Anything)),

            // Other SDKs do not announce that a workflow ended. An engine checks awaited workflows with each sweep; a client polls here.
            alsoTell is null
                ? Task.Run(() => CoverAsync(EndsInterval, new StoreSignal(StoreSignalKind.Completed, "")))
                : Task.CompletedTask);
    }

    /// <summary>Completes after the stop, when listening has ended.</summary>
    public Task EndAsync() => listening;

    /// <summary>Reports a unit that was written here: directly to waiters in this process, by a signal to others.</summary>
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
                wakeups.Events.Complete(new EventKey(set.Owner.WorkflowId, set.Key), set.Value, set.WaitersUpTo);
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

    /// <summary>Reports a change that was made here: directly to waiters in this process, by a signal to others.</summary>
    public void Announce(StoreSignal signal)
    {
        // Not every store returns our own signals to us.
        Route(signal);
        Send(signal);
    }

    /// <summary>Reports that a workflow was ended from outside: cancelled, or deleted.</summary>
    public void AnnounceGone(string workflowId)
    {
        Send(new StoreSignal(StoreSignalKind.Cancelled, workflowId));
        Announce(new StoreSignal(StoreSignalKind.Completed, workflowId));
    }

    /// <summary>Reports that engines may now be able to take enqueued or parked work that they could not take before.</summary>
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
            // Signals are only hints: the polls continue without them. The log says why everything is slower.
            logger.ListeningEnded(exception);
        }
    }

    // Covers signals that may be lost. A store without signals, or with only "something changed", ticks by itself when listened to.
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
