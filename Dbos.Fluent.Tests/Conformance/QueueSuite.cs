namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows that wait in queues, and who runs them. Scenarios QC, QP, QM.</summary>
public abstract class QueueSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int Unregistered = 1109;
    private const int NoQueueToPause = 1206;

    private readonly Counts counts = new();
    private readonly Probe gate = new();

    [Fact]
    public async Task A_queue_of_one_runs_one_at_a_time()
    {
        var (workflow, quick) = (Gated(), Workflow.Define<int, int>("quick").Return(x => x.Input));
        var line = new WorkflowQueue("line") { Concurrency = 1 };
        var engine = await LaunchAsync(options => options.Add(line, new("free")), workflow, quick);
        var first = await engine.StartAsync(workflow, 1, new() { Queue = "line" }, Cancel);
        var second = await engine.StartAsync(workflow, 2, new() { Queue = "line" }, Cancel);
        await gate.ReachedAsync();
        await HadTimeAsync(engine, quick);

        Assert.Equal(new QueueStatus(line, false, 1, 1), await engine.Queues.GetAsync("line", Cancel));
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(second.Id));
        gate.Open();

        Assert.Equal((1, 2), (await first.ResultAsync(), await second.ResultAsync()));
        Assert.Equal((1, 1), (counts["1"], counts["2"]));
        Assert.Equal(0, await UnendedAsync());
    }

    [Fact]
    public async Task Lower_numbers_go_first_and_equals_by_age()
    {
        var order = new System.Collections.Concurrent.ConcurrentQueue<int>();
        var blocker = Gated();
        var workflow = Workflow.Define<int>("noted").Step("note", x => Task.Run(() => order.Enqueue(x.Input))).End();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), blocker, workflow);
        var running = await engine.StartAsync(blocker, 0, new() { Queue = "line" }, Cancel);
        await gate.ReachedAsync();
        int[] priorities = [0, 1, 2, 3, 4, 5, 0, 0];
        var handles = new List<WorkflowHandle<Unit>>();
        foreach (var (number, priority) in priorities.Index())
        {
            handles.Add(await engine.StartAsync(workflow, number, new() { Queue = "line", Priority = priority }, Cancel));
        }

        // One goes forward, one back; what runs stays as it is, and what is no priority changes nothing.
        Assert.True(await engine.SetPriorityAsync(handles[5].Id, 0, Cancel));
        Assert.True(await engine.SetPriorityAsync(handles[1].Id, 9, Cancel));
        Assert.False(await engine.SetPriorityAsync(running.Id, 9, Cancel));
        Assert.Equal(0, (await running.GetStatusAsync(Cancel)).Priority);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.SetPriorityAsync(handles[2].Id, -1, Cancel));
        gate.Open();
        foreach (var handle in handles)
        {
            await handle.ResultAsync();
        }

        Assert.Equal([0, 5, 6, 7, 2, 3, 4, 1], order);
        Assert.False(await engine.SetPriorityAsync(handles[0].Id, 3, Cancel));
        Assert.False(await engine.SetPriorityAsync("unknown", 3, Cancel));
        Assert.Throws<ArgumentOutOfRangeException>(() => new StartOptions { Priority = -1 });
    }

    [Fact]
    public async Task Those_of_one_moment_go_in_the_order_in_which_they_were_started()
    {
        var order = new System.Collections.Concurrent.ConcurrentQueue<int>();
        var workflow = Workflow.Define<int>("noted").Step("note", x => Task.Run(() => order.Enqueue(x.Input))).End();
        var engine = await LaunchAsync(
            options => (options.TimeProvider, _) = (new ManualTimeProvider(), options.Add(new WorkflowQueue("line") { Concurrency = 1 })),
            workflow);
        await engine.Queues.PauseAsync("line", Cancel);
        var handles = await engine.StartManyAsync(
            workflow, Enumerable.Range(0, 20).Select(i => (i, (StartOptions?)new() { Queue = "line" })), Cancel);
        await engine.StartAsync(workflow, 20, new() { Queue = "line" }, Cancel);
        var last = await engine.StartAsync(workflow, 21, new() { Queue = "line" }, Cancel);

        await engine.Queues.ResumeAsync("line", Cancel);
        await last.ResultAsync();

        Assert.Equal(Enumerable.Range(0, 22), order);
        Assert.Equal(handles.Select(handle => handle.Id).Order(StringComparer.Ordinal), handles.Select(handle => handle.Id));
    }

    [Fact]
    public async Task What_another_process_changes_about_a_queue_is_heeded()
    {
        var (gated, quick) = (Gated(), Workflow.Define<int, int>("quick").Return(x => x.Input));
        await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), gated, quick);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel).Within(Bounded.Limit);
        await client.Queues.PauseAsync("line", Cancel);
        var first = await client.StartAsync(gated, 1, new() { Queue = "line" }, Cancel);
        Assert.Equal(WorkflowState.Enqueued, await client.StateOfAsync(first.Id));
        await client.Queues.ResumeAsync("line", Cancel);
        await gate.ReachedAsync();
        var second = await client.StartAsync(quick, 2, new() { Queue = "line" }, Cancel);
        Assert.Equal(WorkflowState.Enqueued, await client.StateOfAsync(second.Id));

        await client.Queues.RegisterAsync(new WorkflowQueue("line") { Concurrency = 2 }, cancellationToken: Cancel);

        Assert.Equal(2, await second.ResultAsync());
        gate.Open();
        Assert.Equal(1, await first.ResultAsync());
    }

    // QC-06: whoever starts it again, and whether it waits or runs.
    [Fact]
    public async Task Enqueuing_an_id_again_attaches_and_changes_nothing()
    {
        var workflow = Gated();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        var other = await LaunchAsync(options => (options.ExecutorId, options.ListenTo) = ("executor-2", []), workflow);
        await engine.Queues.PauseAsync("line", Cancel);
        await engine.StartAsync(workflow, 0, new() { Id = "A", Queue = "line" }, Cancel);
        Assert.Equal((null, "ENQUEUED"), (await ReadAsync("executor_id"), await ReadAsync("status")));
        await ChangesNothingAsync();
        await engine.Queues.ResumeAsync("line", Cancel);
        await gate.ReachedAsync();
        Assert.Equal((Executor, "PENDING"), (await ReadAsync("executor_id"), await ReadAsync("status")));
        await ChangesNothingAsync();
        gate.Open();

        Assert.Equal(0, await engine.ResultAsync<int>("A"));
        Assert.Equal((1, 1), (counts["0"], await Database.SucceededAsync()));
        await ChangesNothingAsync();

        Task<string?> ReadAsync(string column) => Database.ScalarAsync($"SELECT {column} FROM workflow_status");

        async Task ChangesNothingAsync()
        {
            var before = await Database.QueryAsync("SELECT * FROM workflow_status");
            for (var i = 1; i <= 5; i++)
            {
                await other.StartAsync(workflow, i, new() { Id = "A", Queue = "line", Priority = i }, Cancel);
            }

            Assert.Equal(before, await Database.QueryAsync("SELECT * FROM workflow_status"));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_waits_in_a_queue_that_nobody_registered_runs_once_somebody_does(bool elsewhere)
    {
        var workflow = Gated();
        gate.Open();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("free")), workflow);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel).Within(Bounded.Limit);
        var caller = elsewhere ? client : engine;
        var handle = await caller.StartAsync(workflow, 1, new() { Queue = "later" }, Cancel);
        var unknown = await caller.EnqueueAsync<int>("registered nowhere", [1], new() { Queue = "later" }, Cancel);
        await HadTimeAsync(engine, workflow);
        Assert.Equal((WorkflowState.Enqueued, 0), (await caller.StateOfAsync(handle.Id), counts["1"]));

        await caller.Queues.RegisterAsync(new WorkflowQueue("later"), cancellationToken: Cancel);

        Assert.Equal(1, await handle.ResultAsync());
        var status = (await engine.GetStatusAsync(unknown.Id, Cancel))!;
        Assert.Equal((WorkflowState.Enqueued, null), (status.State, status.ApplicationVersion));
    }

    [Fact]
    public async Task An_engine_serves_the_queues_it_listens_to_and_always_the_internal_one()
    {
        var workflow = Gated();
        gate.Open();
        var engine = await LaunchAsync(
            options =>
            {
                options.Add(new WorkflowQueue("one"), new WorkflowQueue("two"));
                options.ListenTo = ["one"];
            },
            workflow);
        var first = await engine.StartAsync(workflow, 1, new() { Queue = "one" }, Cancel);
        var second = await engine.StartAsync(workflow, 2, new() { Queue = "two" }, Cancel);
        var delayed = await engine.StartAsync(workflow, 3, new() { Delay = TimeSpan.FromMilliseconds(1) }, Cancel);

        Assert.Equal((1, 3), (await first.ResultAsync(), await delayed.ResultAsync()));
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(second.Id));
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        var other = await LaunchAsync(options => options.ListenTo = ["two"], workflow);

        Assert.Equal(2, await other.ResultAsync<int>(second.Id));
    }

    [Fact]
    public async Task Limits_that_change_bind_at_once_and_stop_nothing_that_runs()
    {
        var workflow = Gated();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), workflow);
        var handles = new List<WorkflowHandle<int>>();
        for (var i = 0; i < 4; i++)
        {
            handles.Add(await engine.StartAsync(workflow, i, new() { Queue = "line" }, Cancel));
        }

        await gate.ReachedAsync();
        Assert.Equal(1, (await engine.Queues.GetAsync("line", Cancel))!.Running);

        await engine.Queues.RegisterAsync(new WorkflowQueue("line") { Concurrency = 3 }, cancellationToken: Cancel);
        await gate.ReachedAsync();
        await gate.ReachedAsync();
        await engine.Queues.RegisterAsync(new WorkflowQueue("line") { Concurrency = 1 }, cancellationToken: Cancel);
        Assert.Equal((1, 3), await CountsAsync(engine));

        await engine.Queues.RegisterAsync(new WorkflowQueue("line"), cancellationToken: Cancel);
        await gate.ReachedAsync();
        gate.Open();
        foreach (var handle in handles)
        {
            await handle.ResultAsync();
        }
    }

    [Fact]
    public async Task A_queue_that_nobody_has_registered_is_told_of_once_and_one_that_is_not_at_all()
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input);
        var parent = Flows.Series("parent", () => [Step.Start(child, 1, new() { Queue = "lost" })]);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), child, parent);

        Assert.Equal(1, await (await engine.StartAsync(child, 1, new() { Queue = "line" }, Cancel)).ResultAsync());
        await engine.RunAsync(parent, default, "P");
        await engine.StartAsync(child, 1, new() { Queue = "lost" }, Cancel);
        await engine.StartAsync(child, 1, new() { Queue = "misspelt" }, Cancel);

        Assert.Equal(
            ["lost", "misspelt"],
            Log.Entries.Where(entry => entry.Id == Unregistered).Select(entry => entry.Text.Split(' ')[6].TrimEnd(',')));
    }

    [Fact]
    public async Task Nothing_is_taken_from_a_paused_queue()
    {
        var workflow = Gated();
        gate.Open();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line"), new WorkflowQueue("other")), workflow);
        await engine.Queues.PauseAsync("line", Cancel);
        Assert.False(Log.Has(NoQueueToPause));
        await engine.Queues.PauseAsync("unknown", Cancel);
        Assert.True(Log.Has(NoQueueToPause));
        var paused = await engine.StartAsync(workflow, 1, new() { Queue = "line" }, Cancel);
        var other = await engine.StartAsync(workflow, 2, new() { Queue = "other" }, Cancel);

        Assert.Equal(2, await other.ResultAsync());
        Assert.Equal([("line", true), ("other", false)], (await engine.Queues.ListAsync(Cancel)).Select(q => (q.Queue.Name, q.Paused)));
        await engine.Queues.RegisterAsync(new WorkflowQueue("line") { Concurrency = 5 }, cancellationToken: Cancel);
        Assert.True((await engine.Queues.GetAsync("line", Cancel))!.Paused);
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(paused.Id));

        await engine.Queues.ResumeAsync("line", Cancel);

        Assert.Equal(1, await paused.ResultAsync());
    }

    [Fact]
    public async Task What_waits_in_a_deleted_queue_runs_when_it_is_registered_again()
    {
        var workflow = Gated();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), workflow);
        var blocker = await engine.StartAsync(workflow, 1, new() { Queue = "line" }, Cancel);
        var target = await engine.StartAsync(workflow, 2, new() { Queue = "line" }, Cancel);
        await gate.ReachedAsync();
        await engine.Queues.DeleteAsync("line", Cancel);
        gate.Open();
        await blocker.ResultAsync();

        Assert.Null(await engine.Queues.GetAsync("line", Cancel));
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(target.Id));
        await engine.Queues.RegisterAsync(new WorkflowQueue("line"), cancellationToken: Cancel);

        Assert.Equal(2, await target.ResultAsync());
    }

    [Fact]
    public async Task Registration_keeps_or_overwrites_as_it_is_told()
    {
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }));
        await engine.Queues.RegisterAsync(new WorkflowQueue("line") { Concurrency = 2 }, OnConflict.NeverUpdate, Cancel);
        Assert.Equal(1, (await engine.Queues.GetAsync("line", Cancel))!.Queue.Concurrency);
        await engine.Queues.RegisterAsync(new WorkflowQueue("line") { Concurrency = 3 }, OnConflict.UpdateIfLatestVersion, Cancel);
        Assert.Equal(3, (await engine.Queues.GetAsync("line", Cancel))!.Queue.Concurrency);
        var newer = await LaunchAsync(options =>
        {
            options.ApplicationVersion = "v2";
            options.ExecutorId = "executor-2";
            options.Add(new WorkflowQueue("line") { Concurrency = 4 });
        });

        await engine.Queues.RegisterAsync(new WorkflowQueue("line") { Concurrency = 5 }, OnConflict.UpdateIfLatestVersion, Cancel);

        Assert.Equal(4, (await newer.Queues.GetAsync("line", Cancel))!.Queue.Concurrency);
        await Assert.ThrowsAsync<ConflictingRegistrationException>(() => LaunchAsync(options =>
        {
            options.ApplicationName = "another";
            options.ExecutorId = "executor-3";
            options.Add(new WorkflowQueue("line"));
        }));
    }

    [Fact]
    public async Task Children_that_are_enqueued_are_found_again_by_a_parent_that_is_recovered()
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input * 10);
        var parent = Workflow.Define<Unit, int>("parent", Body);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { WorkerConcurrency = 2 }), parent, child);
        Assert.Equal(100, await engine.RunAsync(parent, default, "P"));
        var steps = await Database.StoredStepsAsync("P");

        var again = await FlipAndRelaunchAsync(engine, ["P", "P-0", "P-1", "P-2", "P-3"], parent, child);

        Assert.Equal(100, await again.ResultAsync<int>("P"));
        await StateAsync(again, "P-3", WorkflowState.Success);
        Assert.Equal(100, await again.RunAsync(parent, default, "P"));
        Assert.Equal(4, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE queue_name = 'line'"));
        Assert.Equal(5, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'"));
        Assert.Equal(steps, await Database.StoredStepsAsync("P"));
        foreach (var number in Enumerable.Range(0, 4))
        {
            Assert.Equal(10 * (number + 1), await again.ResultAsync<int>($"P-{number}"));
            Assert.Equal(2, (await again.GetStatusAsync($"P-{number}", Cancel))!.RecoveryAttempts);
        }

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            var handles = new List<WorkflowHandle<int>>();
            for (var i = 1; i <= 4; i++)
            {
                yield return Step.Start(child, i, new() { Queue = "line" }).As(out var started);
                handles.Add(started.Result);
            }

            yield return Step.AwaitAll(handles).As(out var all);
            yield return all.Result.Sum();
        }
    }

    private WorkflowDefinition<int, int> Gated() => Workflow.Define<int, int>("gated")
        .Step("gate", async x =>
        {
            counts.Add($"{x.Input}");
            await gate.PassAsync(x.CancellationToken);
        })
        .Return(x => x.Input);

    private Task<long> UnendedAsync() =>
        Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')");

    private static async Task<(long Waiting, long Running)> CountsAsync(WorkflowEngine engine)
    {
        var status = (await engine.Queues.GetAsync("line", Cancel))!;
        return (status.Waiting, status.Running);
    }
}
