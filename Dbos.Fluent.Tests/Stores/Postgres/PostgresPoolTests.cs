using System.Transactions;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>An engine beside an application that uses the same connections: for all of them, and in transactions of its own.</summary>
public sealed class PostgresPoolTests(SharedPostgres shared) : EngineSuite(new PostgresDatabases(shared))
{
    private static readonly WorkflowDefinition<int, int> Echo = Workflow.Define<int, int>("echo")
        .Step("echo", x => Task.FromResult(x.Input)).As(out var echo)
        .Return(x => x.Get(echo));

    private const int RenewedLate = 1511;

    // As many writes at once wait apart from the lanes.
    private const int ApartMax = 16;

    protected override bool SharesDatabases => false;

    [Fact]
    public async Task The_lease_is_renewed_while_the_application_holds_every_other_connection()
    {
        await using var source = Source("Maximum Pool Size=20;Timeout=1");
        var engine = await LaunchAsync(options => (_, options.Lease) = (options.UsePostgres(source), TimeSpan.FromSeconds(3)), Echo);
        var held = new Stack<NpgsqlConnection>();
        try
        {
            while (await TryOpenAsync(source) is { } connection)
            {
                held.Push(connection);
            }

            var expires = await ExpiresAsync();
            await Eventually.TrueAsync(
                async () => await ExpiresAsync() > expires + 6000, Bounded.Limit, "it is renewed for longer than a lease");
        }
        finally
        {
            foreach (var connection in held)
            {
                await connection.DisposeAsync();
            }
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        Assert.DoesNotContain(Log.Entries, entry => entry.Id == RenewedLate);
    }

    // The connection string enlists in whatever is around, as the driver does by default.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_ambient_transaction_of_the_callers_is_not_joined(bool completed)
    {
        var engine = await LaunchAsync(Echo);
        WorkflowHandle<int> handle;

        using (var scope = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled))
        {
            await engine.StartAsync(Echo, 1, new() { Id = "first" }, Cancel);
            handle = await engine.StartAsync(Echo, 7, new() { Id = "A" }, Cancel);
            Assert.Equal(7, await handle.ResultAsync());
            if (completed)
            {
                scope.Complete();
                await engine.StartAsync(Echo, 1, new() { Id = "behind" }, Cancel);
            }
        }

        await Eventually.TrueAsync(
            async () => await Database.SucceededAsync(attempts: 1) == (completed ? 3 : 2), Bounded.Limit, "all that was started ends");
    }

    [Fact]
    public async Task A_transaction_that_has_locked_many_rows_does_not_draw_all_connections_into_waiting_for_it()
    {
        const int count = 40;
        const string waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        var gate = new Probe();
        var held = Workflow.Define<int, int>("held").Step("wait", async x =>
        {
            await gate.PassAsync(x.CancellationToken);
            return x.Input;
        }).As(out var wait).Return(x => x.Get(wait));
        await using var source = Source("Maximum Pool Size=100");
        var engine = await LaunchAsync(options => options.UsePostgres(source), held);
        for (var number = 0; number < count; number++)
        {
            await engine.StartAsync(held, number, new() { Id = $"w{number}" }, Cancel);
            await gate.ReachedAsync();
        }

        await using var connection = await Database.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = "SELECT 1 FROM workflow_status FOR UPDATE";
            await command.ExecuteNonQueryAsync(Cancel);
        }

        gate.Open();
        await Eventually.TrueAsync(async () => await Database.CountAsync(waiting) >= ApartMax, Bounded.Limit, "some wait for the lock");
        Assert.Equal(ApartMax, await Database.CountAsync(waiting));
        await transaction.RollbackAsync(Cancel);

        for (var number = 0; number < count; number++)
        {
            Assert.Equal(number, await engine.Retrieve<int>($"w{number}").ResultAsync());
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
    }

    private static async Task<NpgsqlConnection?> TryOpenAsync(NpgsqlDataSource source)
    {
        try
        {
            return await source.OpenConnectionAsync(Cancel);
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    private NpgsqlDataSource Source(string settings) =>
        NpgsqlDataSource.Create($"{((PostgresTestDatabase)Database).ConnectionString};{settings}");

    private Task<long> ExpiresAsync() => Database.CountAsync("SELECT expires_at_ms FROM fluent_executors");
}
