using System.Data.Common;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>PostgreSQL databases, copies of one that was migrated once; other processes' changes are announced.</summary>
public class PostgresStores(SharedPostgres server) : StoreFixture
{
    internal const string Schema = MigratedDatabases.Schema;

    internal override bool PushesSignals => true;

    internal override bool LocksRows => true;

    /// <summary>LISTEN and NOTIFY.</summary>
    protected virtual bool Notifications => true;

    internal override async Task<StoreBed> CreateAsync()
    {
        var database = await server.Migrated.TakeAsync(TestContext.Current.CancellationToken);
        return new PostgresBed(database.ConnectionString, Notifications, _ => server.Migrated.ReturnAsync(database)) { Shared = database };
    }

    internal override async Task<StoreBed> CreateApartAsync()
    {
        var bed = await CreateEmptyAsync();
        await bed.Store.Schema.MigrateAsync(TestContext.Current.CancellationToken);
        return bed;
    }

    internal override async Task<StoreBed> CreateEmptyAsync() =>
        new PostgresBed(await server.CreateDatabaseAsync(TestContext.Current.CancellationToken), Notifications, server.ReturnDatabaseAsync);

    /// <summary>A database in which the role may look, and make nothing.</summary>
    internal override async Task<StoreBed> CreateUnusableAsync()
    {
        var database = await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        var builder = new NpgsqlConnectionStringBuilder(database);
        var role = "reader_of_" + builder.Database;
        await PostgresServer.ExecuteAsync(
            database, $"CREATE ROLE \"{role}\" LOGIN PASSWORD 'reader'", TestContext.Current.CancellationToken);
        var asReader = new NpgsqlConnectionStringBuilder(database) { Username = role, Password = "reader" }.ConnectionString;
        return new PostgresBed(asReader, Notifications, server.ReturnDatabaseAsync);
    }
}

/// <summary>One PostgreSQL database.</summary>
internal sealed class PostgresBed(string connectionString, bool notifications, Func<string, Task> release) : StoreBed
{
    private readonly List<NpgsqlDataSource> sources = [];

    public string ConnectionString => connectionString;

    /// <summary>The connections that are shared, where the database is.</summary>
    public MigratedDatabase? Shared { get; init; }

    public override async Task<IAsyncDisposable> HoldAsync(string workflowId)
    {
        var connection = await ConnectAsync();
        await using (var command = Command(
            connection, "BEGIN; SELECT 1 FROM workflow_status WHERE workflow_uuid = @id FOR UPDATE", ("@id", workflowId)))
        {
            await command.ExecuteNonQueryAsync();
        }

        return new Hold(connection);
    }

    /// <summary>A store that reaches the database in another way, such as through a proxy.</summary>
    public IStore OpenThrough(string other, TimeSpan commandTimeout) => Track(Make(other, Options(commandTimeout)));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var source in sources)
        {
            await source.DisposeAsync();
        }

        await release(connectionString);
    }

    protected override IStore Make(StoreOptions options) => Make(connectionString, options);

    protected override async Task<DbConnection> ConnectAsync()
    {
        if (Shared is not null)
        {
            return await Shared.Questions.OpenConnectionAsync();
        }

        var direct = new NpgsqlConnectionStringBuilder(connectionString) { SearchPath = PostgresStores.Schema, Pooling = false };
        var connection = new NpgsqlConnection(direct.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private PostgresStore Make(string through, StoreOptions options)
    {
        var source = Shared?.Source;
        if (source is null || through != connectionString)
        {
            source = NpgsqlDataSource.Create(through);
            sources.Add(source);
        }

        return new PostgresStore(source, ownsDataSource: false, PostgresStores.Schema, options with { Notifications = notifications });
    }
}
