using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>
/// Makes each call on tables that are empty, on tables that were filled since, and when those were analysed: what is prepared keeps the
/// plan that it was given while they were empty.
/// </summary>
public sealed class RecordedPlans(SharedPostgres server) : IAsyncLifetime
{
    private const string CanBeTold = """
        SELECT CASE WHEN current_setting('is_superuser') = 'on' THEN EXISTS (
            SELECT FROM pg_ls_dir((SELECT setting FROM pg_config() WHERE name = 'PKGLIBDIR')) AS f(name) WHERE name LIKE 'auto_explain.%')
            ELSE false END
        """;

    private readonly Dictionary<string, List<(string When, object Seen)>> recorded = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>False where the server cannot tell how it executes.</summary>
    internal bool AreTold { get; private set; }

    /// <summary>All statements that were executed.</summary>
    internal HashSet<string> Statements { get; } = [];

    /// <summary>What was executed by a call, or how it failed.</summary>
    internal IReadOnlyList<(string When, object Seen)> Of(string call) => recorded[call];

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        var database = await server.CreateDatabaseAsync(Cancel);
        const string Plain = ";Pooling=false;Command Timeout=300;Search Path=" + PostgresStores.Schema;
        await using (var plain = NpgsqlDataSource.Create(database + Plain))
        {
            AreTold = (bool)(await AskAsync(plain, CanBeTold))!;
            if (AreTold)
            {
                await RecordAsync(database, plain);
            }
        }

        await server.ReturnDatabaseAsync(database);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => default;

    private async Task RecordAsync(string database, NpgsqlDataSource plain)
    {
        using var recorder = new PlanRecorder();
        await using var source = recorder.Connect(database);
        var options = new StoreOptions { Logger = NullLogger.Instance };
        await using var store = new PostgresStore(source, ownsDataSource: false, PostgresStores.Schema, options);
        await store.Schema.MigrateAsync(Cancel);
        foreach (var queue in LargeTables.Queues)
        {
            await store.Queues.RegisterAsync(Queueing.Registration(queue), Cancel);
        }

        recorder.Take();

        var executing = new Executing(store, source);
        await CallAsync(executing, recorder, "empty");
        await AskAsync(plain, LargeTables.Fill);
        await CallAsync(executing, recorder, "filled");
        await AskAsync(plain, "ANALYZE");
        await CallAsync(executing, recorder, "analysed");
    }

    private async Task CallAsync(Executing executing, PlanRecorder recorder, string when)
    {
        foreach (var (name, call) in HotCall.All)
        {
            var seen = recorded.TryGetValue(name, out var before) ? before : recorded[name] = [];
            try
            {
                await call.Run(executing);
            }
            catch (Exception failure)
            {
                seen.Add((when, failure));
            }

            foreach (var plan in recorder.Take())
            {
                Statements.Add(plan.Statement);
                seen.Add((when, plan));
            }
        }
    }

    private static async Task<object?> AskAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancel);
    }
}
