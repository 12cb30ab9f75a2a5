using System.Globalization;
using System.Reflection;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Queues;
using Dbos.Fluent.Recovery;
using Dbos.Fluent.Retention;
using Dbos.Fluent.Schedules;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent;

/// <summary>Puts an engine together, step by step; whatever fails, nothing is left running or open.</summary>
internal static class EngineLaunch
{
    private const string VersionVariable = "DBOS__APPVERSION";
    private static readonly TimeSpan GiveUpLimit = TimeSpan.FromSeconds(5);

    public static async Task<WorkflowEngine> RunAsync(EngineOptions options, CancellationToken cancellationToken)
    {
        var registry = new Registry(options.Definitions);
        var loggers = options.LoggerFactory ?? NullLoggerFactory.Instance;
        var application = options.ApplicationName ?? DefaultApplicationName();
        var choice = options.Store ?? StoreChoice.Default(application);
        if (choice is SqliteChoice { IsUnasked: true } file)
        {
            loggers.CreateLogger("Dbos.Fluent").NoDatabaseChosen(Path.GetFullPath(file.Path));
        }

        var opened = choice.Open(new StoreOptions
        {
            Time = options.TimeProvider,
            Logger = new GuardedLogger(loggers.CreateLogger("Dbos.Fluent.Storage")),
            Notifications = options.Notifications,
            PollInterval = options.PollInterval,
        });
        var store = options.WrapStore(opened);
        try
        {
            // The workflows' code is read while the first connection is made: neither needs the other.
            var code = Task.Run(() => ReadCode(options, registry), cancellationToken);
            await Task.WhenAll(code, PrepareAsync(store, options.Migrate, cancellationToken)).ConfigureAwait(false);
            var (version, workflows) = await code.ConfigureAwait(false);
            var registration = Registration(options, application, version) with { Workflows = workflows };
            return await BeginAsync(options, store, registry, registration, loggers, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<WorkflowEngine> BeginAsync(
        EngineOptions options,
        IStore store,
        Registry registry,
        ExecutorRegistration self,
        ILoggerFactory loggers,
        CancellationToken cancellationToken)
    {
        try
        {
            var clock = new StoreClock(options.TimeProvider);
            var lease = await ExecutorRegistrar.RegisterAsync(store.Executors, self, clock, loggers, cancellationToken)
                .ConfigureAwait(false);
            var parts = Assemble(options, store, registry, self, lease, clock, loggers);
            parts.Retention = options.Retention is { } policy
                ? new RetentionLoop(store.Management, new RetentionScope(policy, self.ApplicationName), parts.Core.Logger)
                : null;
            await RegisterQueuesAsync(options, store, self, cancellationToken).ConfigureAwait(false);
            await parts.Recovery.RecoverAtLaunchAsync(cancellationToken).ConfigureAwait(false);

            // Before anything runs, as a step may use the engine as a client.
            var engine = new WorkflowEngine(parts, options.DrainTimeout);
            await engine.Schedules.DeclareAsync(options.Schedules, cancellationToken).ConfigureAwait(false);
            await parts.Schedules.BeginAsync(cancellationToken).ConfigureAwait(false);
            parts.Start();
            return engine;
        }
        catch
        {
            await GiveUpLeaseAsync(store, self).ConfigureAwait(false);
            throw;
        }
    }

    private static async Task RegisterQueuesAsync(
        EngineOptions options, IStore store, ExecutorRegistration self, CancellationToken cancellationToken)
    {
        foreach (var queue in options.Queues)
        {
            var registration = new QueueRegistration(
                queue, OnConflict.UpdateIfLatestVersion, self.ApplicationName, self.ApplicationVersion);
            var registered = await store.Queues.RegisterAsync(registration, cancellationToken).ConfigureAwait(false);
            if (registered.OtherApplication is { } other)
            {
                throw ConflictingRegistrationException.OfQueue(queue.Name, other);
            }
        }
    }

    // The lease of a launch that failed must not keep the next one under this id waiting. Nothing happens if it was never taken.
    private static async Task GiveUpLeaseAsync(IStore store, ExecutorRegistration self)
    {
        using var limit = new CancellationTokenSource(GiveUpLimit);
        try
        {
            // Only the lease: to hand work on as well could fail for the very reason that the launch failed for.
            await StoreBackoff.RepeatAsync(ExpireAsync, limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is DbosException or OperationCanceledException)
        {
            // The launch has failed, most likely for the same reason; the lease ends by itself.
        }

        async Task<bool> ExpireAsync(int failures)
        {
            await store.Executors.ExpireAsync(self.ExecutorId, self.Incarnation, limit.Token).ConfigureAwait(false);
            return true;
        }
    }

    private static async Task PrepareAsync(IStore store, bool migrate, CancellationToken cancellationToken)
    {
        if (migrate)
        {
            await store.Schema.MigrateAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        var level = await store.Schema.ReadLevelAsync(cancellationToken).ConfigureAwait(false);
        if (level.Dbos is null or < SchemaLevel.DbosCurrent || level.Fluent is null or < SchemaLevel.FluentCurrent)
        {
            throw new StoreSchemaException(
                $"The database is at level {Level(level.Dbos)} of the DBOS tables and {Level(level.Fluent)} of the fluent_ tables; this "
                + $"version needs {SchemaLevel.DbosCurrent} and {SchemaLevel.FluentCurrent}. Nothing was changed: "
                + "launch once with Migrate = true, under a role that may create tables.");
        }
    }

    private static string Level(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "none";

    private static ExecutorRegistration Registration(EngineOptions options, string application, string version) => new(
        options.ExecutorId ?? Guid.CreateVersion7().ToString(),
        Guid.CreateVersion7().ToString(),
        application,
        version,
        HostProcesses.Current,
        options.Lease);

    private static (string Version, IReadOnlyList<WorkflowCode> Workflows) ReadCode(EngineOptions options, Registry registry)
    {
        var workflows = CodeVersion.Codes(registry);
        return (options.ApplicationVersion ?? EnvironmentVersion() ?? CodeVersion.Of(registry), workflows);
    }

    private static string? EnvironmentVersion() =>
        Environment.GetEnvironmentVariable(VersionVariable) is { Length: > 0 } version ? Names.CheckName(version, VersionVariable) : null;

    private static string DefaultApplicationName() =>
        Assembly.GetEntryAssembly()?.GetName().Name is { Length: > 0 } name ? Names.CheckName(name, "assembly name") : "dbos-fluent";

    private static EngineParts Assemble(
        EngineOptions options,
        IStore store,
        Registry registry,
        ExecutorRegistration self,
        Lease lease,
        StoreClock clock,
        ILoggerFactory loggers)
    {
        var running = new RunningWorkflows();
        var core = Core(options, store, self, clock, loggers, running);
        var checkpointer = new Checkpointer(store.Commits, store.Capabilities.Lanes, core.Stopped);
        core.Write = checkpointer.WriteAsync;
        var (queues, parking) = (new QueueBoard(options.ListenTo), new Parking(checkpointer, core.Logger));
        var environment = new RunEnvironment
        {
            ExecutorId = self.ExecutorId,
            ApplicationName = self.ApplicationName,
            ApplicationVersion = self.ApplicationVersion,
            Registry = registry,
            Checkpointer = checkpointer,
            Serializer = core.Serializer,
            Clock = clock,
            Lease = lease,
            InHand = running.InHand,
            Wakeups = core.Wakeups,
            Written = core.Written,
            WhyLost = new LostReasons(store.Workflows, core.Stopped).ReadAsync,
            UnloadAfter = options.UnloadAfter,
            Leave = parking.LeaveAsync,
            Places = queues,
            Client = () => core.Client!,
            Services = options.Services ?? EmptyServices.Instance,
            Logger = core.Logger,
            WorkflowLogger = loggers.CreateLogger("Dbos.Fluent.Workflow"),
            Handles = core,
        };
        var starter = new WorkflowStarter(environment, running, core.Book);
        core.Starts = starter;
        var runs = new ClaimedRuns(store, environment, running, starter, options.MaxRecoveryAttempts);
        var leases = new LeaseLoop(store.Executors, self, lease, clock, core.Logger);
        var deadlineError = CancelErrors.Encode(core.Serializer, CancellationReason.DeadlineExceeded);
        return new EngineParts
        {
            Core = core,
            Environment = environment,
            Running = running,
            ClaimedRuns = runs,
            Parking = parking,
            Queues = queues,
            Schedules = Schedules(store, environment, core),
            Outlooks = new OutlookLoop(store.Queues, self.ApplicationName, core.Logger),
            Dispatcher = new Dispatcher(store.Queues, runs, environment, queues),
            ParkedDispatcher = new ParkedDispatcher(store, runs, environment, core.Logger),
            Leases = leases,
            Recovery = new RecoveryLoop(store.Executors, self, leases, registry, core.Logger),
            Sweeps = new SweepLoop(store.Workflows, self.ApplicationName, running, core.Wakeups, deadlineError, core.Logger),
            Registration = self,
        };
    }

    private static ScheduleLoop Schedules(IStore store, RunEnvironment environment, ClientCore core) => new(
        store.Schedules,
        environment,
        new ScheduleFiring(store.Schedules, environment, core.Explainer, core.Written),
        store.Capabilities.PollInterval);

    private static ClientCore Core(
        EngineOptions options,
        IStore store,
        ExecutorRegistration self,
        StoreClock clock,
        ILoggerFactory loggers,
        RunningWorkflows running) => new(store, new PayloadSerializer(options.JsonOptions, options.Limits), clock, loggers, running)
        {
            Identity = new StarterIdentity(self.ApplicationName, self.ApplicationVersion, self.ExecutorId),
        };

    /// <summary>Stands where the application gave no services.</summary>
    private sealed class EmptyServices : IServiceProvider
    {
        public static EmptyServices Instance { get; } = new();

        public object? GetService(Type serviceType) => null;
    }
}
