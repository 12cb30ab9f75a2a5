using System.Diagnostics.Metrics;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Which version's engine takes what. Scenario VP-02.</summary>
public abstract class VersionSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<int, string> Same = Workflow.Define<int, string>("same").Return(_ => "done");
    private static readonly WorkflowDefinition<int, string> One = Workflow.Define<int, string>("changing")
        .Step("S", _ => Task.FromResult(1)).Return(_ => "by v1");

    private static readonly WorkflowDefinition<int, string> Two = Workflow.Define<int, string>("changing")
        .Step("T", _ => Task.FromResult(2)).Return(_ => "by v2");

    [Fact]
    public async Task Work_of_a_version_waits_for_it_and_work_of_none_for_the_latest()
    {
        var one = await LaunchAsync(options => options.ExecutorId = "e1", One);
        var two = await LaunchVersionAsync("v2", Two);
        await two.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        Assert.Equal([("v2", true), ("v1", false)], await ListAsync(one));

        await one.Queues.RegisterAsync(new("q"), cancellationToken: Cancel);
        var bound = await EnqueueAsync(one, "bound", "v1");
        await EnqueueAsync(one, "newer", "v2");
        await using var client = await WorkflowClient.ConnectAsync(options => ConnectAs(options), Cancel);
        var open = await client.EnqueueAsync<string>("changing", [1], new() { Id = "open", Queue = "q" }, Cancel);

        Assert.Equal("by v1", await bound.ResultAsync());
        var held = await one.ExplainAsync("open", Cancel);
        Assert.Equal("version-not-running", held.Reason);
        Assert.Contains("it is for the latest, 'v2', which no engine that is alive runs", held.Text);
        Assert.Equal("version-not-running", (await client.ExplainAsync("newer", Cancel)).Reason);
        await Assert.ThrowsAsync<ArgumentException>(() => one.Versions.SetLatestAsync("v3", Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => client.Versions.SetLatestAsync("v3", Cancel));
        await client.Versions.SetLatestAsync("v1", Cancel);

        Assert.Equal("by v1", await open.ResultAsync());
        Assert.Equal("v1", (await one.GetStatusAsync("open", Cancel))!.ApplicationVersion);
        Assert.Equal([("v1", true), ("v2", false)], await ListAsync(one));
        Assert.Equal([("v1", true), ("v2", false)], await ListAsync(client));
        Assert.Equal(WorkflowState.Enqueued, await one.StateOfAsync("newer"));
        two = await LaunchVersionAsync("v2", Two);
        Assert.Equal("by v2", await two.ResultAsync<string>("newer"));
    }

    [Fact]
    public async Task A_client_of_all_applications_sees_the_latest_version_of_each()
    {
        await LaunchAsync(options => (options.ApplicationName, options.ApplicationVersion, options.ExecutorId) = ("a", "a1", "e1"), Same);
        await LaunchAsync(options => (options.ApplicationName, options.ApplicationVersion, options.ExecutorId) = ("b", "b1", "e2"), Same);
        await LaunchAsync(options => (options.ApplicationName, options.ApplicationVersion, options.ExecutorId) = ("b", "b2", "e3"), Same);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);

        var versions = await client.Versions.ListAsync(Cancel);

        Assert.Equal(
            [("b2", true), ("b1", false), ("a1", true)], versions.Select(version => (version.Name, version.IsLatest)));
    }

    // A database holds each version's name once, whoever uses it.
    [Fact]
    public async Task Work_of_no_version_is_taken_under_a_version_that_another_application_has_registered()
    {
        await LaunchAsync(options => (options.ApplicationName, options.ApplicationVersion, options.ExecutorId) = ("b", "v2", "e1"), Same);
        var one = await LaunchAsync(options => options.Add(new WorkflowQueue("q") { Concurrency = 1 }), One);
        await one.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        Assert.False(Log.Has(1002));

        var two = await LaunchAsync(
            options =>
            {
                options.ApplicationVersion = "v2";
                options.Add(new WorkflowQueue("q") { Concurrency = 2 });
            },
            Two);
        Assert.Contains("Version v2 is registered by application b", Log.Entries.Single(entry => entry.Id == 1002).Text);
        await using var client = await WorkflowClient.ConnectAsync(options => ConnectAs(options), Cancel);
        await two.Queues.PauseAsync("q", Cancel);
        var open = await client.EnqueueAsync<string>("changing", [1], new() { Id = "open", Queue = "q" }, Cancel);

        Assert.Equal(2, (await two.Queues.GetAsync("q", Cancel))!.Queue.Concurrency);
        Assert.Equal("queue-paused", (await two.ExplainAsync("open", Cancel)).Reason);
        await two.Queues.ResumeAsync("q", Cancel);
        Assert.Equal("by v2", await open.ResultAsync());
        Assert.Equal([("v1", true)], await ListAsync(two));
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => two.Versions.SetLatestAsync("v2", Cancel));
        Assert.Contains("another application has registered that name", refused.Message);
    }

    [Fact]
    public async Task A_start_that_names_another_version_runs_on_that_ones_code()
    {
        var parent = Workflow.Define<Unit, string>("parent")
            .Call(One, _ => 1, _ => new() { ApplicationVersion = "v2" }).As(out var child)
            .Return(x => x.Get(child));
        var one = await LaunchAsync(options => options.ExecutorId = "e1", One, parent);
        var here = await one.StartAsync(One, 1, new() { Id = "here", ApplicationVersion = one.ApplicationVersion }, Cancel);
        Assert.Equal("by v1", await here.ResultAsync());
        var there = await one.StartAsync(One, 1, new() { Id = "there", ApplicationVersion = "v2" }, Cancel);
        await one.BeginAsync(parent, default, "P");
        await StateAsync(one, "P-0", WorkflowState.Enqueued);
        Assert.Equal("version-not-running", (await one.ExplainAsync("there", Cancel)).Reason);

        await LaunchVersionAsync("v2", Two);

        Assert.Equal(("by v2", "by v2"), (await there.ResultAsync(), await one.ResultAsync<string>("P")));
    }

    [Fact]
    public async Task Work_of_a_version_that_is_gone_is_taken_where_the_code_of_that_workflow_is_the_same()
    {
        var one = await LaunchAsync(options => options.ExecutorId = "e1", Same, One);
        var two = await LaunchVersionAsync("v2", Same, Two);
        await one.Queues.RegisterAsync(new("q"), cancellationToken: Cancel);
        await one.Queues.PauseAsync("q", Cancel);
        foreach (var (definition, id) in new[] { (Same, "kept"), (One, "changed") })
        {
            await one.StartAsync(definition, 1, new() { Id = id, Queue = "q" }, Cancel);
        }

        // While an engine of their version is alive both are its own.
        Assert.Equal("queue-paused", (await two.ExplainAsync("kept", Cancel)).Reason);
        await one.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await two.Queues.ResumeAsync("q", Cancel);

        Assert.Equal("done", await two.ResultAsync<string>("kept"));
        Assert.Equal("v2", (await two.GetStatusAsync("kept", Cancel))!.ApplicationVersion);
        Assert.Equal(WorkflowState.Enqueued, await two.StateOfAsync("changed"));
        Assert.Equal("version-not-running", (await two.ExplainAsync("changed", Cancel)).Reason);
        await Eventually.TrueAsync(() => Log.Has(1509), Bounded.Limit, "stranded work is reported");
        var warning = Log.Entries.First(entry => entry.Id == 1509).Text;
        Assert.Contains("1 unfinished workflows changing of version v1 (such as changed)", warning);
    }

    // The count of it is a gauge, for whoever watches an application.
    [Fact]
    public async Task Work_that_nobody_takes_is_counted_by_version_and_name()
    {
        var application = $"application {Guid.NewGuid()}";
        var one = await LaunchAsync(options => (options.ExecutorId, options.ApplicationName) = ("e1", application), Same, One);
        foreach (var id in new[] { "a", "b" })
        {
            await one.StartAsync(One, 1, new() { Id = id, Delay = TimeSpan.FromDays(1) }, Cancel);
        }

        await one.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var two = await LaunchAsync(
            options =>
            {
                (options.ApplicationVersion, options.ExecutorId, options.ApplicationName) = ("v2", "e2", application);
                options.Lease = TimeSpan.FromSeconds(1);
            },
            Same,
            Two);

        await Eventually.TrueAsync(() => Stranded(application) is ["changing of v1: 2"], Bounded.Limit, "both are counted");
        await two.CancelAsync("a", cancellationToken: Cancel);
        await Eventually.TrueAsync(() => Stranded(application) is ["changing of v1: 1"], Bounded.Limit, "one is left");
        await two.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        Assert.Empty(Stranded(application));
    }

    [Fact]
    public async Task Parked_work_of_a_version_that_is_gone_is_taken_too()
    {
        var waiting = Parkable.Receiving();
        var one = await LaunchAsync(options => (options.ExecutorId, options.UnloadAfter) = ("e1", TimeSpan.Zero), waiting);
        await one.BeginAsync(waiting, default, "A");
        await Parkable.ParkedAsync(one, "A");
        await one.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        var two = await LaunchVersionAsync("v2", waiting);
        await two.SendAsync("A", 7, "t", cancellationToken: Cancel);

        Assert.Equal(7, await two.ResultAsync<int>("A"));
        Assert.Equal("v2", (await two.GetStatusAsync("A", Cancel))!.ApplicationVersion);
    }

    // VP-02: what nobody here may take uses up neither the places of a worker nor its looks, however much of it is ahead.
    [Theory]
    [InlineData(null, null)]
    [InlineData(5, null)]
    [InlineData(null, 9)]
    public async Task A_worker_takes_its_own_from_behind_all_that_it_may_not_take(int? concurrency, int? partitionConcurrency)
    {
        const int Barred = 120;
        var gate = new Probe();
        var own = Workflow.Define<int, int>("own").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input);
        var unknown = Workflow.Declare<int, string>("registered nowhere");
        var one = await LaunchAsync(options => options.ExecutorId = "e1", One, own);
        var two = await LaunchVersionAsync("v2", Two);
        await two.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await one.Queues.RegisterAsync(
            new("q") { WorkerConcurrency = 2, Concurrency = concurrency, PartitionConcurrency = partitionConcurrency },
            cancellationToken: Cancel);
        await one.Queues.PauseAsync("q", Cancel);
        var first = new StartOptions { Queue = "q", PartitionKey = partitionConcurrency is null ? null : "p", Priority = 1 };
        await one.StartManyAsync(One, Many(first with { ApplicationVersion = "v2" }), Cancel);
        await one.StartManyAsync(unknown, Many(first with { ApplicationVersion = "v1" }), Cancel);
        await using (var client = await WorkflowClient.ConnectAsync(ConnectAs, Cancel))
        {
            await client.StartManyAsync(One, Many(first), Cancel);
        }

        var handles = await one.StartManyAsync(own, Many(first with { Priority = 2 }, 5), Cancel);
        await one.Queues.ResumeAsync("q", Cancel);
        await gate.ReachedAsync();
        await gate.ReachedAsync();
        Assert.Equal(2, await Database.WorkflowsAsync("status = 'PENDING'"));
        gate.Open();

        foreach (var (number, handle) in handles.Index())
        {
            Assert.Equal(number, await handle.ResultAsync());
        }

        Assert.Equal(3 * Barred, await Database.WorkflowsAsync("status = 'ENQUEUED' AND priority = 1 AND recovery_attempts = 0"));

        static IEnumerable<(int, StartOptions?)> Many(StartOptions options, int count = Barred) =>
            Enumerable.Range(0, count).Select(number => (number, (StartOptions?)options));
    }

    private static List<string> Stranded(string application)
    {
        var seen = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument is { Name: "dbos.workflows.stranded", Meter.Name: "Dbos.Fluent" })
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            var all = tags.ToArray().ToDictionary(tag => tag.Key, tag => $"{tag.Value}");
            if (all["dbos.application.name"] == application)
            {
                seen.Add($"{all["dbos.operation.name"]} of {all["dbos.application.version"]}: {count}");
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return seen;
    }

    private void ConnectAs(ClientOptions options)
    {
        Database.Use(options);
        options.ApplicationName = "tests";
    }

    private Task<WorkflowEngine> LaunchVersionAsync(string version, params WorkflowDefinition[] definitions) => LaunchAsync(
        options =>
        {
            (options.ApplicationVersion, options.ExecutorId) = (version, $"executor of {version}");
            options.Lease = TimeSpan.FromSeconds(1);
        },
        definitions);

    private static Task<WorkflowHandle<string>> EnqueueAsync(WorkflowEngine engine, string id, string version) => engine.StartAsync(
        One, 1, new() { Id = id, Queue = "q", ApplicationVersion = version }, Cancel);

    private static async Task<(string, bool)[]> ListAsync(WorkflowClient client) =>
        [.. (await client.Versions.ListAsync(Cancel)).Select(version => (version.Name, version.IsLatest))];
}
