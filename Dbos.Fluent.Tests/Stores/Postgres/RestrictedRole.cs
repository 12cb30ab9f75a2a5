using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A role that may read and write rows and nothing else: it can make no table, index, schema or temporary table.</summary>
internal static class RestrictedRole
{
    public const string Name = "dbos_fluent_reader_writer";

    /// <summary>Lets the role read and write a migrated schema.</summary>
    /// <returns>The connection string of the role.</returns>
    public static async Task<string> GrantAsync(string admin, string schema, CancellationToken cancellationToken)
    {
        var quoted = '"' + schema.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
        var unpooled = new NpgsqlConnectionStringBuilder(admin) { Pooling = false };
        await PostgresServer.ExecuteAsync(
            unpooled.ConnectionString,
            $"""
            DO $$ BEGIN
              CREATE ROLE {Name} LOGIN PASSWORD 'secret';
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$;
            DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
            GRANT USAGE ON SCHEMA {quoted} TO {Name};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {quoted} TO {Name};
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA {quoted} TO {Name};
            """,
            cancellationToken);
        return new NpgsqlConnectionStringBuilder(admin) { Username = Name, Password = "secret" }.ConnectionString;
    }
}

/// <summary>PostgreSQL databases whose engines and clients have no right to change a table; tests look at them with all rights.</summary>
public sealed class RestrictedDatabases(SharedPostgres server) : IDatabaseFixture
{
    /// <inheritdoc/>
    public Task<TestDatabase> CreateAsync() => CreateMigratedAsync();

    /// <inheritdoc/>
    public Task<TestDatabase> CreateCopyAsync() => CreateMigratedAsync();

    /// <inheritdoc/>
    public async Task<TestDatabase> CreateMigratedAsync()
    {
        var migrated = await server.Migrated.TakeAsync(TestContext.Current.CancellationToken);
        var admin = new PostgresTestDatabase(migrated, notifications: true, server.Migrated);
        return new RestrictedDatabase(admin, await migrated.RestrictedAsync());
    }
}

/// <summary>A migrated database that engines use under the restricted role.</summary>
internal sealed class RestrictedDatabase(PostgresTestDatabase admin, NpgsqlDataSource source) : TestDatabase
{
    public override IReadOnlyDictionary<string, string> WorkerSettings => throw new NotSupportedException("No worker runs here.");

    public override bool PushesSignals => true;

    /// <summary>A connection with the rights of an engine.</summary>
    public NpgsqlDataSource Source => source;

    public override void Use(ClientOptions options)
    {
        options.UsePostgres(source);
        if (options is EngineOptions engine)
        {
            engine.Migrate = false;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await admin.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override Task<System.Data.Common.DbConnection> OpenAsync() => admin.ConnectAsync();
}
