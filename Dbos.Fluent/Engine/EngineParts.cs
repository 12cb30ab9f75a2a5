using Dbos.Fluent.Execution;
using Dbos.Fluent.Queues;
using Dbos.Fluent.Recovery;
using Dbos.Fluent.Retention;
using Dbos.Fluent.Schedules;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent;

/// <summary>The parts of a running engine. They do not know each other; each reports to the methods of EngineParts.Events.cs.</summary>
internal sealed partial class EngineParts
{
    private WorkflowEngine? engine;

    /// <summary>Creates the parts. A part does and reports nothing before it is started or called.</summary>
    public EngineParts(
        EngineOptions options, IStore store, Registry registry, ExecutorRegistration self, Lease lease, StoreClock clock)
    {
        var loggers = options.LoggerFactory ?? NullLoggerFactory.Instance;
        Registration = self;
        Running = new RunningWorkflows { Ending = OnRunEnding, Ended = OnRunEnded, GaveUpPlace = OnPlaceGivenUp, Crashed = OnRunCrashed };
        var calls = new CallGuard(isEngine: true);
        var checkpointer = new Checkpointer(store.Commits, store.Capabilities.Lanes, calls.Stopped);
        var serializer = new PayloadSerializer(options.JsonOptions, options.Limits);
        Core = new ClientCore(store, calls, serializer, clock, loggers, Running)
        {
            Identity = new StarterIdentity(self.ApplicationName, self.ApplicationVersion, self.ExecutorId),
            Write = checkpointer.WriteAsync,
        };
        Queues = new QueueBoard(options.ListenTo) { RoomMade = OnRoomMade };
        Environment = NewEnvironment(options, registry, lease, checkpointer, loggers.CreateLogger("Dbos.Fluent.Workflow"));
        Starter = new WorkflowStarter(Environment, Running, Core.Book);

        // Claiming.
        ClaimedRuns = new ClaimedRuns(store, Environment, Running, Starter, options.MaxRecoveryAttempts)
        {
            NotBegun = OnRunNotBegun,
            HandedBack = OnHandedOn,
            DeadLettered = OnEndedOutside,
        };
        Outlooks = new OutlookLoop(store.Queues, self.ApplicationName, Core.Logger) { Begins = OnOutlookBegins, Seen = OnOutlookSeen };
        Dispatcher = new Dispatcher(store.Queues, ClaimedRuns, Environment, Queues) { Look = Outlooks.Wake, Released = OnReleased };
        ParkedDispatcher = new ParkedDispatcher(store, ClaimedRuns, Environment, Core.Logger);
        var firing = new ScheduleFiring(store.Schedules, Environment, Core.Explainer, Core.Signals.Written);
        Schedules = new ScheduleLoop(store.Schedules, Environment, firing, store.Capabilities.PollInterval);

        // Owning.
        Sweeps = new SweepLoop(
            store.Workflows,
            self.ApplicationName,
            Running,
            Core.Wakeups,
            CancelErrors.Encode(serializer, CancellationReason.DeadlineExceeded),
            Core.Logger)
        { Expired = OnEndedOutside };
        Leases = new LeaseLoop(store.Executors, self, lease, clock, Core.Logger) { AfterGap = Sweeps.StopLostAsync };
        LeaseKeeper = new LeaseKeeper(store.Executors, self, lease);
        Recovery = new RecoveryLoop(store.Executors, self, Leases, registry, Core.Logger)
        {
            HandedOn = OnHandedOn,
            PeersSeen = OnPeersSeen,
            Own = () => Running.Own,
        };
        OperatorRecovery = new OperatorRecovery(store.Executors, self, Leases, registry, Core.Logger)
        {
            HandedOn = OnHandedOn,
            Own = () => Running.Own,
        };
        Adoption = new Adoption(store, Environment, Leases, self.Lease);
        Stranded = new StrandedWatch(store.Versions, self, Leases, Core.Logger);
        Retention = options.Retention is { } policy
            ? new RetentionLoop(store.Management, new RetentionScope(policy, self.ApplicationName), Core.Logger)
            : null;
    }

    public ExecutorRegistration Registration { get; }

    public ClientCore Core { get; }

    public RunEnvironment Environment { get; }

    public RunningWorkflows Running { get; }

    public WorkflowStarter Starter { get; }

    public QueueBoard Queues { get; }

    public ClaimedRuns ClaimedRuns { get; }

    public Dispatcher Dispatcher { get; }

    public ParkedDispatcher ParkedDispatcher { get; }

    public OutlookLoop Outlooks { get; }

    public ScheduleLoop Schedules { get; }

    public LeaseLoop Leases { get; }

    /// <summary>Renews the lease if the loop cannot.</summary>
    public LeaseKeeper LeaseKeeper { get; }

    public SweepLoop Sweeps { get; }

    public RecoveryLoop Recovery { get; }

    /// <summary>Recovery on request.</summary>
    public OperatorRecovery OperatorRecovery { get; }

    /// <summary>Takes over the work of other versions.</summary>
    public Adoption Adoption { get; }

    /// <summary>Reports work that no engine takes.</summary>
    public StrandedWatch Stranded { get; }

    /// <summary>Null if the engine deletes nothing by itself.</summary>
    public RetentionLoop? Retention { get; }

    /// <summary>Starts the loops.</summary>
    /// <param name="owner">The engine, which steps use as a client.</param>
    public void Start(WorkflowEngine owner)
    {
        engine = owner;
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

    private RunEnvironment NewEnvironment(
        EngineOptions options, Registry registry, Lease lease, Checkpointer checkpointer, ILogger workflowLogger) => new()
        {
            ExecutorId = Registration.ExecutorId,
            ApplicationName = Registration.ApplicationName,
            ApplicationVersion = Registration.ApplicationVersion,
            Registry = registry,
            Checkpointer = checkpointer,
            Serializer = Core.Serializer,
            Clock = Core.Clock,
            Lease = lease,
            InHand = Running.InHand,
            Wakeups = Core.Wakeups,
            Written = Core.Signals.Written,
            WhyLost = new LostReasons(Core.Store.Workflows, Core.Calls.Stopped).ReadAsync,
            UnloadAfter = options.UnloadAfter,
            Leave = new Parking(checkpointer, Core.Logger) { Parked = OnParked }.LeaveAsync,
            Places = Queues,
            Client = () => engine!,
            Services = options.Services ?? EmptyServices.Instance,
            Logger = Core.Logger,
            WorkflowLogger = workflowLogger,
            Handles = Core.Outcomes,
        };

    /// <summary>The services of an application that provides none.</summary>
    private sealed class EmptyServices : IServiceProvider
    {
        public static EmptyServices Instance { get; } = new();

        public object? GetService(Type serviceType) => null;
    }
}
