using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Rewinding and deleting workflows as users do it. Scenarios DL, LS.</summary>
public abstract class RewindSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();
    private readonly Probe gate = new();

    [Fact]
    public async Task A_rewound_workflow_runs_anew_from_a_step()
    {
        var workflow = Workflow.Define<Unit, string>("asking", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await engine.SendAsync("A", "first", cancellationToken: Cancel);
        Assert.Equal("first", await engine.ResultAsync<string>("A"));

        await engine.RewindAsync("A", 1, Cancel);
        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Null(status.CompletedAt);
        await engine.SendAsync("A", "second", cancellationToken: Cancel);

        Assert.Equal("second", await engine.ResultAsync<string>("A"));
        Assert.Equal((1, 2), (counts["one"], counts["three"]));
        Assert.Equal(["a", "b", "b"], await engine.ReadAllAsync<string>("A", "s"));
        Assert.Equal("second", (await engine.GetAllEventsAsync<string>("A", Cancel))["answer"]);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("one", async s =>
            {
                counts.Add("one");
                await s.Client.WriteStreamAsync("s", "a");
            });
            yield return Step.Receive<string>().As(out var answer);
            yield return Step.SetEvent("answer", answer.Result);
            yield return Step.Run("three", s =>
            {
                counts.Add("three");
                return s.Client.WriteStreamAsync("s", "b");
            });
            yield return Step.CloseStream("s");
            yield return answer.Result;
        }
    }

    [Fact]
    public async Task Only_ended_workflows_are_rewound()
    {
        var workflow = Waiting();
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        var running = await Assert.ThrowsAsync<WorkflowNotEndedException>(() => engine.RewindAsync("A", 0, Cancel));
        Assert.Equal(("A", WorkflowState.Pending), (running.WorkflowId, running.State));
        var unknown = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.RewindAsync("B", 0, Cancel));
        Assert.Equal("B", unknown.WorkflowId);
        await engine.CancelAsync("A", cancellationToken: Cancel);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.RewindAsync("A", 1, Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.RewindAsync("A", -1, Cancel));
        Assert.Equal(WorkflowState.Cancelled, await engine.StateOfAsync("A"));
        gate.Open();
        await engine.RewindAsync("A", 0, Cancel);
        Assert.Equal(1, await engine.ResultAsync<int>("A"));
    }

    // As in DBOS the ids of children stay, so a child that has ended is met again; one that was deleted runs anew.
    [Fact]
    public async Task A_rewind_past_a_child_meets_the_child_that_is_there()
    {
        var child = Workflow.Define<Unit, int>("child").Step("work", _ => Task.FromResult(counts.Add("child"))).As(out var made)
            .Return(x => x.Get(made));
        var parent = Workflow.Define<Unit, string>("parent").Step("first", _ => Task.FromResult(counts.Add("first"))).As(out var first)
            .Call(child, _ => default).As(out var called).Return(x => $"{x.Get(first)} {x.Get(called)}");
        var engine = await LaunchAsync(parent, child);
        Assert.Equal("1 1", await engine.RunAsync(parent, default, "P"));

        await engine.RewindAsync("P", 0, Cancel);
        Assert.Equal("2 1", await engine.ResultAsync<string>("P"));
        await engine.DeleteAsync("P-1", cancellationToken: Cancel);
        await engine.RewindAsync("P", 1, Cancel);

        Assert.Equal("2 2", await engine.ResultAsync<string>("P"));
        Assert.Equal("0 first, 1 child, 2 DBOS.getResult", await engine.StepsAsync("P"));
    }

    // What undoing has done stays done: a rewind takes away what is recorded of it, from its step on.
    [Fact]
    public async Task A_failed_workflow_is_rewound_into_its_undoing_and_before_it()
    {
        var (undone, healed) = (new Undone(), false);
        var workflow = Workflow.Define<Unit, string>("saga", Body);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), workflow);
        const string Failed = "0 a, 1 b, 2 charge failed, 3 Dbos.Fluent.compensating failed, 4 b.compensate, 5 a.compensate";
        await engine.StartAsync(workflow, default, new() { Id = "A", Queue = "line", DeduplicationId = "d" }, Cancel);
        await FailsAsync("b, a", attempts: 1);

        await engine.RewindAsync("A", 5, Cancel);
        await FailsAsync("b, a, a", attempts: 1);
        await engine.RewindAsync("A", 2, Cancel);
        await FailsAsync("b, a, a, b, a", attempts: 2);

        healed = true;
        await engine.RewindAsync("A", 1, Cancel);
        Assert.Equal("charged", await engine.ResultAsync<string>("A"));
        Assert.Equal("0 a, 1 b, 2 charge", await engine.StepsAsync("A"));
        Assert.Equal("b, a, a, b, a", undone.Text);
        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Equal((WorkflowState.Success, null, null, 1), (status.State, status.Error, status.DeduplicationId, status.RecoveryAttempts));

        async Task FailsAsync(string all, int attempts)
        {
            Assert.Equal("refused", (await engine.Retrieve<string>("A").FailureAsync()).Message);
            Assert.Equal(Failed, await engine.StepsAsync("A"));
            Assert.Equal((all, attempts), (undone.Text, counts["charge"]));
        }

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            yield return undone.Plain("b");
            yield return Step.Run("charge", async _ => healed ? "charged" : throw Refused()).As(out var charge);
            yield return charge.Result;
        }

        InvalidOperationException Refused() => counts.Add("charge", new InvalidOperationException("refused"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("line")]
    public async Task A_dead_letter_that_is_rewound_has_all_its_attempts_again(string? queue)
    {
        var line = new WorkflowQueue("line") { Concurrency = 1 };
        var workflow = Workflow.Define<Unit, int>("hopeless")
            .Step("one", _ => Task.FromResult(counts.Add("one"))).Step("two", _ => Task.FromResult(counts.Add("two")))
            .Return(_ => counts["two"]);
        var engine = await LaunchAsync(options => options.Add(line), workflow);
        var handle = await engine.StartAsync(workflow, default, new() { Id = "A", Queue = queue }, Cancel);
        Assert.Equal(1, await handle.ResultAsync());
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 2");
        await Database.FlipAsync("A");
        engine = await LaunchAsync(
            options =>
            {
                options.Add(line);
                options.MaxRecoveryAttempts = 1;
            },
            workflow);
        await Assert.ThrowsAsync<MaxRecoveryAttemptsExceededException>(() => engine.ResultAsync<int>("A"));

        await engine.RewindAsync("A", 1, Cancel);

        Assert.Equal(2, await engine.ResultAsync<int>("A"));
        Assert.Equal((1, 2), (counts["one"], counts["two"]));
        Assert.Equal(1, (await engine.GetStatusAsync("A", Cancel))!.RecoveryAttempts);
    }

    // DL-01, and what becomes of those who run and wait.
    [Fact]
    public async Task A_deleted_run_is_stopped_and_whoever_waits_is_told()
    {
        var stopped = new TaskCompletionSource<CancellationReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        var child = Workflow.Define<Unit, int>("child", Child);
        var parent = Workflow.Define<Unit, string>("parent", Parent);
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, parent, child);
        await engine.BeginAsync(parent, default, "P");
        await gate.ReachedAsync();
        await StateAsync(engine, "P", WorkflowState.Delayed);
        var waiting = engine.Retrieve<int>("P-0").GetResultAsync(Cancel);
        var reading = engine.ReadAllAsync<int>("P-0", "s");

        await engine.DeleteAsync(["P-0", "unknown"], cancellationToken: Cancel);

        var gone = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => waiting.Within(Bounded.Limit));
        Assert.Equal("P-0", gone.WorkflowId);
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => reading.Within(Bounded.Limit));
        Assert.Equal(CancellationReason.Cancelled, await stopped.Task.Within(Bounded.Limit));
        Assert.Equal("no workflow P-0", await engine.ResultAsync<string>("P"));
        Assert.Null(await engine.GetStatusAsync("P-0", Cancel));

        async IAsyncEnumerable<StepOr<int>> Child(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", async s =>
            {
                try
                {
                    await gate.PassAsync(s);
                }
                catch (OperationCanceledException)
                {
                    stopped.TrySetResult(s.CancellationReason);
                    throw;
                }
            });
            yield return 1;
        }

        async IAsyncEnumerable<StepOr<string>> Parent(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(child, default).As(out var started);
            yield return Step.Await(started.Result).Try(out var result);
            yield return result.Error?.Is<NonExistentWorkflowException>() == true ? $"no workflow {started.Result.Id}" : "a result";
        }
    }

    // DL-03
    [Theory]
    [InlineData("waiting")]
    [InlineData("delayed")]
    [InlineData("running")]
    public async Task A_deleted_workflow_gives_its_id_and_its_deduplication_id_away_and_leaves_nothing(string how)
    {
        var workflow = Workflow.Define<int, int>("holding", Body);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        await (how == "waiting" ? engine.Queues.PauseAsync("line", Cancel) : Task.CompletedTask);
        var options = new StartOptions { Id = "A", Queue = "line", DeduplicationId = "d" };
        var former = options with
        {
            Delay = how == "delayed" ? TimeSpan.FromDays(1) : null,
            Attributes = new Dictionary<string, object?> { ["former"] = true },
        };
        await engine.StartAsync(workflow, 1, former, Cancel);
        await (how == "running" ? gate.ReachedAsync() : Task.CompletedTask);
        await engine.SendAsync("A", "for the former", cancellationToken: Cancel);
        await Assert.ThrowsAsync<QueueDeduplicatedException>(
            () => engine.StartAsync(workflow, 3, options with { Id = "B" }, Cancel));

        await engine.DeleteAsync("A", cancellationToken: Cancel);
        gate.Open();
        await engine.Queues.ResumeAsync("line", Cancel);
        var anew = await engine.StartAsync(workflow, 2, options, Cancel);

        Assert.Equal(2, await anew.ResultAsync());
        Assert.Equal("0 first, 1 DBOS.setEvent, 2 gate", await engine.StepsAsync("A"));
        Assert.Equal("of 2", Assert.Single(await engine.GetAllEventsAsync<int>("A", Cancel)).Key);
        Assert.Empty(await engine.GetMessagesAsync("A", Cancel));
        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Equal((null, 1), (status.Attributes, status.RecoveryAttempts));
        Assert.Equal(how == "running" ? 2 : 1, counts["first"]);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Run("first", _ => Task.FromResult(counts.Add("first")));
            yield return Step.SetEvent($"of {input}", input);
            yield return Step.Run("gate", s => gate.PassAsync(s));
            yield return input;
        }
    }

    [Fact]
    public async Task A_run_that_another_process_deletes_is_stopped()
    {
        var workflow = Waiting();
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        var waiting = engine.Retrieve<int>("A").GetResultAsync(Cancel);

        await client.DeleteAsync("A", children: true, Cancel);

        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => waiting.Within(Bounded.Limit));
        await Eventually.TrueAsync(() => counts["stopped"] == 1, Bounded.Limit);
        gate.Open();
        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));
        Assert.Equal("0 wait", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_step_manages_other_workflows()
    {
        var target = Workflow.Define<int, int>("target").Step("work", x => Task.FromResult(x.Input)).As(out var made)
            .Return(x => x.Get(made));
        var manager = Workflow.Define<Unit, string>("managing")
            .Step("manage", x => ManageAsync(x.Step.Workflows)).As(out var told)
            .Return(x => x.Get(told));
        var engine = await LaunchAsync(target, manager);
        foreach (var n in Enumerable.Range(1, 3))
        {
            await engine.RunAsync(target, n, $"T{n}");
        }

        Assert.Equal("T1 T2 T3; 3; T1 T3; 2 T3", await engine.RunAsync(manager, default, "M"));

        async Task<string> ManageAsync(WorkflowClient workflows)
        {
            var filter = new WorkflowFilter { Name = "target" };
            var all = await ListedAsync(filter);
            var count = (await workflows.CountAsync(filter, CountBy.Name, Cancel)).Single().Count;
            await workflows.DeleteAsync("T2", cancellationToken: Cancel);
            await workflows.SetAttributesAsync("T3", new Dictionary<string, object?> { ["kept"] = true }, Cancel);
            var left = await ListedAsync(filter);
            await workflows.RewindAsync("T1", 0, Cancel);
            Assert.Equal(1, await workflows.ResultAsync<int>("T1"));
            var collected = await workflows.CollectGarbageAsync(new() { KeepNewest = 0, Name = "target" }, Cancel);
            return $"{all}; {count}; {left}; {collected.Workflows} {"T3"}";

            async Task<string> ListedAsync(WorkflowFilter which) =>
                string.Join(' ', (await workflows.ListAsync(which, Cancel).ToListAsync(Cancel)).Select(status => status.Id));
        }
    }

    [Fact]
    public async Task A_call_whose_answer_is_lost_has_taken_effect_once()
    {
        var workflow = Workflow.Define<Unit, int>("counted").Step("work", _ => Task.FromResult(counts.Add("work"))).As(out var made)
            .Return(x => x.Get(made));
        var kind = StoreCallKind.Fork;
        WorkflowEngine engine = null!;
        engine = await LaunchAsync(
            options => options.WrapStore = store => new FaultingStore(
                store, new CallFaults { After = (call, _) => LoseOnce(call.Kind) }),
            workflow);
        await engine.RunAsync(workflow, default, "A");

        await engine.ForkAsync("A", 0, new() { Id = "F" }, Cancel);
        Assert.Equal(2, await engine.ResultAsync<int>("F"));
        kind = StoreCallKind.Rewind;
        await engine.RewindAsync("A", 0, Cancel);
        Assert.Equal(3, await engine.ResultAsync<int>("A"));
        kind = StoreCallKind.Delete;
        await engine.DeleteAsync(["A", "F", "W"], cancellationToken: Cancel);

        Assert.Equal(3, counts["work"]);
        Assert.Equal((2, 2, 2), (counts["Fork"], counts["Rewind"], counts["Delete"]));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM workflow_status"));

        async Task LoseOnce(StoreCallKind called)
        {
            if (called == kind && counts.Add($"{called}") == 1)
            {
                await (called == StoreCallKind.Rewind ? EndAnewAsync() : Task.CompletedTask);
                throw CallFaults.Unavailable("The answer is lost.");
            }
        }

        // The answer of a rewind is lost for so long that the workflow has ended anew when it is made again. A fork wakes the engine.
        async Task EndAnewAsync()
        {
            await engine.ForkAsync("F", 1, new() { Id = "W" }, Cancel);
            await Eventually.TrueAsync(
                async () => await Database.CountAsync("SELECT count(*) FROM workflow_output WHERE workflow_uuid IN ('A', 'W')") == 2,
                Bounded.Limit);
        }
    }

    private WorkflowDefinition<Unit, int> Waiting() => Workflow.Define<Unit, int>("waiting")
        .Step("wait", async x =>
        {
            try
            {
                await gate.PassAsync(x.CancellationToken);
            }
            catch (OperationCanceledException)
            {
                counts.Add("stopped");
                throw;
            }
        })
        .Return(_ => 1);
}
