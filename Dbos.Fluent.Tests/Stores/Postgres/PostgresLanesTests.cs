using System.Data;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Connections that are kept open: the driver and the server may end them while nobody uses them.</summary>
public sealed class PostgresLanesTests(SharedPostgres server) : IAsyncLifetime
{
    private NpgsqlDataSource source = null!;
    private PostgresLanes lanes = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        source = NpgsqlDataSource.Create(await server.CreateDatabaseAsync(Cancel) + ";Keepalive=1");
        var database = new PostgresDatabase(source, new SchemaName("dbos"), new StoreOptions { Logger = NullLogger.Instance });
        lanes = new PostgresLanes(database, 1);
    }

    public async ValueTask DisposeAsync()
    {
        await lanes.DisposeAsync();
        await source.DisposeAsync();
    }

    [Fact]
    public async Task One_that_the_driver_has_found_dead_is_replaced()
    {
        var kept = await lanes.RunAsync(connection => Task.FromResult(connection), Cancel);
        await ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        await Eventually.TrueAsync(() => kept.State != ConnectionState.Open, Bounded.Limit, "the driver has found it dead");

        Assert.Equal(1, await lanes.RunAsync(AskAsync, Cancel));
    }

    [Fact]
    public async Task One_that_is_found_dead_during_a_call_is_a_database_out_of_reach_and_no_mistake_of_the_callers()
    {
        await Assert.ThrowsAsync<StoreUnavailableException>(() => lanes.RunAsync(
            async connection =>
            {
                await connection.CloseAsync();
                return await AskAsync(connection);
            },
            Cancel));

        Assert.Equal(1, await lanes.RunAsync(AskAsync, Cancel));
    }

    private static async Task<int> AskAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT 1", connection);
        return (int)(await command.ExecuteScalarAsync(Cancel))!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
