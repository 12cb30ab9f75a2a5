using System.Collections.Concurrent;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Stores.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>
/// Migrated PostgreSQL databases that are used again and again, emptied, with their connections: to migrate one, and to start a server
/// process for each connection, takes longer than most tests.
/// </summary>
/// <remarks>Only for tests that leave the tables as they are, and nothing behind that still writes.</remarks>
internal sealed class MigratedDatabases(SharedPostgres server) : IAsyncDisposable
{
    public const string Schema = "dbos";

    /// <summary>The application name by which the connections of worker processes are known.</summary>
    public const string Worker = "dbos-fluent-worker";

    // What a process had sent before it was killed may still write.
    private const string EndWorkers = $"""
        SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = '{Worker}'
        """;

    // Rows of other tables follow those they refer to. A statement that an engine gave up on may still write, into the next test.
    private static readonly string Empty = $"""
        SET lock_timeout = '2s';
        DO $$ BEGIN
          IF EXISTS (SELECT 1 FROM pg_stat_activity
                     WHERE datname = current_database() AND backend_type = 'client backend'
                       AND pid <> pg_backend_pid() AND state <> 'idle') THEN
            RAISE 'A statement still runs.';
          END IF;
        END $$;
        DO $$ DECLARE t name; BEGIN
          FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = '{Schema}' AND tablename NOT LIKE '%migrations' LOOP
            EXECUTE format('DELETE FROM {Schema}.%I', t);
          END LOOP;
        END $$;
        UPDATE {Schema}.dbos_migrations SET version = {SchemaLevel.DbosCurrent};
        RESET lock_timeout;
        """;

    private readonly ConcurrentBag<MigratedDatabase> free = [];
    private readonly ConcurrentBag<MigratedDatabase> all = [];

    /// <summary>A migrated database without rows, which nobody else uses until it is given back.</summary>
    public async Task<MigratedDatabase> TakeAsync(CancellationToken cancellationToken)
    {
        if (free.TryTake(out var used))
        {
            return used;
        }

        var database = new MigratedDatabase(await CopyAsync(cancellationToken));
        all.Add(database);
        return database;
    }

    /// <summary>A new migrated database that is not used again.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CopyAsync(CancellationToken cancellationToken) =>
        await server.CreateDatabaseAsync(cancellationToken, await server.CreateTemplateAsync("migrated", MigrateAsync));

    /// <summary>Takes a database back; one that somebody still uses is dropped.</summary>
    public async Task ReturnAsync(MigratedDatabase database)
    {
        try
        {
            // Through the few connections whose server processes have done it before: another would have to learn every table first.
            await using var ending = database.Questions.CreateCommand(EndWorkers);
            await ending.ExecuteNonQueryAsync();
            await using var emptying = database.Questions.CreateCommand(Empty);
            await emptying.ExecuteNonQueryAsync();
            free.Add(database);
        }
        catch (NpgsqlException)
        {
            await database.DisposeAsync();
            await server.ReturnDatabaseAsync(database.ConnectionString);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var database in all)
        {
            await database.DisposeAsync();
        }
    }

    private static async Task MigrateAsync(string connectionString)
    {
        // Not pooled, as a database that somebody is connected to cannot be copied.
        await using var source = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        await using var store = new PostgresStore(source, ownsDataSource: false, Schema, new StoreOptions { Logger = NullLogger.Instance });
        await store.Schema.MigrateAsync(CancellationToken.None);
    }
}

/// <summary>A database and the connections to it that its tests share.</summary>
internal sealed class MigratedDatabase(string connectionString) : IAsyncDisposable
{
    private readonly Lazy<Task<NpgsqlDataSource>> restricted = new(async () => NpgsqlDataSource.Create(
        await RestrictedRole.GrantAsync(connectionString, MigratedDatabases.Schema, CancellationToken.None)));

    public string ConnectionString { get; } = connectionString;

    /// <summary>For the stores and engines under test.</summary>
    public NpgsqlDataSource Source { get; } = NpgsqlDataSource.Create(connectionString);

    /// <summary>For what a test asks itself; tables are named without a schema.</summary>
    public NpgsqlDataSource Questions { get; } = NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(connectionString) { SearchPath = MigratedDatabases.Schema }.ConnectionString);

    /// <summary>For engines and clients that may only read and write rows.</summary>
    public Task<NpgsqlDataSource> RestrictedAsync() => restricted.Value;

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await Questions.DisposeAsync();
        if (restricted.IsValueCreated)
        {
            await (await restricted.Value).DisposeAsync();
        }
    }
}
