namespace Dbos.Fluent.Tests.Stores;

/// <summary>One program with engines and clients of several databases, which share nothing but the definitions.</summary>
public sealed class SeveralStoresTests(SharedPostgres server) : IAsyncLifetime
{
    private static readonly WorkflowDefinition<string, string> Asking = Workflow.Define<string, string>("asking")
        .Receive<string>("t").As(out var answer)
        .SetEvent("told", x => x.Get(answer))
        .Return(x => $"{x.Input}: {x.Get(answer)}");

    private readonly PostgresDatabases postgres = new(server);
    private readonly List<TestDatabase> databases = [];
    private readonly List<WorkflowClient> clients = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => databases.AddRange(
        [new SqliteTestDatabase(), new SqliteTestDatabase(), await postgres.CreateMigratedAsync(), await postgres.CreateMigratedAsync()]);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
        {
            await client.DisposeAsync().Within(Bounded.Limit);
        }

        foreach (var database in databases)
        {
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task Engines_and_clients_of_several_databases_live_in_one_process()
    {
        var (engines, outside) = (new List<WorkflowEngine>(), new List<WorkflowClient>());
        foreach (var database in databases)
        {
            engines.Add(await LaunchAsync(database, "one"));
            engines.Add(await LaunchAsync(database, "two"));
            outside.Add(await ConnectAsync(database));
        }

        // The same ids everywhere.
        foreach (var (number, client) in outside.Index())
        {
            await client.StartAsync(Asking, $"database {number}", new() { Id = "A" }, Cancel);
            await client.StartAsync(Asking, $"database {number}", new() { Id = "B" }, Cancel);
            await client.SendAsync("A", $"answer {number}", "t", cancellationToken: Cancel);
        }

        foreach (var (number, client) in outside.Index())
        {
            var result = $"database {number}: answer {number}";
            Assert.Equal(result, await client.Retrieve<string>("A").GetResultAsync(Cancel).Within(Bounded.Limit));
            Assert.Equal(result, await engines[2 * number].Retrieve<string>("A").GetResultAsync(Cancel).Within(Bounded.Limit));
            Assert.Equal(result, await engines[(2 * number) + 1].Retrieve<string>("A").GetResultAsync(Cancel).Within(Bounded.Limit));
            Assert.Equal($"answer {number}", (await client.GetEventAsync<string>("A", "told", TimeSpan.Zero, Cancel)).Value);
            Assert.Equal(2, await client.ListAsync(cancellationToken: Cancel).CountAsync(Cancel));
        }

        await outside[1].CancelAsync("B", cancellationToken: Cancel);
        await engines[0].StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        foreach (var number in new[] { 0, 2, 3 })
        {
            await outside[number].SendAsync("B", "late", "t", cancellationToken: Cancel);
            Assert.Equal(
                $"database {number}: late", await outside[number].Retrieve<string>("B").GetResultAsync(Cancel).Within(Bounded.Limit));
        }

        Assert.Equal(WorkflowState.Cancelled, (await outside[1].GetStatusAsync("B", Cancel))!.State);
    }

    private async Task<WorkflowEngine> LaunchAsync(TestDatabase database, string executor)
    {
        var engine = await WorkflowEngine.LaunchAsync(
            options =>
            {
                database.Use(options);
                options.Add(Asking);
                (options.ApplicationName, options.ApplicationVersion, options.ExecutorId) = ("tests", "v1", executor);
                options.DrainTimeout = TimeSpan.Zero;
            },
            Cancel).Within(Bounded.Limit);
        clients.Add(engine);
        return engine;
    }

    private async Task<WorkflowClient> ConnectAsync(TestDatabase database)
    {
        var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                database.Use(options);
                options.ApplicationName = "tests";
            },
            Cancel).Within(Bounded.Limit);
        clients.Add(client);
        return client;
    }
}
