using System.Globalization;
using System.Reflection;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Recovery;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent;

/// <summary>Launches an engine step by step; if a step fails, nothing is left running or open.</summary>
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
            var code = Task.Run(() => ReadCode(options, application, registry), cancellationToken);
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
            var parts = new EngineParts(options, store, registry, self, lease, clock);
            await WarnOfSharedVersionAsync(store, self, parts.Core.Logger, cancellationToken).ConfigureAwait(false);
            await RegisterQueuesAsync(options, store, self, cancellationToken).ConfigureAwait(false);
            await parts.Recovery.RecoverAtLaunchAsync(cancellationToken).ConfigureAwait(false);

            // Before anything runs, as a step may use the engine as a client.
            var engine = new WorkflowEngine(parts, options.DrainTimeout);
            await engine.Schedules.DeclareAsync(options.Schedules, cancellationToken).ConfigureAwait(false);
            await parts.Schedules.BeginAsync(cancellationToken).ConfigureAwait(false);
            parts.Start(engine);
            return engine;
        }
        catch
        {
            await GiveUpLeaseAsync(store, self).ConfigureAwait(false);
            throw;
        }
    }

    private static async Task WarnOfSharedVersionAsync(
        IStore store, ExecutorRegistration self, ILogger logger, CancellationToken cancellationToken)
    {
        var versions = await store.Versions.ReadAllAsync(null, cancellationToken).ConfigureAwait(false);
        if (versions.FirstOrDefault(row => row.Name == self.ApplicationVersion) is { ApplicationName: { } other }
            && other != self.ApplicationName)
        {
            logger.VersionIsAnothers(self.ApplicationVersion, other, self.ApplicationName);
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

    // The lease of a failed launch must not keep the next launch under this id waiting. If it was never taken, this changes nothing.
    private static async Task GiveUpLeaseAsync(IStore store, ExecutorRegistration self)
    {
        using var limit = new CancellationTokenSource(GiveUpLimit);
        try
        {
            // Ends only the lease: handing work on could also fail for the same reason as the launch.
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

    private static (string Version, IReadOnlyList<WorkflowCode> Workflows) ReadCode(
        EngineOptions options, string application, Registry registry)
    {
        var workflows = CodeVersion.Codes(registry);
        return (options.ApplicationVersion ?? EnvironmentVersion() ?? CodeVersion.Of(application, registry), workflows);
    }

    private static string? EnvironmentVersion() =>
        Environment.GetEnvironmentVariable(VersionVariable) is { Length: > 0 } version ? Names.CheckName(version, VersionVariable) : null;

    private static string DefaultApplicationName() =>
        Assembly.GetEntryAssembly()?.GetName().Name is { Length: > 0 } name ? Names.CheckName(name, "assembly name") : "dbos-fluent";
}
