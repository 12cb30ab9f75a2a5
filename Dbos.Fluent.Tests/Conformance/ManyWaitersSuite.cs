using System.Diagnostics;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>A thousand waits at once hold neither threads nor connections.</summary>
public abstract class ManyWaitersSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    protected override bool SharesDatabases => false;

    private const int Waiters = 1000;
    private const int Connections = 10;

    // Far above what a process needs, far below a thread for each waiter.
    private const int ThreadsMax = 200;

    // Other tests of this process begin and end threads too; a thread for each waiter would be ten times as many.
    private const int ThreadsMore = Waiters / 10;
    private const int Samples = 40;

    private readonly ManualTimeProvider time = new();
    private readonly int threadsBefore = CountThreads();

    [Fact]
    public Task A_thousand_receivers_wait_beside_a_workflow_that_is_quick() => WaitAsync(
        Flows.One("receive", () => Step.Receive<int>("t", TimeSpan.FromDays(1))),
        engine => engine.SendManyAsync(
            Enumerable.Range(0, Waiters).Select(i => (Id(i), i, (string?)"t", (string?)null)), cancellationToken: Cancel));

    [Fact]
    public async Task A_thousand_waiters_for_an_event_wait_beside_a_workflow_that_is_quick()
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 7)]);
        await WaitAsync(
            Flows.One("get", () => Step.GetEvent<int>("W", "k", TimeSpan.FromDays(1))),
            engine => engine.RunAsync(setter, default, "W"),
            setter);
    }

    [Fact]
    public Task A_thousand_sleepers_wait_beside_a_workflow_that_is_quick() => WaitAsync(
        Flows.One("sleep", () => Step.Sleep(TimeSpan.FromDays(1))),
        _ =>
        {
            time.Advance(TimeSpan.FromDays(1));
            return Task.CompletedTask;
        });

    // SL-03: looked at all the while, on the real clock.
    [Fact]
    public async Task A_thousand_short_sleeps_keep_nobody_from_reading_and_each_lasts_its_time()
    {
        var workflow = Workflow.Define<Unit>("sleep").Sleep(TimeSpan.FromSeconds(6)).End();
        var engine = await LaunchAsync(
            options =>
            {
                Configure(options);
                options.TimeProvider = TimeProvider.System;
            },
            workflow,
            Quick);
        var starts = Enumerable.Range(0, Waiters).Select(i => (default(Unit), (StartOptions?)new() { Id = Id(i) }));
        var handles = await engine.StartManyAsync(workflow, starts, Cancel).Within(Bounded.Limit);
        var ends = Task.WhenAll(handles.Select(handle => handle.ResultAsync()));
        var looks = 0;

        await Eventually.TrueAsync(
            async () =>
            {
                await AssertQuickAsync(engine);
                Assert.Equal(7, await engine.ListAsync(new() { Name = "sleep", Limit = 7 }, Cancel).CountAsync(Cancel));
                looks++;
                return ends.IsCompleted;
            },
            Bounded.Limit,
            "all have slept");

        await ends;
        Assert.InRange(looks, 2, int.MaxValue);
        Assert.Equal(
            Waiters,
            await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE name = 'sleep' AND completed_at - created_at >= 5900"));
    }

    [Fact]
    public async Task A_thousand_parents_of_sleeping_children_wait_beside_a_workflow_that_is_quick()
    {
        var child = Workflow.Define<Unit>("child").Sleep(TimeSpan.FromDays(1)).End();
        await WaitAsync(
            Flows.One("parent", () => Step.Call(child, default)),
            _ =>
            {
                time.Advance(TimeSpan.FromDays(1));
                return Task.CompletedTask;
            },
            child);
    }

    [Fact]
    public async Task A_thousand_readers_of_a_stream_wait_beside_a_workflow_that_is_quick()
    {
        var end = new Probe();
        var writer = Flows.Series("writer", () => [Step.Run("wait", s => end.PassAsync(s)), Step.WriteStream("s", 7)]);
        var engine = await LaunchAsync(Configure, [writer, Quick]);
        await engine.BeginAsync(writer, default, "W");
        await end.ReachedAsync();
        var readers = Enumerable.Range(0, Waiters).Select(i => engine.ReadAllAsync<int>("W", "s", offset: i)).ToArray();
        await Eventually.TrueAsync(() => engine.Core.Wakeups.Streams.Count == Waiters, Bounded.Limit, "all wait");

        await AssertQuickAsync(engine);
        end.Open();

        Assert.Equal([7], (await Task.WhenAll(readers).Within(Bounded.Limit)).SelectMany(read => read));
        Assert.Equal(0, engine.Core.Wakeups.Streams.Count);
    }

    // CH-06: what is waited for runs nowhere yet, and in the end elsewhere: nobody in this process tells of it.
    [Fact]
    public async Task A_thousand_bodies_that_wait_for_others_to_end_or_to_write_wait_beside_a_workflow_that_is_quick()
    {
        Func<string, WorkflowHandle<int>> handleOf = null!;
        var target = Workflow.Define<int, int>("target")
            .If(x => x.Input % 4 > 1, writing => writing.WriteStream("s", x => x.Input)).Return(x => x.Input);
        var waiter = Workflow.Define<int, int>("waiter", Body);
        var engine = await LaunchAsync(Configure, [waiter, Quick]);
        handleOf = engine.Retrieve<int>;
        await engine.RunAsync(Quick, default, "warm");
        await engine.StartManyAsync(
            target,
            Enumerable.Range(0, Waiters).Select(i => (i, (StartOptions?)new() { Id = $"T{i}", Queue = "elsewhere" }))
                .Append((0, new() { Id = "never", Queue = "nobody's" })),
            Cancel);
        var handles = await Task.WhenAll(Enumerable.Range(0, Waiters).Select(i => engine.BeginAsync(waiter, i, Id(i))));
        var wakeups = engine.Core.Wakeups;
        await Eventually.TrueAsync(
            () => (wakeups.Outcomes.Count, wakeups.Streams.Count) == ((Waiters / 2) + 1, Waiters / 2), Bounded.Limit, "all wait");

        await AssertQuickAsync(engine);
        await LaunchAsync(
            options =>
            {
                Configure(options);
                options.ExecutorId = "executor-2";
                options.Add(new WorkflowQueue("elsewhere"));
            },
            target);

        var results = await Task.WhenAll(handles.Select(handle => handle.ResultAsync())).Within(Bounded.Limit);
        Assert.Equal(Enumerable.Range(0, Waiters), results);
        Assert.Equal((0, 0), (wakeups.Outcomes.Count, wakeups.Streams.Count));

        async IAsyncEnumerable<StepOr<int>> Body(int number, WorkflowContext workflow)
        {
            var id = $"T{number}";
            switch (number % 4)
            {
                case 0:
                    yield return Step.Await(handleOf(id)).As(out var result);
                    yield return result.Result;
                    break;
                case 1:
                    yield return Step.AwaitAny([handleOf("never"), handleOf(id)]).As(out var winner);
                    yield return winner.Result == 1 ? number : -1;
                    break;
                default:
                    yield return Step.ReadStream<int>(id, "s", 0).As(out var read);
                    yield return read.Result.ValueOr(-1);
                    break;
            }
        }
    }

    // They are callers of a client and not bodies of workflows; what they wait for happens in another process in the end.
    [Fact]
    public async Task Thousands_of_callers_wait_for_results_and_events_beside_a_workflow_that_is_quick()
    {
        var target = Workflow.Define<int, int>("target").SetEvent("k", x => x.Input + 1).Return(x => x.Input);
        var engine = await LaunchAsync(Configure, [Quick]);
        await using var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                Limit(options);
                (options.ApplicationName, options.TimeProvider) = ("tests", time);
            },
            Cancel).Within(Bounded.Limit);
        await engine.StartManyAsync(
            target, Enumerable.Range(0, Waiters).Select(i => (i, (StartOptions?)new() { Id = $"T{i}", Queue = "elsewhere" })), Cancel);
        var results = Enumerable.Range(0, Waiters).Select(i => client.Retrieve<int>($"T{i}").GetResultAsync(Cancel)).ToArray();
        var events = Enumerable.Range(0, Waiters)
            .Select(i => client.GetEventAsync<int>($"T{i}", "k", TimeSpan.FromDays(1), Cancel)).ToArray();
        var wakeups = client.Core.Wakeups;
        await Eventually.TrueAsync(
            () => (wakeups.Outcomes.Count, wakeups.Events.Count) == (Waiters, Waiters), Bounded.Limit, "all wait");

        await AssertQuickAsync(engine, Connections * 2);
        await LaunchAsync(
            options =>
            {
                Configure(options);
                options.ExecutorId = "executor-2";
                options.Add(new WorkflowQueue("elsewhere"));
            },
            target);

        Assert.Equal(Enumerable.Range(0, Waiters), await Task.WhenAll(results).Within(Bounded.Limit));
        Assert.Equal(
            Enumerable.Range(1, Waiters), (await Task.WhenAll(events).Within(Bounded.Limit)).Select(found => found.Value));
        Assert.Equal((0, 0), (wakeups.Outcomes.Count, wakeups.Events.Count));
    }

    private WorkflowDefinition<Unit, Unit> Quick => field ??= Flows.Series("quick", () => [Step.Run("step", _ => Task.CompletedTask)]);

    private static string Id(int number) => $"waiter {number}";

    private async Task WaitAsync<T>(
        WorkflowDefinition<Unit, T> waiter, Func<WorkflowEngine, Task> wake, params WorkflowDefinition[] others)
    {
        var engine = await LaunchAsync(Configure, [waiter, Quick, .. others]);
        await engine.RunAsync(Quick, default, "warm");
        var handles = await Task.WhenAll(Enumerable.Range(0, Waiters).Select(i => engine.BeginAsync(waiter, default, Id(i))));
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'") == Waiters,
            Bounded.Limit,
            "all wait");

        await AssertQuickAsync(engine);
        await wake(engine);

        await Task.WhenAll(handles.Select(handle => handle.ResultAsync())).Within(Bounded.Limit);
        Assert.Equal(0, engine.Core.Wakeups.Inboxes.Count + engine.Core.Wakeups.Events.Count + engine.Core.Wakeups.Outcomes.Count);
    }

    // Looks again and again while they wait, and starts and ends a workflow each time.
    private async Task AssertQuickAsync(WorkflowEngine engine, int connectionsMax = Connections)
    {
        var threads = new List<int> { CountThreads() };
        await Eventually.TrueAsync(
            async () =>
            {
                await engine.RunAsync(Quick, default, $"quick {threads.Count}");
                threads.Add(CountThreads());
                return threads.Count > Samples;
            },
            Bounded.Limit,
            "workflows are started and end");
        Assert.InRange(threads.Max(), 1, Math.Min(ThreadsMax, threadsBefore + ThreadsMore));
        Assert.NotNull(await engine.GetStatusAsync("quick 1", Cancel).Within(Bounded.Limit));
        await AssertConnectionsAsync(connectionsMax);
    }

    private static int CountThreads()
    {
        using var self = Process.GetCurrentProcess();
        return self.Threads.Count;
    }

    private void Configure(EngineOptions options)
    {
        // What waits stays in memory here; that it may leave is another suite's matter.
        (options.TimeProvider, options.UnloadAfter) = (time, Timeout.InfiniteTimeSpan);
        Limit(options);
    }

    private void Limit(ClientOptions options)
    {
        if (Database is PostgresTestDatabase postgres)
        {
            options.UsePostgres($"{postgres.ConnectionString};Maximum Pool Size={Connections}");
        }
    }

    private async Task AssertConnectionsAsync(int max)
    {
        if (Database is PostgresTestDatabase)
        {
            // The one that asks is not the engine's.
            var open = await Database.CountAsync("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()");
            Assert.InRange(open, 1, max);
        }
    }
}
