using System.Text;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Errors;

/// <summary>What users read when something goes wrong, each made by a real situation.</summary>
/// <remarks>The texts are reviewed as one page: each says the code, what happened with ids, why, and what to do.</remarks>
public sealed class ErrorTextTests(SqliteDatabases fixture) : EngineSuite(fixture), IClassFixture<SqliteDatabases>
{
    private readonly StringBuilder page = new();
    private readonly HashSet<Type> shown = [];
    private readonly Probe gate = new();

    [Fact]
    public async Task Every_error_says_what_happened_and_what_to_do()
    {
        await ShowFailuresAsync();
        await ShowReplaysAsync();
        await ShowIdsAsync();
        await ShowQueuesAsync();
        await ShowCancellationsAsync();
        await ShowStreamsAsync();
        await ShowPayloadsAsync();
        await ShowLaunchesAsync();

        Snapshot.Match(page.ToString());
        Breaches.None(
            from type in typeof(DbosException).Assembly.GetTypes()
            where type.IsSubclassOf(typeof(DbosException)) && !shown.Contains(type)
            select $"{type.Name}: show here what it says");
    }

    private async Task ShowQueuesAsync()
    {
        var workflow = Workflow.Define<Unit>("mail").End();
        var other = Workflow.Define<Unit>("letter").End();
        var parent = Workflow.Define<Unit>("letters").Call(workflow, _ => default).End();
        var engine = await LaunchAsync(options => options.ExecutorId = "executor-queues", workflow, other, parent);
        StartOptions Holding(string id) => new() { Id = id, Queue = "mails", DeduplicationId = "customer-7" };
        await engine.StartAsync(workflow, default, Holding("mail-1"), Cancel);
        await ShowAsync(() => engine.StartAsync(workflow, default, Holding("mail-2"), Cancel));
        await engine.StartAsync(workflow, default, new() { Id = "mail-3", Queue = "mails", DeduplicationId = ".mail-customer-7" }, Cancel);
        var debounced = new StartOptions { Id = "mail-4", Queue = "mails" };
        await ShowAsync(() => engine.Debounce(workflow).CallAsync("customer-7", TimeSpan.FromMinutes(1), default, debounced, Cancel));
        var attaching = Holding("letter-1") with { DeduplicationPolicy = DeduplicationPolicy.ReturnExisting };
        await ShowAsync(() => engine.StartAsync(other, default, attaching, Cancel));
        await engine.RunAsync(workflow, default, "letters-1-0");
        await ShowAsync(async () => await (await engine.BeginAsync(parent, default, "letters-1")).ResultAsync());
        await ShowAsync(() => engine.Schedules.TriggerAsync("nightly", Cancel));
        await engine.StopAsync(TimeSpan.Zero, Cancel);
    }

    private async Task ShowFailuresAsync()
    {
        var workflow = Workflow.Define<string>("order", Body);
        var parent = Workflow.Define<Unit>("parent", Parent);
        var engine = await LaunchAsync(workflow, parent);
        foreach (var kind in new[] { "step", "retries", "timeout" })
        {
            await ShowAsync(async () => await (await engine.BeginAsync(workflow, kind, kind)).ResultAsync());
        }

        await ShowAsync(async () => await (await engine.BeginAsync(parent, default, "child")).ResultAsync());
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await ShowAsync(() => engine.BeginAsync(workflow, "step", "late"));

        async IAsyncEnumerable<Step> Body(string kind, WorkflowContext workflow)
        {
            var step = Step.Run(
                "charge card", s => kind == "timeout" ? gate.PassAsync(s) : throw new InvalidOperationException("declined"));
            yield return (kind switch
            {
                "retries" => step.Retry(attempts: 2, delay: TimeSpan.Zero),
                "timeout" => step.Timeout(TimeSpan.FromMilliseconds(1)),
                _ => step,
            }).Try(out var charged);
            ShowNow(Assert.ThrowsAny<StepFailedException>(() => charged.Result));
            _ = charged.Result;
        }

        async IAsyncEnumerable<Step> Parent(Unit input, WorkflowContext context)
        {
            yield return Step.Call(workflow, "step").Try(out var call);
            ShowNow(Assert.Throws<WorkflowFailedException>(() => call.Result));
            _ = call.Result;
        }
    }

    private async Task ShowReplaysAsync()
    {
        var engine = await LaunchAsync(One("reserve stock"));
        await Database.ExecuteAsync("UPDATE workflow_status SET name = 'one' WHERE workflow_uuid = 'step'");
        await Database.FlipAsync("step");
        engine = await RelaunchAsync(engine, One("reserve stock"));
        await ShowAsync(() => engine.Retrieve<Unit>("step").ResultAsync());

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.FlipAsync("step");
        engine = await LaunchAsync(options => options.MaxRecoveryAttempts = 0, One("reserve stock"));
        await ShowAsync(() => engine.Retrieve<Unit>("step").ResultAsync());
        await engine.StopAsync(TimeSpan.Zero, Cancel);
    }

    private async Task ShowIdsAsync()
    {
        var (one, other) = (One("step"), Workflow.Define<Unit>("other", Nothing));
        var engine = await LaunchAsync(one, other);
        await engine.RunAsync(one, default, "order-1");
        await ShowAsync(() => engine.BeginAsync(other, default, "order-1"));
        await ShowAsync(() => engine.StartAsync(one, default, new() { Id = "order-1", IdReuse = IdReuse.Reject }, Cancel));
        await ShowAsync(() => engine.GetHistoryAsync("order-2", Cancel));
        await ShowAsync(() => engine.BeginAsync(Workflow.Define<Unit>("stranger", Nothing), default, "order-3"));
        await ShowAsync(() => engine.BeginAsync(Workflow.Define<Unit>("other", Nothing), default, "order-3"));
        var client = await WorkflowClient.ConnectAsync(options => options.UseSqlite(((SqliteTestDatabase)Database).Path), Cancel);
        await client.DisposeAsync();
        await ShowAsync(() => client.GetHistoryAsync("order-1", Cancel));
        await engine.StopAsync(TimeSpan.Zero, Cancel);
    }

