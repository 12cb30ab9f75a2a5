using Dbos.Fluent.Execution;
using Dbos.Fluent.Queues;
using Dbos.Fluent.Recovery;
using Dbos.Fluent.Retention;
using Dbos.Fluent.Schedules;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>The parts of a running engine, and the order in which they stop.</summary>
internal sealed class EngineParts
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);

    public required ClientCore Core { get; init; }

    public required RunEnvironment Environment { get; init; }

    public required RunningWorkflows Running { get; init; }

    public required WorkflowStarter Starter { get; init; }

    public required Adoption Adoption { get; init; }

    public required Dispatcher Dispatcher { get; init; }

    public required ParkedDispatcher ParkedDispatcher { get; init; }

    public required OutlookLoop Outlooks { get; init; }

    public required QueueBoard Queues { get; init; }

    public required ScheduleLoop Schedules { get; init; }

    public required ClaimedRuns ClaimedRuns { get; init; }

    public required Parking Parking { get; init; }

    public required LeaseLoop Leases { get; init; }

    public required RecoveryLoop Recovery { get; init; }

    public required SweepLoop Sweeps { get; init; }

    /// <summary>Null where the engine deletes nothing by itself.</summary>
    public RetentionLoop? Retention { get; set; }

    public required ExecutorRegistration Registration { get; init; }

    /// <summary>Recovery that somebody asks for.</summary>
    public OperatorRecovery OperatorRecovery =>
        field ??= new OperatorRecovery(Core.Store.Executors, Registration, Leases, Environment.Registry, Core.Logger);

    /// <summary>Tells of work that no engine takes.</summary>
    private LeaseKeeper LeaseKeeper => field ??= new LeaseKeeper(Core.Store.Executors, Registration, Environment.Lease);

    private StrandedWatch Stranded => field ??= new StrandedWatch(Core.Store.Versions, Registration, Leases, Core.Logger);

    /// <summary>Connects the parts to each other and starts the loops.</summary>
    public void Start()
    {
        Running.GaveUpPlace = OnGaveUpPlace;
        Running.Ending = (work, outcome) => Core.Wakeups.Outcomes.Complete(work.Id, outcome);
        Running.Ended = OnEnded;
        Recovery.HandedOn = _ => OnEnqueued("");
        Recovery.PeersSeen = any => ClaimedRuns.Pace.HasPeers = any;
        Recovery.Own = () => Running.Own;
        OperatorRecovery.HandedOn = _ => OnEnqueued("");
        OperatorRecovery.Own = () => Running.Own;
        Running.Crashed = Recovery.HandBack;
        ClaimedRuns.NotBegun = Recovery.HandBackUnbegun;
        ClaimedRuns.HandedBack = _ => OnEnqueued("");
        Parking.Parked = ParkedDispatcher.Parked;
        Leases.AfterGap = Sweeps.StopLostAsync;
        ClaimedRuns.DeadLettered = ids => OnCompletedElsewhere(ids);
        Dispatcher.Look = Outlooks.Wake;
        Queues.RoomMade = Dispatcher.RoomMade;
        Outlooks.Begins = ParkedDispatcher.LookBegins;
        Outlooks.Seen = OnOutlook;
        Sweeps.Expired = ids => OnCompletedElsewhere(ids);
        Core.Signals.Listen(OnSignal);
        Leases.Start();
        LeaseKeeper.Start();
        Recovery.Start();
        Stranded.Start();
        Sweeps.Start();
        Dispatcher.Start();
        ParkedDispatcher.Start();
        Outlooks.Start();
        Schedules.Start();
        Retention?.Start();
    }

    /// <summary>
    /// Claims no more, drains, ends the lease and hands the rest on, and closes the store; each part also if one before it fails.
    /// </summary>
    public async Task StopAsync(TimeSpan drain, CancellationToken cancellationToken)
    {
        try
        {
            // Before anything is waited for: from here on bodies cannot start workflows any more, and what they throw for it is no failure
            // of theirs once they have been told to stop.
            Running.BeginDrain();
            await Dispatcher.DisposeAsync().ConfigureAwait(false);
            await ParkedDispatcher.DisposeAsync().ConfigureAwait(false);
            await Schedules.DisposeAsync().ConfigureAwait(false);
            await Outlooks.DisposeAsync().ConfigureAwait(false);
            if (Retention is not null)
            {
                await Retention.DisposeAsync().ConfigureAwait(false);
            }

            // What leaves memory in the drain is handed on at its end, and uses up no attempt. Recovery would take it for lost, as nothing
            // here runs it any more.
            await Recovery.DisposeAsync().ConfigureAwait(false);
            await Running.DrainAsync(drain, cancellationToken).ConfigureAwait(false);
            await Running.WaitForEndAsync(StopGrace).ConfigureAwait(false);
            await Stranded.DisposeAsync().ConfigureAwait(false);
            await Sweeps.DisposeAsync().ConfigureAwait(false);
            await LeaseKeeper.DisposeAsync().ConfigureAwait(false);
            await Leases.DisposeAsync().ConfigureAwait(false);
            await Environment.Checkpointer.CloseAsync(StopGrace).ConfigureAwait(false);
            await HandOnAsync().ConfigureAwait(false);
        }
        finally
        {
            await Core.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task HandOnAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(StopGrace);
            // A connection that was lost while nobody used it shows at its next use, and another try has another.
            var handedOn = await StoreBackoff.RepeatAsync(
                _ => Core.Store.Executors.StopAsync(Registration.ExecutorId, Registration.Incarnation, limit.Token), limit.Token)
                .ConfigureAwait(false);
            if (handedOn > 0)
            {
                await Core.Store.Signals.AnnounceAsync([new StoreSignal(StoreSignalKind.Enqueued, "")], limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is StoreUnavailableException or OperationCanceledException)
        {
            // The database is away: the lease ends by itself, and the work goes on then.
            Environment.Logger.HandOnFailed(Registration.ExecutorId, exception);
        }
    }

    private void OnGaveUpPlace(ClaimedWorkflow work)
    {
        Dispatcher.PlaceFree(work);
        if (work.Queue is { } queue && Queues.Find(queue) is { Row.Queue.HasSharedLimit: true })
        {
            // Its place is free for whoever gets there first, which may be another process.
            Core.Sender.Announce(new StoreSignal(StoreSignalKind.Enqueued, queue));
        }
    }

    private void OnEnded(ClaimedWorkflow work, Messaging.WorkflowOutcome? outcome)
    {
        Dispatcher.RoomMade();
        ParkedDispatcher.RunEnded();
        if (outcome is null)
        {
            Core.Wakeups.Outcomes.LookAt(work.Id);
            return;
        }

        Schedules.Ended(work.Id);

        // Once more, for whoever has begun to wait while it still counted as running.
        Core.Wakeups.Outcomes.Complete(work.Id, outcome);
        Core.Wakeups.Streams.LookAtSignal(work.Id);
        ParkedDispatcher.Signal(new StoreSignal(StoreSignalKind.Completed, work.Id));
        Core.Sender.Announce(new StoreSignal(StoreSignalKind.Completed, work.Id));
    }

    private void OnEnqueued(string queue)
    {
        Dispatcher.Enqueued(queue);
        Outlooks.Wake();
        Core.Sender.Announce(new StoreSignal(StoreSignalKind.Enqueued, queue));
    }

    private void OnOutlook(QueueOutlook outlook)
    {
        Dispatcher.Saw(outlook);
        ParkedDispatcher.Saw(outlook.Parked);
        Sweeps.Saw(outlook.DeadlinePassed);
    }

    private void OnCompletedElsewhere(IReadOnlyList<string> ids)
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
