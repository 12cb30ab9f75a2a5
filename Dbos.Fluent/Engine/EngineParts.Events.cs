using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <remarks>The reports of each part, and which other parts receive them.</remarks>
internal sealed partial class EngineParts
{
    private void OnRunEnding(ClaimedWorkflow work, WorkflowOutcome outcome) => Core.Wakeups.Outcomes.Complete(work.Id, outcome);

    private void OnRunEnded(ClaimedWorkflow work, WorkflowOutcome? outcome)
    {
        Dispatcher.RoomMade();
        ParkedDispatcher.RunEnded();

        // For callers that began to wait while the run still counted as running. They read the row, as some may wait for the workflow's
        // next run: it may have been rewound, or deleted and started again, since this run stored its end.
        Core.Wakeups.Outcomes.LookAt(work.Id);
        if (outcome is null)
        {
            return;
        }

        Schedules.Ended(work.Id);
        Core.Wakeups.Streams.LookAtSignal(work.Id);
        ParkedDispatcher.Signal(new StoreSignal(StoreSignalKind.Completed, work.Id));
        Core.Sender.Announce(new StoreSignal(StoreSignalKind.Completed, work.Id));
    }

    private void OnPlaceGivenUp(ClaimedWorkflow work)
    {
        Dispatcher.PlaceFree(work);
        if (work.Queue is { } queue && Queues.Find(queue) is { Row.Queue.HasSharedLimit: true })
        {
            // The first process to claim it takes the free place, which may be another process.
            Core.Sender.Announce(new StoreSignal(StoreSignalKind.Enqueued, queue));
        }
    }

    // All engines see that a delay is over, and one of them moves the workflow: it may serve neither its queue nor its version.
    private void OnReleased(string queue)
    {
        if (ClaimedRuns.Pace.HasPeers)
        {
            Core.Sender.Announce(new StoreSignal(StoreSignalKind.Enqueued, queue));
        }
    }

    private void OnRunCrashed(Ownership execution) => Recovery.HandBack(execution);

    private void OnRunNotBegun(Ownership execution) => Recovery.HandBackUnbegun(execution);

    private void OnRoomMade() => Dispatcher.RoomMade();

    private void OnParked(string workflowId, IReadOnlyList<WaitRow> waits) => ParkedDispatcher.Parked(workflowId, waits);

    // Workflows that an executor owned now wait in the internal queue.
    private void OnHandedOn(IReadOnlyList<string> ids)
    {
        if (engine is null)
        {
            // At launch, the first dispatch looks at everything anyway.
            return;
        }

        Dispatcher.Enqueued("");
        Outlooks.Wake();
        Core.Sender.Announce(new StoreSignal(StoreSignalKind.Enqueued, ""));
    }

    private void OnPeersSeen(bool any) => ClaimedRuns.Pace.HasPeers = any;

    private void OnOutlookBegins() => ParkedDispatcher.LookBegins();

    private void OnOutlookSeen(QueueOutlook outlook)
    {
        Dispatcher.Saw(outlook);
        ParkedDispatcher.Saw(outlook.Parked);
        Sweeps.Saw(outlook.DeadlinePassed);
    }

    // These workflows were cancelled at their deadline or given up, so no run has stored the end.
    private void OnEndedOutside(IReadOnlyList<string> ids)
    {
        foreach (var id in ids)
        {
            Core.Signals.Announce(new StoreSignal(StoreSignalKind.Completed, id));
        }
    }

    private void OnSignal(StoreSignal signal)
    {
        ParkedDispatcher.Signal(signal);
        if (signal.Kind is StoreSignalKind.Enqueued)
        {
            Dispatcher.Enqueued(signal.Key);
        }

        if (signal.Kind == StoreSignalKind.Schedule)
        {
            Schedules.Changed();
        }

        if (signal.Kind == StoreSignalKind.Completed)
        {
            Schedules.Ended(signal.Key);
        }

        if (signal.Kind is StoreSignalKind.Queue or StoreSignalKind.Anything
            || signal is { Kind: StoreSignalKind.Enqueued, Key: "" })
        {
            // The signal does not say what exactly there is to do.
            Outlooks.Wake();
        }

        if ((signal.Kind is StoreSignalKind.Cancelled && Running.Contains(signal.Key)) || signal.Kind is StoreSignalKind.Anything)
        {
            Sweeps.Wake();
        }
    }
}
