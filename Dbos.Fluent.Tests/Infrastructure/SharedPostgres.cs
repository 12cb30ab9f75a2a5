using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;

[assembly: AssemblyFixture(typeof(Dbos.Fluent.Tests.Infrastructure.SharedPostgres))]

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>
/// The PostgreSQL server that all tests of a run share: the one named by <c>DBOS_TEST_POSTGRES</c>, else one of its own. It starts with
/// the first test that asks, so that a run of pure tests starts none.
/// </summary>
/// <remarks>
/// A test never writes into a database of another: it takes a database of its own (<see cref="CreateDatabaseAsync"/>, about 30 ms), or a
/// schema of its own in one that its class shares.
/// </remarks>
public sealed class SharedPostgres : IAsyncDisposable
{
    /// <summary>
    /// The environment variable with the connection string of a server to use; its role must be able to create databases.
    /// </summary>
    public const string Variable = PostgresInstallation.Variable;

    private const string Prefix = "dbos_test_";
    private const string EmptyTemplate = "template1";

    // Much faster than dropping a database, for which the server writes a checkpoint. It gives up where a connection left behind is in the
    // way.
    private const string DropEverything = """
        SET lock_timeout = '2s';
        DO $$ DECLARE s name; BEGIN
          FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
            EXECUTE format('DROP SCHEMA %I CASCADE', s);
          END LOOP;
        END $$;
        CREATE SCHEMA public;
        """;

    private static readonly TimeSpan LeftoverAge = TimeSpan.FromDays(1);

    private readonly Lazy<Task<string>> started;
    private readonly ConcurrentQueue<string> databases = new();
    private readonly ConcurrentBag<string> emptied = [];
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> templates = new();
    private PostgresServer? own;
    private MigratedDatabases? migrated;
    private int databaseCount;

    /// <summary>Starts nothing yet.</summary>
    public SharedPostgres() => started = new(StartAsync);

    /// <summary>Databases that are migrated already.</summary>
    internal MigratedDatabases Migrated => LazyInitializer.EnsureInitialized(ref migrated, () => new MigratedDatabases(this));

    /// <summary>The server's own database, for tests that need no other.</summary>
    /// <returns>A connection string.</returns>
    public Task<string> ConnectAsync()
    {
        SkipOrFailWhenMissing();
        return started.Value;
    }

    /// <summary>A new database, empty or a copy of the template.</summary>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <param name="template">A template database made by <see cref="CreateTemplateAsync"/>; an empty one if not given.</param>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellationToken, string template = EmptyTemplate)
    {
        var server = await ConnectAsync();
        return template == EmptyTemplate && emptied.TryTake(out var used) ? used : await MakeAsync(server, template, cancellationToken);
    }

    private async Task<string> MakeAsync(string server, string template, CancellationToken cancellationToken)
    {
        var name = NextName();
        databases.Enqueue(name);
        await PostgresServer.ExecuteAsync(server, $"CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"", cancellationToken);
        return new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
    }

    /// <summary>Makes a template database once for each key: what <paramref name="prepare"/> does to it, every copy has.</summary>
    /// <param name="key">What the template is of, such as a migration level.</param>
    /// <param name="prepare">Prepares the empty database, given its connection string, and leaves no connection to it open.</param>
    /// <returns>The template's name for <see cref="CreateDatabaseAsync"/>.</returns>
    public Task<string> CreateTemplateAsync(string key, Func<string, Task> prepare) =>
        templates.GetOrAdd(key, _ => new(() => PrepareAsync(prepare))).Value;

    /// <summary>
    /// Takes back a database that a test no longer needs: emptied for the next test, or dropped where somebody is still in it.
    /// </summary>
    /// <param name="connectionString">What <see cref="CreateDatabaseAsync"/> gave.</param>
    public async Task ReturnDatabaseAsync(string connectionString)
    {
        try
        {
            await PostgresServer.ExecuteAsync(connectionString, DropEverything, CancellationToken.None);
            emptied.Add(connectionString);
        }
        catch (PostgresException)
        {
            await DropAsync(await started.Value, new NpgsqlConnectionStringBuilder(connectionString).Database!);
        }
    }

    /// <summary>Removes what the run made, and the server if it is its own.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!started.IsValueCreated)
        {
            return;
        }

        await Migrated.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        if (own is not null)
        {
            await own.DisposeAsync();
            return;
        }

        foreach (var name in databases)
        {
            await DropAsync(await started.Value, name);
        }
    }

    private static void SkipOrFailWhenMissing()
    {
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)) || PostgresInstallation.Find() is not null)
        {
            return;
        }

        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
        {
            Assert.Fail(PostgresInstallation.Missing);
        }

        Assert.Skip(PostgresInstallation.Missing);
    }

    private static async Task DropLeftoversAsync(string server)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server) { Pooling = false }.ConnectionString);
        var leftovers = new List<string>();
        await using (var command = source.CreateCommand($"SELECT datname FROM pg_database WHERE datname LIKE '{Prefix}%'"))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                leftovers.Add(reader.GetString(0));
            }
        }

        var oldest = (DateTimeOffset.UtcNow - LeftoverAge).ToUnixTimeSeconds();
        foreach (var name in leftovers)
        {
            if (long.TryParse(name[Prefix.Length..].Split('_')[0], CultureInfo.InvariantCulture, out var made) && made < oldest)
            {
                await DropAsync(server, name);
            }
        }
    }

    private static Task DropAsync(string server, string name) =>
        PostgresServer.ExecuteAsync(server, $"DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)", CancellationToken.None);

    private async Task<string> PrepareAsync(Func<string, Task> prepare)
    {
        // A new one: in one that was used before, a process that was killed may have left a session, and a template must have none.
        var database = await MakeAsync(await ConnectAsync(), EmptyTemplate, CancellationToken.None);
        await prepare(database);
        return new NpgsqlConnectionStringBuilder(database).Database!;
    }

    private async Task<string> StartAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given)
        {
            await DropLeftoversAsync(given);
            return given;
        }

        own = await PostgresServer.StartAsync(durable: false, CancellationToken.None);
        return own.ConnectionString;
    }

    // The time in the name tells the leftovers of a killed run, the process id keeps two runs apart.
    private string NextName() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Prefix}{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}_{Environment.ProcessId}_{Interlocked.Increment(ref databaseCount)}");
}
