using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>
/// Makes each call on tables that are empty, on tables that were filled since, and when those were analysed: what is prepared keeps the
/// plan that it was given while they were empty. All calls have the rights of the restricted role alone.
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

    /// <summary>The roles with whose rights it was, as connections said before and after.</summary>
    internal HashSet<string> Roles { get; } = [];

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
        var options = new StoreOptions { Logger = NullLogger.Instance };
        await using (var migrating = new PostgresStore(plain, ownsDataSource: false, PostgresStores.Schema, options))
        {
            await migrating.Schema.MigrateAsync(Cancel);
        }

        await RestrictedRole.GrantAsync(database, PostgresStores.Schema, Cancel);
        using var recorder = new PlanRecorder();
        await using var source = recorder.Connect(database, RestrictedRole.Name);
        await NoteRoleAsync(source);
        await using var store = new PostgresStore(source, ownsDataSource: false, PostgresStores.Schema, options);
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
        await NoteRoleAsync(source);
    }

    private async Task NoteRoleAsync(NpgsqlDataSource source) =>
        Roles.Add((string)(await AskAsync(source, "SELECT current_user::text"))!);

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
