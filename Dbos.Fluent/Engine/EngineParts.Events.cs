using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <remarks>What each part reports, and which others learn of it.</remarks>
internal sealed partial class EngineParts
{
    private void OnRunEnding(ClaimedWorkflow work, WorkflowOutcome outcome) => Core.Wakeups.Outcomes.Complete(work.Id, outcome);

    private void OnRunEnded(ClaimedWorkflow work, WorkflowOutcome? outcome)
    {
        Dispatcher.RoomMade();
        ParkedDispatcher.RunEnded();
        if (outcome is null)
        {
            Core.Wakeups.Outcomes.LookAt(work.Id);
            return;
        }

        Schedules.Ended(work.Id);

        // Once more, for callers who began to wait while it still counted as running.
        Core.Wakeups.Outcomes.Complete(work.Id, outcome);
        Core.Wakeups.Streams.LookAtSignal(work.Id);
        ParkedDispatcher.Signal(new StoreSignal(StoreSignalKind.Completed, work.Id));
        Core.Sender.Announce(new StoreSignal(StoreSignalKind.Completed, work.Id));
    }

    private void OnPlaceGivenUp(ClaimedWorkflow work)
    {
        Dispatcher.PlaceFree(work);
        if (work.Queue is { } queue && Queues.Find(queue) is { Row.Queue.HasSharedLimit: true })
        {
            // Its place is free for the first to claim it, which may be another process.
            Core.Sender.Announce(new StoreSignal(StoreSignalKind.Enqueued, queue));
        }
    }

    private void OnRunCrashed(Ownership execution) => Recovery.HandBack(execution);

    private void OnRunNotBegun(Ownership execution) => Recovery.HandBackUnbegun(execution);

    private void OnRoomMade() => Dispatcher.RoomMade();

    private void OnParked(string workflowId, IReadOnlyList<WaitRow> waits) => ParkedDispatcher.Parked(workflowId, waits);

    // Work that was some executor's waits in the internal queue.
    private void OnHandedOn(IReadOnlyList<string> ids)
    {
        if (engine is null)
        {
            // At launch: the first dispatch looks at everything anyway.
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

    // Cancelled at their deadline, or given up: no run has stored the end.
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
            // What exactly is there to do is not said.
            Outlooks.Wake();
        }

        if ((signal.Kind is StoreSignalKind.Cancelled && Running.Contains(signal.Key)) || signal.Kind is StoreSignalKind.Anything)
        {
            Sweeps.Wake();
        }
    }
}
