using Dbos.Fluent.Tests.Faults;
using Dbos.Fluent.Tests.Worker.Workflows;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A server that restarts, loses connections or loses answers under running workflows: all end, and no step runs twice.</summary>
public sealed class PostgresOutageTests(SharedPostgres shared) : FaultSuite(new PostgresDatabases(shared))
{
    // It ends all connections.
    protected override bool SharesDatabases => false;

    private const int WorkflowCount = 200;
    private const int StepCount = 20;

    private readonly TaskCompletionSource midway = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int effects;

    [Fact]
    public async Task A_server_restarted_immediately_under_two_hundred_workflows_loses_and_doubles_nothing()
    {
        await using var server = await PostgresServer.StartAsync(durable: true, Cancel);
        var engine = await LaunchOnAsync(server.ConnectionString);
        var running = RunAllAsync(engine);
        await midway.Task.Within(Bounded.Limit);

        await server.RestartAsync(immediate: true, Cancel);
        await running.Within(TimeSpan.FromSeconds(60));

        await EachStepRanOnceAsync(server.ConnectionString);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
    }

    [Fact]
    public async Task Connections_terminated_again_and_again_lose_and_double_nothing()
    {
        var random = Seeds.Next(out _);
        var connection = ((PostgresTestDatabase)Database).ConnectionString;
        var engine = await LaunchOnAsync(connection);
        var running = RunAllAsync(engine);
        await midway.Task.Within(Bounded.Limit);

        for (var round = 0; round < 5; round++)
        {
            await Database.ExecuteAsync(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
            await random.MomentAsync(TimeSpan.FromMilliseconds(100));
        }

        await running.Within(TimeSpan.FromSeconds(60));
        await EachStepRanOnceAsync(connection);
    }

    [Fact]
    public async Task Answers_lost_and_connections_cut_at_random_moments_lose_and_double_nothing()
    {
        var random = Seeds.Next(out _);
        var (proxy, connection) = TcpProxy.Before(((PostgresTestDatabase)Database).ConnectionString);
        await using var cutting = proxy;
        var engine = await LaunchOnAsync(connection);
        var running = RunAllAsync(engine);
        await midway.Task.Within(Bounded.Limit);

        for (var round = 0; round < 8; round++)
        {
            proxy.Mode = (ProxyMode)random.Next(0, 4);
            await random.MomentAsync(TimeSpan.FromMilliseconds(60));
            proxy.Cut();
            proxy.Mode = ProxyMode.Forward;
            await random.MomentAsync(TimeSpan.FromMilliseconds(60));
        }

        await running.Within(TimeSpan.FromSeconds(60));
        await EachStepRanOnceAsync(((PostgresTestDatabase)Database).ConnectionString);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
    }

    [Fact]
    public async Task A_row_locked_by_a_foreign_transaction_holds_up_its_own_workflow_and_no_other()
    {
        var gate = new Probe();
        var gated = Workflow.Define<int, int>("gated", Body);
        var engine = await LaunchAsync([gated, .. Counting.All]);
        var locked = await engine.StartAsync(gated, 1, new() { Id = "locked" }, Cancel);
        await gate.ReachedAsync();
        await using var connection = new NpgsqlConnection(((PostgresTestDatabase)Database).ConnectionString);
        await connection.OpenAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        const string lockRow = "SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = 'locked' FOR UPDATE";
        await using (var command = new NpgsqlCommand(lockRow, connection))
        {
            await command.ExecuteNonQueryAsync(Cancel);
        }

        gate.Open();
        await RunAllAsync(engine).Within(Bounded.Limit);
        Assert.Equal(WorkflowState.Pending, (await engine.GetStatusAsync("locked", Cancel))!.State);
        await transaction.RollbackAsync(Cancel);

        Assert.Equal(1, await locked.GetResultAsync(Cancel).Within(Bounded.Limit));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", async _ => await gate.PassAsync());
            yield return input;
        }
    }

    private CrashWorkflows Counting => field ??= new CrashWorkflows(Ledger, point =>
    {
        var effect = point.StartsWith("after effect", StringComparison.Ordinal);
        if (effect && Interlocked.Increment(ref effects) == WorkflowCount * StepCount / 4)
        {
            midway.TrySetResult();
        }

        return Task.CompletedTask;
    });

    private Task<WorkflowEngine> LaunchOnAsync(string connection) =>
        LaunchAsync(options => options.UsePostgres(connection).Add(Counting.All));

    private async Task RunAllAsync(WorkflowEngine engine)
    {
        var handles = await Task.WhenAll(Enumerable.Range(0, WorkflowCount)
            .Select(number => engine.StartAsync(Counting.Chain, StepCount, new() { Id = $"w{number}" }, Cancel)));
        await Task.WhenAll(handles.Select(handle => handle.GetResultAsync(Cancel)));
    }

    private async Task EachStepRanOnceAsync(string connection)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(
            "SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS' AND recovery_attempts = 1");
        Assert.Equal((long)WorkflowCount, await command.ExecuteScalarAsync(Cancel));
        var ran = Ledger.Read();
        Assert.Equal((WorkflowCount * StepCount, 1), (ran.Count, ran.Values.Max()));
    }
}