    private async Task ShowCancellationsAsync()
    {
        var workflow = Workflow.Define<Unit>("waiting", Waiting);
        var engine = await LaunchAsync(workflow);
        var cancelled = await engine.BeginAsync(workflow, default, "cancelled");
        await ShowAsync(() => engine.RewindAsync("cancelled", 0, Cancel));
        await engine.CancelAsync("cancelled", cancellationToken: Cancel);
        await ShowAsync(() => cancelled.ResultAsync());
        var late = await engine.BeginAsync(workflow, default, "late", TimeSpan.FromMilliseconds(1));
        await ShowAsync(() => late.ResultAsync());
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        async IAsyncEnumerable<Step> Waiting(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", s => gate.PassAsync(s));
        }
    }

    private async Task ShowStreamsAsync()
    {
        var open = Flows.Series("open", () => [Step.Run("wait", s => gate.PassAsync(s))]);
        var closed = Flows.Series("closed", () => [Step.Run("write", WriteAsync)]);
        var engine = await LaunchAsync(open, closed);
        await engine.BeginAsync(open, default, "export-1");
        await ShowAsync(async () =>
        {
            await using var reader = engine.ReadStreamAsync<int>("export-1", "rows", 0, TimeSpan.FromMilliseconds(1), Cancel)
                .GetAsyncEnumerator(Cancel);
            await reader.MoveNextAsync();
        });
        await engine.RunAsync(closed, default, "export-2");
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        async Task WriteAsync(StepContext step)
        {
            await step.Client.CloseStreamAsync("rows", step);
            await ShowAsync(() => step.Client.WriteStreamAsync("rows", 7, step));
        }
    }

    private async Task ShowPayloadsAsync()
    {
        var workflow = Workflow.Define<Node>("cyclic", Body);
        var engine = await LaunchAsync(workflow);
        var node = new Node();
        node.Next = node;
        await ShowAsync(() => engine.BeginAsync(workflow, node, "order-4"));
        await Database.ExecuteAsync("UPDATE workflow_output SET output = 'wqE=' WHERE workflow_uuid = 'order-1'");
        await ShowAsync(() => engine.Retrieve<Guid>("order-1").ResultAsync());
        await Database.ExecuteAsync("UPDATE workflow_status SET serialization = 'js_superjson' WHERE workflow_uuid = 'order-1'");
        await ShowAsync(() => engine.Retrieve<int>("order-1").ResultAsync());
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        static async IAsyncEnumerable<Step> Body(Node input, WorkflowContext workflow)
        {
            yield break;
        }
    }

    private async Task ShowLaunchesAsync()
    {
        await ShowAsync(() => LaunchAsync(One("a"), One("b")));
        await ShowAsync(() => LaunchAsync(Workflow.Declare<Unit, Unit>("declared")));
        var holder = await LaunchAsync(options => options.Lease = TimeSpan.FromSeconds(6));
        await ShowAsync(() => LaunchAsync(options => options.Lease = TimeSpan.FromSeconds(2)));
        await holder.StopAsync(TimeSpan.Zero, Cancel);

        await Database.ExecuteAsync("UPDATE dbos_migrations SET version = 100; DELETE FROM fluent_migrations");
        await ShowAsync(() => LaunchAsync(options => options.Migrate = false));
        var path = ((SqliteTestDatabase)Database).Path;
        await ShowAsync(() => LaunchAsync(options => options.UseSqlite(path + "/missing/orders.db")));
        var port = Ports.FindFree();
        var nobody = new NpgsqlConnectionStringBuilder { Host = "127.0.0.1", Port = port, Username = "nobody" }.ConnectionString;
        await ShowAsync(() => LaunchAsync(options => options.UsePostgres(nobody)));
        page.Replace(Path.GetDirectoryName(path)!, "{folder}").Replace($"{port}", "{port}");
    }

    private async Task ShowAsync(Func<Task> use)
    {
        try
        {
            await use().Within(Bounded.Limit);
            Assert.Fail("It went well.");
        }
        catch (DbosException exception)
        {
            ShowNow(exception);
        }
    }

    private void ShowNow(DbosException exception)
    {
        Assert.StartsWith($"{exception.Code}: ", exception.Message);
        Assert.All(RecordedIds(exception), id => Assert.Contains(id, exception.Message));
        shown.Add(exception.GetType());
        page.Append(exception.GetType().Name).Append('\n').Append("  ").Append(exception.Message.ReplaceLineEndings("\n  ")).Append("\n\n");
        foreach (var inner in Failures.Record(exception).Inner)
        {
            shown.UnionWith(typeof(DbosException).Assembly.GetTypes().Where(type => type.FullName == inner.TypeName));
        }
    }

    private static IEnumerable<string> RecordedIds(DbosException exception) =>
        exception.Facts.Where(fact => fact.Key.EndsWith("Id", StringComparison.Ordinal)).Select(fact => $"'{fact.Value}'");

    private static WorkflowDefinition<Unit, Unit> One(string step)
    {
        return Workflow.Define<Unit>("one", Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run(step, _ => Task.CompletedTask);
        }
    }

    private static async IAsyncEnumerable<Step> Nothing(Unit input, WorkflowContext workflow)
    {
        yield break;
    }

    private sealed class Node
    {
        public Node? Next { get; set; }
    }
}
