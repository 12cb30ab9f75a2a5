using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Launches on servers that are not there, and on schemas of the user's own naming. Scenarios AD-03 and MG-04.</summary>
public sealed class PostgresLaunchTests(SharedPostgres server)
{
    private const string OddSchema = "My \"odd\" Sch\u00e9ma; DROP TABLE x --";

    private static readonly WorkflowDefinition<string, string> Echo = Workflow.Define<string, string>("echo", EchoBody);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_refuses_connections_is_told_quickly_and_a_later_launch_works()
    {
        var (proxy, through) = TcpProxy.Before(await server.CreateDatabaseAsync(Cancel));
        await using var _ = proxy;
        proxy.Mode = ProxyMode.Refuse;

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => LaunchAsync(through).Within(TimeSpan.FromSeconds(20)));

        Assert.Equal("DBOS3001", refused.Code);
        Assert.Contains("PostgreSQL cannot be reached", refused.Message);
        await Eventually.TrueAsync(() => proxy.Connections == 0, Bounded.Limit, "nobody holds a connection");
        proxy.Mode = ProxyMode.Forward;
        await using var engine = await LaunchAsync(through);
        Assert.Equal("hello", await RunAsync(engine, "hello"));
    }

    [Fact]
    public async Task A_client_goes_on_when_its_server_is_back_and_heeds_its_token_meanwhile()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        var (proxy, through) = TcpProxy.Before(connection);
        await using var _ = proxy;
        await using var engine = await LaunchAsync(connection);
        await RunAsync(engine, "hello");
        proxy.Mode = ProxyMode.Refuse;
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => ConnectAsync(through).Within(TimeSpan.FromSeconds(20)));
        Assert.Equal("DBOS3001", refused.Code);
        proxy.Mode = ProxyMode.Forward;
        await using var client = await ConnectAsync(through);
        Assert.NotNull(await client.GetStatusAsync("echo", Cancel));

        proxy.Mode = ProxyMode.Refuse;
        proxy.Cut();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var given = client.GetStatusAsync("echo", enough.Token);
        var kept = client.GetStatusAsync("echo", Cancel);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given.Within(Bounded.Limit));
        proxy.Mode = ProxyMode.Forward;

        Assert.Equal(WorkflowState.Success, (await kept.Within(Bounded.Limit))!.State);
        Assert.Equal("hello", await client.Retrieve<string>("echo").GetResultAsync(Cancel).Within(Bounded.Limit));

        static Task<WorkflowClient> ConnectAsync(string connection) => WorkflowClient.ConnectAsync(o => o.UsePostgres(connection), Cancel);
    }

    [Fact]
    public async Task Nobody_listens_there()
    {
        var connection = new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = Ports.FindFree(), Username = "nobody" };

        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => LaunchAsync(connection.ConnectionString).Within(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task A_database_that_does_not_exist_is_told()
    {
        var connection = new NpgsqlConnectionStringBuilder(await server.CreateDatabaseAsync(Cancel))
        {
            Database = "not_there",
            Pooling = false
        };

        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchAsync(connection.ConnectionString));

        Assert.Contains("not_there", refused.Message);
    }

    [Fact]
    public async Task A_schema_may_have_quotes_blanks_and_capitals()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await using var engine = await LaunchAsync(connection, OddSchema);

        Assert.Equal("hello", await RunAsync(engine, "hello"));
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name IN ($1, 'dbos')");
        command.Parameters.AddWithValue(OddSchema);
        Assert.Equal(OddSchema, await command.ExecuteScalarAsync(Cancel));
    }

    [Fact]
    public async Task Two_schemas_of_one_database_know_nothing_of_each_other()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        var gate = new Probe();
        var gated = Workflow.Define<Unit>("gated", Body);
        await using var first = await LaunchAsync(connection, OddSchema, gated);
        await using var second = await LaunchAsync(connection, "dbos", gated);
        await first.StartAsync(gated, default, new() { Id = "same" }, Cancel);
        await gate.ReachedAsync();

        Assert.Null(await second.GetStatusAsync("same", Cancel));
        Assert.Equal("second", await RunAsync(second, "second"));
        await second.CancelAsync("same", cancellationToken: Cancel);
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => second.SendAsync("same", 1, cancellationToken: Cancel));
        Assert.Equal(0, await second.RecoverAsync(cancellationToken: Cancel));
        Assert.Equal("first", await RunAsync(first, "first"));
        gate.Open();

        await first.Retrieve<Unit>("same").GetResultAsync(Cancel).Within(Bounded.Limit);
        Assert.Equal("second", await second.Retrieve<string>("echo").GetResultAsync(Cancel).Within(Bounded.Limit));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("gate", s => gate.PassAsync(s));
        }
    }

    [Fact]
    public async Task Messages_events_queues_and_recovery_keep_to_their_schema_whatever_its_name()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        var asking = Workflow.Define<Unit, string>("asking")
            .SetEvent("asked", _ => true)
            .Receive<string>("t").As(out var answer)
            .Step("work", _ => Task.CompletedTask)
            .Return(x => x.Get(answer));
        var odd = await LaunchAsync(connection, OddSchema, asking);
        await using var plain = await LaunchAsync(connection, "dbos", asking);
        foreach (var engine in new[] { odd, plain })
        {
            await engine.Queues.RegisterAsync(new WorkflowQueue("line") { Concurrency = 1 }, cancellationToken: Cancel);
            await engine.StartAsync(asking, default, new() { Id = "same", Queue = "line" }, Cancel);
            await engine.StartAsync(asking, default, new() { Id = "behind", Queue = "line" }, Cancel);
            Assert.True((await engine.GetEventAsync<bool>("same", "asked", TimeSpan.FromSeconds(20), Cancel)).Value);
        }

        await odd.SendAsync("same", "to the odd one", "t", cancellationToken: Cancel);
        Assert.Equal("to the odd one", await odd.Retrieve<string>("same").GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.True((await odd.GetEventAsync<bool>("behind", "asked", TimeSpan.FromSeconds(20), Cancel)).Value);
        Assert.Equal(WorkflowState.Enqueued, (await plain.GetStatusAsync("behind", Cancel))!.State);

        // What the one leaves is not the other's, although both are the same executor of the same application.
        await odd.DisposeAsync();
        Assert.Equal(0, await plain.RecoverAsync(cancellationToken: Cancel));
        await plain.SendAsync("same", "to the plain one", "t", cancellationToken: Cancel);
        Assert.Equal("to the plain one", await plain.Retrieve<string>("same").GetResultAsync(Cancel).Within(Bounded.Limit));

        odd = await LaunchAsync(connection, OddSchema, asking);
        await odd.SendAsync("behind", "again", "t", cancellationToken: Cancel);
        Assert.Equal("again", await odd.Retrieve<string>("behind").GetResultAsync(Cancel).Within(Bounded.Limit));
        await odd.RewindAsync("behind", 3, Cancel);
        Assert.Equal("again", await odd.Retrieve<string>("behind").GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(2, (await odd.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel)).Count);
        Assert.Equal(2, (await odd.CollectGarbageAsync(new() { KeepNewest = 0 }, Cancel)).Workflows);
        Assert.Equal(2, (await plain.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel)).Count);
        await odd.DisposeAsync();
    }

    // MG-03
    [Fact]
    public async Task With_migrations_off_a_schema_that_is_not_there_is_refused_and_not_made()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await using var plain = await LaunchAsync(connection);

        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => WorkflowEngine.LaunchAsync(
            options =>
            {
                options.UsePostgres(connection, OddSchema).Add(Echo);
                (options.ApplicationVersion, options.Migrate) = ("v1", false);
            },
            Cancel));

        Assert.Contains("level none of the DBOS tables and none of the fluent_ tables", refused.Message);
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand("SELECT count(*) FROM information_schema.schemata WHERE schema_name = $1");
        command.Parameters.AddWithValue(OddSchema);
        Assert.Equal(0L, await command.ExecuteScalarAsync(Cancel));
    }

    [Fact]
    public async Task A_cancel_in_one_schema_does_not_wake_the_other()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        var gate = new Probe();
        var gated = Workflow.Define<Unit>("gated", Body);
        await using var first = await LaunchAsync(connection, "one", gated);
        await using var second = await LaunchAsync(connection, "One", gated);
        await first.StartAsync(gated, default, new() { Id = "same" }, Cancel);
        await second.StartAsync(gated, default, new() { Id = "same" }, Cancel);
        await gate.ReachedAsync();
        await gate.ReachedAsync();

        await first.CancelAsync("same", cancellationToken: Cancel);
        await Assert.ThrowsAsync<AwaitedWorkflowCancelledException>(
            () => first.Retrieve<Unit>("same").GetResultAsync(Cancel).Within(Bounded.Limit));
        gate.Open();

        await second.Retrieve<Unit>("same").GetResultAsync(Cancel).Within(Bounded.Limit);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("gate", s => gate.PassAsync(s));
        }
    }

    private static Task<string> RunAsync(WorkflowEngine engine, string input) =>
        RunAsync(engine, input, "echo").Within(Bounded.Limit);

    private static async Task<string> RunAsync(WorkflowEngine engine, string input, string id) =>
        await (await engine.StartAsync(Echo, input, new() { Id = id }, Cancel)).GetResultAsync(Cancel);

    private static Task<WorkflowEngine> LaunchAsync(string connectionString, string schema = "dbos", params WorkflowDefinition[] more) =>
        WorkflowEngine.LaunchAsync(
            options =>
            {
                options.UsePostgres(connectionString, schema).Add(Echo).Add(more);
                options.ApplicationName = "tests";
                options.ApplicationVersion = "v1";
                options.ExecutorId = "executor-1";
                options.DrainTimeout = TimeSpan.Zero;
            },
            Cancel).Within(Bounded.Limit);

    private static async IAsyncEnumerable<StepOr<string>> EchoBody(string input, WorkflowContext workflow)
    {
        yield return input;
    }
}
