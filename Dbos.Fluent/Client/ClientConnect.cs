using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent;

/// <summary>Creates a client; if that fails, nothing is left open.</summary>
internal static class ClientConnect
{
    // The file name for clients with neither an application name nor a chosen database.
    private const string Nameless = "dbos-fluent";

    public static async Task<WorkflowClient> RunAsync(ClientOptions options, CancellationToken cancellationToken)
    {
        var loggers = options.LoggerFactory ?? NullLoggerFactory.Instance;
        var store = Open(options, loggers, hasSideTables: true);
        try
        {
            if (!await HasSideTablesAsync(store, cancellationToken).ConfigureAwait(false))
            {
                // A client creates no tables, and manages the workflows of another SDK without them.
                var without = Open(options, loggers, hasSideTables: false);
                await store.DisposeAsync().ConfigureAwait(false);
                store = without;
            }

            var calls = new CallGuard(isEngine: false);
            var core = new ClientCore(
                store,
                calls,
                new PayloadSerializer(options.JsonOptions, options.Limits),
                new StoreClock(options.TimeProvider),
                loggers,
                running: null)
            {
                Identity = new StarterIdentity(options.ApplicationName),
                Write = new DirectWrites(store.Commits, calls.Stopped).WriteAsync,
            };
            core.Signals.Listen(alsoTell: null);
            return new WorkflowClient(
                core, new QueuedStarts(core.Identity, core.Serializer, core.Book, core.Write, core.Signals.Written), adoption: null);
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static IStore Open(ClientOptions options, ILoggerFactory loggers, bool hasSideTables) =>
        options.WrapStore((options.Store ?? StoreChoice.Default(options.ApplicationName ?? Nameless)).Open(new StoreOptions
        {
            Time = options.TimeProvider,
            Logger = new GuardedLogger(loggers.CreateLogger("Dbos.Fluent.Storage")),
            Notifications = options.Notifications,
            PollInterval = options.PollInterval,
            HasSideTables = hasSideTables,
        }));

    private static async Task<bool> HasSideTablesAsync(IStore store, CancellationToken cancellationToken)
    {
        var reading = store.Schema.ReadLevelAsync(cancellationToken);

        // The driver may miss a cancellation that comes while it opens a connection. Then nobody waits for it any more, and how it ends
        // counts as seen.
        reading.ObserveFault();
        var level = await reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (level.Dbos is null or < SchemaLevel.DbosCurrent)
        {
            throw new StoreSchemaException(
                $"The database is at level {level.Dbos?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"} of the DBOS "
                + $"tables; this version needs {SchemaLevel.DbosCurrent}. A client changes no table: launch an engine once, "
                + "under a role that may create tables.");
        }

        return level.Fluent is not null;
    }
}
