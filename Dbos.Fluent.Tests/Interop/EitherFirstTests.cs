using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>A database made by the published SDK or by us serves both, whoever comes first.</summary>
public sealed class EitherFirstTests(SharedPostgres server) : EngineSuite(new PostgresDatabases(server))
{
    private const string Migrating = "Running DBOS system database migrations";

    private static readonly WorkflowQueue Queue = new("tours") { RateLimit = new(1000, TimeSpan.FromMinutes(1)) };

    private static readonly WorkflowDefinition<int, int> Next = Workflow.Define<int, int>("next", NextBody);

    // One step of each kind; at the receive it leaves memory.
    private static readonly WorkflowDefinition<int, int> Tour = Workflow.Define<int, int>("tour", TourBody);

    protected override bool StartsEmpty => true;

    // Some of the tests use another schema than the one that is looked at.
    protected override bool LeavesWork => true;

    private string Connection => ((PostgresTestDatabase)Database).ConnectionString;

    [Theory]
    [InlineData("dbos")]
    [InlineData("Other Schema")]
    public async Task An_engine_works_on_a_database_that_the_SDK_made(string schema)
    {
        await using var sdk = SdkProgram.Start();
        await sdk.CallAsync("migrate", new { url = SdkProgram.UrlOf(Connection), schema });

        var engine = await LaunchAsync(schema);

        await engine.BeginAsync(Tour, 1, "direct");
        await engine.StartAsync(Tour, 2, new() { Id = "queued", Queue = Queue }, Cancel);
        await Parkable.ParkedAsync(engine, "direct");
        await Parkable.ParkedAsync(engine, "queued");
        Assert.Equal(2, (await engine.GetEventAsync<int>("direct", "doubled", Bounded.Limit, Cancel)).Value);
        Assert.Equal(["one"], await engine.ReadAllAsync<string>("queued", "words"));
        await engine.CancelAsync("direct", cancellationToken: Cancel);
        Assert.Equal(WorkflowState.Cancelled, await engine.StateOfAsync("direct"));
        await engine.ResumeAsync("direct", cancellationToken: Cancel);
        await engine.SendAsync("direct", 10, "more", cancellationToken: Cancel);
        await engine.SendAsync("queued", 20, "more", cancellationToken: Cancel);
        Assert.Equal(13, await EndAsync(engine, "direct"));
        Assert.Equal(25, await EndAsync(engine, "queued"));
        var fork = await engine.ForkFromStepAsync("queued", "next", cancellationToken: Cancel);
        await engine.SendAsync(fork, 30, "more", cancellationToken: Cancel);
        Assert.Equal(35, await EndAsync(engine, fork));
        Assert.Equal(
            "0 double, 1 DBOS.setEvent, 2 DBOS.writeStream, 3 DBOS.closeStream, 4 next, 5 DBOS.getResult, 6 DBOS.recv",
            await engine.StepsAsync("queued"));
        Assert.Equal(
            ["direct", "direct-4", "queued", "queued-4"],
            (await ListAsync(engine)).Where(id => !id.StartsWith(fork, StringComparison.Ordinal)));
        Assert.Equal(5, (await engine.CollectGarbageAsync(new RetentionPolicy { KeepNewest = 0 }, Cancel)).Workflows);

        // The window of its queue's rate counts it for a minute yet.
        Assert.Equal(["queued"], await ListAsync(engine));
        Assert.Empty(sdk.Complaints);
    }

    [Fact]
    public async Task The_SDK_launches_beside_a_running_engine_on_a_database_that_we_made()
    {
        var engine = await LaunchAsync("dbos");
        await engine.BeginAsync(Tour, 1, "before");
        await Parkable.ParkedAsync(engine, "before");
        var application = new { url = SdkProgram.UrlOf(Connection), application = "ts", runMigrations = true };
        await using var sdk = SdkProgram.Start();

        await sdk.CallAsync("launch", application);
        await sdk.CallAsync("connect", application);
        await sdk.CallAsync("enqueuePortable", new { options = OnTheirQueue("ts-steps", "theirs"), args = (int[])[20] });
        await engine.BeginAsync(Tour, 2, "meanwhile");
        await engine.SendAsync("meanwhile", 1, "more", cancellationToken: Cancel);

        Assert.Equal(41, (await sdk.CallAsync("result", new { id = "theirs" })).GetInt32());
        Assert.Equal(41, await engine.ResultAsync<int>("theirs"));
        Assert.Equal(6, await EndAsync(engine, "meanwhile"));
        Assert.Equal("0 double, 1 ts-child, 2 DBOS.setEvent, 3 DBOS.sleep, 4 DBOS.getResult", await engine.StepsAsync("theirs"));
        await sdk.CallAsync("shutdown");

        // Without the right to change tables it looks whether they are as it needs them.
        await sdk.CallAsync("launch", application with { runMigrations = false });
        await sdk.CallAsync("shutdown");
        Assert.Empty(sdk.Complaints);
        Assert.DoesNotContain(sdk.Log, line => line.Contains(Migrating, StringComparison.Ordinal));
        Assert.Contains(sdk.Log, line => line.Contains("DBOS launched!", StringComparison.Ordinal));

        await engine.SendAsync("before", 10, "more", cancellationToken: Cancel);
        Assert.Equal(13, await EndAsync(engine, "before"));
        await engine.BeginAsync(Tour, 3, "after");
        await engine.SendAsync("after", 10, "more", cancellationToken: Cancel);
        Assert.Equal(17, await EndAsync(engine, "after"));
        Assert.Equal(
            [[$"{SchemaLevel.DbosCurrent}", $"{SchemaLevel.FluentCurrent}"]],
            await Database.QueryAsync("SELECT d.version, f.version FROM dbos_migrations AS d, fluent_migrations AS f"));
    }

