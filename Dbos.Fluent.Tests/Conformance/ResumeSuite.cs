namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Resuming, cancelling with descendants, and deadlines of children. Scenarios CR, TO.</summary>
public abstract class ResumeSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();
    private readonly Probe gate = new();

    [Fact]
    public async Task A_cancelled_workflow_goes_on_from_its_last_checkpoint()
    {
        var workflow = TwoSteps();
        var engine = await LaunchAsync(workflow);
        var first = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await engine.CancelAsync("A", cancellationToken: Cancel);
        Assert.Equal(CancellationReason.Cancelled, await first.CancellationAsync());
        Assert.NotNull((await engine.GetStatusAsync("A", Cancel))!.Error);

        await engine.ResumeAsync("A", cancellationToken: Cancel);
        Assert.Null((await engine.GetStatusAsync("A", Cancel))!.Error);
        gate.Open();
        Assert.Equal(2, await engine.ResultAsync<int>("A"));
        Assert.Equal(2, await first.ResultAsync());
        Assert.Equal((1, 1), (counts["one"], counts["two"]));
        Assert.Equal("_dbos_internal_queue", (await engine.GetStatusAsync("A", Cancel))!.Queue);

        await engine.ResumeAsync("A", cancellationToken: Cancel);
        Assert.Equal(WorkflowState.Success, await engine.StateOfAsync("A"));
        Assert.Equal((1, 1), (counts["one"], counts["two"]));
    }

    [Fact]
    public async Task One_that_is_given_up_after_a_resume_does_not_show_the_reason_of_its_cancel()
    {
        var workflow = TwoSteps();
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await engine.CancelAsync("A", cancellationToken: Cancel);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await using (var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel))
        {
            await client.ResumeAsync("A", cancellationToken: Cancel);
        }

        await Database.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 5");
        engine = await LaunchAsync(options => options.MaxRecoveryAttempts = 3, workflow);
        await StateAsync(engine, "A", WorkflowState.MaxRecoveryAttemptsExceeded);

        Assert.Null((await engine.GetStatusAsync("A", Cancel))!.Error);
        Assert.Contains("it was taken up 5 times", (await engine.ExplainAsync("A", Cancel)).Text);
    }

    [Fact]
    public async Task What_was_started_without_a_partition_is_not_resumed_into_a_queue_that_serves_partitions()
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("parts") { PartitionConcurrency = 1 }), workflow);
        var later = new StartOptions { Queue = "parts", PartitionKey = "a", Delay = TimeSpan.FromDays(1) };
        await engine.StartAsync(workflow, 1, later with { Id = "in" }, Cancel);
        await engine.StartAsync(workflow, 2, later with { Id = "out", Queue = null, PartitionKey = null }, Cancel);

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => engine.ResumeAsync(["in", "out"], "parts", Cancel));

        Assert.Contains("'out'", refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'DELAYED'"));
        await engine.ResumeAsync("out", cancellationToken: Cancel);
        Assert.Equal(2, await engine.ResultAsync<int>("out"));

        // What has succeeded is left alone, so its place matters no more.
        await engine.ResumeAsync(["in", "out"], "parts", Cancel);
        Assert.Equal(1, await engine.ResultAsync<int>("in"));
    }

    [Fact]
    public async Task One_that_waits_behind_a_full_queue_is_resumed_past_it_and_one_that_runs_into_its_own_queue()
    {
        var workflow = TwoSteps();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), workflow);
        await engine.StartAsync(workflow, default, new() { Id = "A", Queue = "line" }, Cancel);
        await gate.ReachedAsync();
        await engine.StartAsync(workflow, default, new() { Id = "B", Queue = "line" }, Cancel);
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync("B"));

        await engine.ResumeAsync("B", cancellationToken: Cancel);
        await gate.ReachedAsync();
        await engine.ResumeAsync("A", "line", Cancel);
        await gate.ReachedAsync();
        gate.Open();

        Assert.Equal((2, 2), (await engine.ResultAsync<int>("A"), await engine.ResultAsync<int>("B")));
        Assert.Equal("line", (await engine.GetStatusAsync("A", Cancel))!.Queue);
        Assert.Equal((2, 2), (counts["one"], counts["two"]));
    }

    [Fact]
    public async Task Catching_everything_around_a_step_does_not_swallow_a_cancellation()
    {
        var workflow = Workflow.Define<Unit, string>("catching", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        Assert.Equal(0, counts["after"]);
        Assert.Equal("", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", s => gate.PassAsync(s)).Try(out var wait);
            counts.Add("after");
            yield return wait.Succeeded ? "done" : "swallowed";
        }
    }

    [Fact]
    public async Task A_running_workflow_that_is_resumed_goes_on_once_and_its_first_run_is_fenced_off()
    {
        var workflow = TwoSteps();
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.ResumeAsync("A", cancellationToken: Cancel);
        await gate.ReachedAsync();
        gate.Open();

        Assert.Equal(2, await handle.ResultAsync());
        Assert.Equal((1, 1), (counts["one"], counts["two"]));
        Assert.Equal("0 one, 1 wait, 2 two", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_resume_of_several_resumes_all_or_none()
    {
        var workflow = TwoSteps();
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await engine.CancelAsync("A", cancellationToken: Cancel);
        gate.Open();

        var missing = await Assert.ThrowsAsync<NonExistentWorkflowException>(
            () => engine.ResumeAsync(["A", "missing"], cancellationToken: Cancel));

        Assert.Equal("missing", missing.WorkflowId);
        Assert.Equal(WorkflowState.Cancelled, await engine.StateOfAsync("A"));
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        foreach (var who in (WorkflowClient[])[engine, client])
        {
            missing = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => who.ResumeAsync("missing", cancellationToken: Cancel));
            Assert.Equal("missing", missing.WorkflowId);
        }

        await engine.ResumeAsync([], cancellationToken: Cancel);
        await engine.ResumeAsync(["A", "A"], cancellationToken: Cancel);
        Assert.Equal(2, await engine.ResultAsync<int>("A"));

        // What has ended well stays as it is, and is as little touched where another id is not there.
        const string Row = "SELECT status, updated_at, completed_at, recovery_attempts, queue_name FROM workflow_status";
        var ended = Assert.Single(await Database.QueryAsync(Row));
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => client.ResumeAsync(["A", "missing"], cancellationToken: Cancel));
        Assert.Equal(ended, Assert.Single(await Database.QueryAsync(Row)));
    }

    [Fact]
    public async Task A_workflow_that_was_given_up_gets_all_its_attempts_again()
    {
        var workflow = TwoSteps();
        gate.Open();
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', recovery_attempts = 102 WHERE workflow_uuid = 'A'");

        await engine.ResumeAsync("A", cancellationToken: Cancel);

        await StateAsync(engine, "A", WorkflowState.Success);
        Assert.Equal(1, (await engine.GetStatusAsync("A", Cancel))!.RecoveryAttempts);
    }

    [Fact]
    public async Task A_resumed_workflow_that_timed_out_gets_a_whole_new_time()
    {
        var time = new ManualTimeProvider();
        var (workflow, quick) = (TwoSteps(), Workflow.Define<Unit, int>("quick").Return(_ => 1));
        var engine = await LaunchAsync(
            options => options.Add(new WorkflowQueue("free")).TimeProvider = time, workflow, quick);
        var handle = await engine.BeginAsync(workflow, default, "A", timeout: TimeSpan.FromHours(1));
        await gate.ReachedAsync();
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());

        // A claim that asked the time an hour ago may still be under way. It is over once something else has been claimed.
        await (await engine.StartAsync(quick, default, new() { Queue = "free" }, Cancel)).ResultAsync();

        await engine.ResumeAsync("A", cancellationToken: Cancel);
        await gate.ReachedAsync();
        var status = (await engine.GetStatusAsync("A", Cancel))!;
        gate.Open();

        Assert.Equal((TimeSpan.FromHours(1), time.GetUtcNow() + TimeSpan.FromHours(1)), (status.Timeout, status.Deadline));
        Assert.Equal(2, await engine.ResultAsync<int>("A"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancel_reaches_descendants_where_asked(bool children)
    {
        var leaf = Workflow.Define<Unit>("leaf").Step("wait", x => gate.PassAsync(x.CancellationToken)).End();
        var quick = Workflow.Define<Unit, int>("quick").Return(_ => 1);
        var child = Workflow.Define<Unit>("child").Call(quick, _ => default).Call(leaf, _ => default).End();
        var parent = Workflow.Define<Unit>("parent").Start(child, _ => default).As(out var started).Await(started).End();
        var engine = await LaunchAsync(parent, child, leaf, quick);
        await engine.BeginAsync(parent, default, "P");
        await gate.ReachedAsync();

        await engine.CancelAsync("P", children, Cancel);

        var expected = children ? WorkflowState.Cancelled : WorkflowState.Pending;
        Assert.Equal(WorkflowState.Cancelled, await engine.StateOfAsync("P"));
        Assert.Equal((expected, expected), (await engine.StateOfAsync("P-0"), await engine.StateOfAsync("P-0-2")));
        Assert.Equal(WorkflowState.Success, await engine.StateOfAsync("P-0-0"));
        gate.Open();
        if (!children)
        {
            await StateAsync(engine, "P-0", WorkflowState.Success);
        }
    }

    [Fact]
    public async Task Children_inherit_the_deadline_unless_they_are_detached_or_have_a_time_of_their_own()
    {
        var time = new ManualTimeProvider();
        var leaf = Workflow.Define<Unit>("leaf").Step("wait", x => gate.PassAsync(x.CancellationToken)).End();
        var parent = Workflow.Define<Unit>("parent", Body);
        var engine = await LaunchAsync(options => options.TimeProvider = time, parent, leaf);
        var handle = await engine.BeginAsync(parent, default, "P", timeout: TimeSpan.FromMinutes(1));
        for (var i = 0; i < 3; i++)
        {
            await gate.ReachedAsync();
        }

        var deadline = (await engine.GetStatusAsync("P", Cancel))!.Deadline;
        Assert.Equal(deadline, (await engine.GetStatusAsync("P-0", Cancel))!.Deadline);
        Assert.Null((await engine.GetStatusAsync("P-1", Cancel))!.Deadline);
        time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());
        await StateAsync(engine, "P-0", WorkflowState.Cancelled);
        gate.Open();
        await StateAsync(engine, "P-1", WorkflowState.Success);
        await StateAsync(engine, "P-2", WorkflowState.Success);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(leaf, default(Unit));
            yield return Step.Start(leaf, default(Unit), new() { Timeout = Timeout.InfiniteTimeSpan });
            yield return Step.Start(leaf, default(Unit), new() { Timeout = TimeSpan.FromHours(1) });
            yield return Step.Receive<int>("never", TimeSpan.FromDays(1));
        }
    }

    private WorkflowDefinition<Unit, int> TwoSteps() => Workflow.Define<Unit, int>("two steps")
        .Step("one", _ => Task.FromResult(counts.Add("one")))
        .Step("wait", x => gate.PassAsync(x.CancellationToken))
        .Step("two", _ => Task.FromResult(counts.Add("two")))
        .Return(_ => 2);
}