    [Fact]
    public async Task A_client_works_on_a_database_that_no_engine_of_ours_has_migrated()
    {
        await using var sdk = SdkProgram.Start();
        await sdk.CallAsync("launch", new { url = SdkProgram.UrlOf(Connection), application = "ts" });
        Assert.Contains(sdk.Log, line => line.Contains(Migrating, StringComparison.Ordinal));
        await using var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);

                // Nobody announces what their executor does: only that it is looked for each second brings a result.
                options.PollInterval = TimeSpan.FromHours(1);
            },
            Cancel).Within(Bounded.Limit);

        // What their executor runs.
        var hears = await client.EnqueueAsync<string>("ts-hears", [], new() { Id = "hears", Queue = "ts-queue" }, Cancel);
        await client.SendAsync("hears", "a word", "words", format: PayloadFormat.PortableJson, cancellationToken: Cancel);
        Assert.Equal("heard a word", await hears.ResultAsync());
        var message = Assert.Single(await client.GetMessagesAsync("hears", Cancel));
        Assert.Equal(("words", "\"a word\"", true), (message.Topic, message.Value, message.Consumed));
        Assert.Equal("0 DBOS.recv, 1 DBOS.sleep", await client.StepsAsync("hears"));

        // What waits.
        await client.EnqueueAsync<int>("unserved", [1], new() { Id = "waits", Queue = "nobody's", DeduplicationId = "d" }, Cancel);
        await client.EnqueueAsync<int>(
            "unserved", [1], new() { Id = "delayed", Queue = "nobody's", Delay = TimeSpan.FromHours(1) }, Cancel);
        Assert.True(await client.SetPriorityAsync("waits", 3, Cancel));
        Assert.True(await client.SetDelayAsync("delayed", TimeSpan.FromHours(2), Cancel));
        Assert.Equal(3, (await client.GetStatusAsync("waits", Cancel))!.Priority);
        Assert.False((await client.GetStatusAsync("delayed", Cancel))!.Parked);
        Assert.Equal(["delayed", "waits"], await ListAsync(client, new() { QueuedOnly = true }));
        await client.CancelAsync(["waits", "delayed"], cancellationToken: Cancel);
        await client.ResumeAsync("waits", "nobody's", Cancel);
        await client.RewindAsync("delayed", 0, Cancel);
        Assert.Equal(
            (WorkflowState.Enqueued, WorkflowState.Enqueued),
            (await client.StateOfAsync("waits"), await client.StateOfAsync("delayed")));
        var fork = await client.ForkAsync("hears", 2, new() { Queue = "nobody's" }, Cancel);
        Assert.Equal("0 DBOS.recv, 1 DBOS.sleep", await client.StepsAsync(fork));
        await client.DeleteAsync([fork, "delayed"], cancellationToken: Cancel);
        var collected = await client.CollectGarbageAsync(new() { OlderThan = TimeSpan.FromHours(1) }, Cancel).Within(Bounded.Limit);
        Assert.Equal(0, collected.Workflows);
        Assert.Equal(["hears", "waits"], await ListAsync(client));
        Assert.Equal(2, (await client.CountAsync(cancellationToken: Cancel)).Sum(count => count.Count));
        var queue = (await client.Queues.GetAsync("ts-queue", Cancel))!;
        Assert.Equal((false, TimeSpan.FromMilliseconds(50)), (queue.Paused, queue.Queue.PollInterval));
        Assert.Empty(await client.Schedules.ListAsync(Cancel));
        Assert.Equal("ts-1", Assert.Single(await client.Versions.ListAsync(Cancel)).Name);

        // What DBOS has no place for is refused, and nothing is made for it.
        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => client.Queues.PauseAsync("ts-queue", Cancel));
        Assert.Contains("\"dbos.fluent_queues\" does not exist", refused.Message);
        Assert.Contains($"level {SchemaLevel.FluentCurrent} of the side tables", refused.Message);
        Assert.Contains("Launch with migrations on, or migrate before.", refused.Message);
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM pg_class WHERE relname LIKE '%fluent%'"));
        Assert.Empty(sdk.Complaints);
    }

    private Task<WorkflowEngine> LaunchAsync(string schema) => LaunchAsync(
        options =>
        {
            options.UsePostgres(Connection, schema).Add(Queue);
            options.UnloadAfter = TimeSpan.Zero;
        },
        Tour,
        Next);

    private static object OnTheirQueue(string workflow, string id) =>
        new { workflowName = workflow, queueName = "ts-queue", workflowID = id };

    private static Task<int> EndAsync(WorkflowClient client, string id) => client.ResultAsync<int>(id);

    private static async Task<List<string>> ListAsync(WorkflowClient client, WorkflowFilter? filter = null)
    {
        var ids = new List<string>();
        await foreach (var status in client.ListAsync(filter, Cancel))
        {
            ids.Add(status.Id);
        }

        ids.Sort(StringComparer.Ordinal);
        return ids;
    }

    private static async IAsyncEnumerable<StepOr<int>> TourBody(int input, WorkflowContext workflow)
    {
        yield return Step.Run("double", async _ => input * 2).As(out var doubled);
        yield return Step.SetEvent("doubled", doubled.Result);
        yield return Step.WriteStream("words", "one");
        yield return Step.CloseStream("words");
        yield return Step.Call(Next, doubled.Result).As(out var next);
        yield return Step.Receive<int>("more").As(out var more);
        yield return next.Result + more.Result;
    }

    private static async IAsyncEnumerable<StepOr<int>> NextBody(int input, WorkflowContext workflow)
    {
        yield return input + 1;
    }
}
