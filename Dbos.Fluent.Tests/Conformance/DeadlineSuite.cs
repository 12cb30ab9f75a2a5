namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Timeouts of whole workflows. Scenarios TO-01, TO-02, TO-06, TO-07.</summary>
public abstract class DeadlineSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int Many = 1000;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();
    private readonly Probe gate = new();
    private readonly TaskCompletionSource<CancellationReason> fired = new();

    [Fact]
    public async Task A_workflow_past_its_deadline_is_cancelled_and_its_step_told_why()
    {
        var workflow = Blocked();
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A", Hour);
        await gate.ReachedAsync();
        time.Advance(Hour - TimeSpan.FromMilliseconds(1));
        Assert.Equal(WorkflowState.Pending, (await engine.GetStatusAsync("A", Cancel))!.State);
        time.Advance(TimeSpan.FromMilliseconds(2));

        var cancelled = await Assert.ThrowsAsync<AwaitedWorkflowCancelledException>(() => handle.ResultAsync());

        Assert.Equal(("A", CancellationReason.DeadlineExceeded), (cancelled.WorkflowId, cancelled.Reason));
        Assert.Equal(CancellationReason.DeadlineExceeded, await fired.Task.Within(Bounded.Limit));
        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Equal(WorkflowState.Cancelled, status.State);
        Assert.NotNull(status.CompletedAt);
    }

    [Fact]
    public async Task A_deadline_passes_on_the_real_clock_too()
    {
        var workflow = Blocked();
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A", TimeSpan.FromMilliseconds(50));

        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());
    }

    [Fact]
    public async Task Timeout_and_deadline_stand_in_the_row()
    {
        var workflow = Blocked();
        var engine = await LaunchVirtualAsync(workflow);
        await engine.BeginAsync(workflow, default, "with", TimeSpan.FromMilliseconds(1500.2));
        await engine.BeginAsync(workflow, default, "without");

        var rows = await Database.QueryAsync(
            "SELECT workflow_timeout_ms, workflow_deadline_epoch_ms - created_at FROM workflow_status ORDER BY workflow_uuid");

        Assert.Equal([["1501", "1501"], [null, null]], rows);
        var status = (await engine.GetStatusAsync("with", Cancel))!;
        Assert.Equal((TimeSpan.FromMilliseconds(1501), status.CreatedAt.AddMilliseconds(1501)), (status.Timeout, status.Deadline));
    }

    [Fact]
    public async Task A_deadline_counts_also_when_the_owner_is_gone()
    {
        var workflow = Blocked();
        var engine = await LaunchVirtualAsync(workflow);
        await engine.BeginAsync(workflow, default, "A", Hour);
        await gate.ReachedAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.FlipAsync("A");
        await Database.ExecuteAsync("UPDATE workflow_status SET executor_id = 'gone', application_version = 'v0'");
        time.Advance(Hour * 2);

        engine = await LaunchVirtualAsync(Workflow.Define<Unit>("another", Nothing));

        Assert.Equal(CancellationReason.DeadlineExceeded, await engine.Retrieve<Unit>("A").CancellationAsync());
    }

    // The clock of the engine that runs it stands still.
    [Fact]
    public async Task A_deadline_that_another_engine_finds_passed_is_told_to_the_step_that_runs_here()
    {
        var workflow = Blocked();
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A", Hour);
        await gate.ReachedAsync();
        var later = new ManualTimeProvider(time.GetUtcNow() + (Hour * 2));

        await LaunchAsync(
            options => (options.ExecutorId, options.TimeProvider) = ("executor-2", later), Workflow.Define<Unit>("another", Nothing));

        Assert.Equal(CancellationReason.DeadlineExceeded, await fired.Task.Within(Bounded.Limit));
        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());
    }

    [Fact]
    public async Task Children_inherit_the_deadline_and_are_cancelled_with_their_parent()
    {
        var (parent, child) = Family(inherit: null);
        var engine = await LaunchVirtualAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P", Hour);
        await gate.ReachedAsync();
        await gate.ReachedAsync();

        var deadlines = await Database.QueryAsync("SELECT DISTINCT workflow_deadline_epoch_ms FROM workflow_status");
        Assert.Equal(time.GetUtcNow().Add(Hour).ToUnixTimeMilliseconds().ToString(), Assert.Single(deadlines)[0]);
        time.Advance(Hour * 2);

        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());
        Assert.Equal(CancellationReason.DeadlineExceeded, await engine.Retrieve<Unit>("P-0").CancellationAsync());
        Assert.Equal(CancellationReason.DeadlineExceeded, await engine.Retrieve<Unit>("P-1").CancellationAsync());
    }

    // As a row of another SDK may hold it: none of the database's numbers is as large as the sum.
    [Theory]
    [InlineData(null)]
    [InlineData("line")]
    public async Task A_timeout_beyond_all_time_holds_nothing_up(string? queue)
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var engine = await LaunchAsync(
            options => options.Add(new WorkflowQueue("line"), new("limited") { Concurrency = 1 }).ListenTo = [], workflow);
        await engine.StartAsync(workflow, 1, new() { Id = "A", Queue = queue ?? "limited", Timeout = Hour }, Cancel);
        await engine.StartAsync(workflow, 2, new() { Id = "B", Queue = queue ?? "limited" }, Cancel);
        await Database.ExecuteAsync("UPDATE workflow_status SET workflow_timeout_ms = 9223372036854775807 WHERE workflow_uuid = 'A'");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        engine = await LaunchAsync(options => options.ExecutorId = "serving", workflow);

        Assert.Equal((1, 2), (await engine.ResultAsync<int>("A"), await engine.ResultAsync<int>("B")));
    }

    [Fact]
    public async Task A_recovered_workflow_keeps_its_deadline()
    {
        var workflow = Blocked();
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A", Hour);
        await gate.ReachedAsync();
        time.Advance(Hour * 2);
        await handle.CancellationAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.FlipAsync("A");

        engine = await LaunchVirtualAsync(workflow);

        Assert.Equal(CancellationReason.DeadlineExceeded, await engine.Retrieve<Unit>("A").CancellationAsync());
    }

    [Fact]
    public async Task An_infinite_timeout_detaches_a_child()
    {
        var (parent, child) = Family(Timeout.InfiniteTimeSpan);
        var engine = await LaunchVirtualAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P", Hour);
        await gate.ReachedAsync();
        await gate.ReachedAsync();
        Assert.Equal(
            [[null, null]],
            await Database.QueryAsync(
                "SELECT workflow_timeout_ms, workflow_deadline_epoch_ms FROM workflow_status WHERE workflow_uuid = 'P-0'"));
        time.Advance(Hour * 2);
        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());

        gate.Open();

        await engine.Retrieve<Unit>("P-0").ResultAsync();
    }

    [Fact]
    public async Task A_child_with_a_timeout_of_its_own_has_its_own_deadline()
    {
        var (parent, child) = Family(Hour / 2);
        var engine = await LaunchVirtualAsync(parent, child);
        await engine.BeginAsync(parent, default, "P", Hour);
        await gate.ReachedAsync();
        await gate.ReachedAsync();

        var (own, inherited) = ((await engine.GetStatusAsync("P-0", Cancel))!, (await engine.GetStatusAsync("P-1", Cancel))!);

        Assert.Equal((Hour / 2, own.CreatedAt + (Hour / 2)), (own.Timeout, own.Deadline));
        Assert.Equal((await engine.GetStatusAsync("P", Cancel))!.Deadline, inherited.Deadline);
    }

    [Fact]
    public async Task A_parent_that_awaits_a_child_past_its_deadline_sees_the_reason()
    {
        var child = Blocked();
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchVirtualAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        await gate.ReachedAsync();
        time.Advance(Hour * 2);

        Assert.Equal("P-0 DeadlineExceeded", await handle.ResultAsync());

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Call(child, default, new() { Timeout = Hour }).Try(out var call);
            var cancelled = Assert.Throws<AwaitedWorkflowCancelledException>(() => call.Result);
            yield return $"{cancelled.WorkflowId} {cancelled.Reason}";
        }
    }

    // TO-07: of a workflow that has ended nothing is left that could fire, whatever its limits were and however it was awaited.
    [Fact]
    public async Task What_has_ended_before_its_deadline_leaves_no_timer_and_stays_as_it_is()
    {
        const string Rows = "SELECT workflow_uuid, status, updated_at, completed_at, error, owner_xid FROM workflow_status "
            + "WHERE workflow_uuid <> 'last' ORDER BY 1";
        var (begun, going) = (new Meeting(Many), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var blocked = Blocked();
        var workflow = Workflow.Define<Unit>("quick").Step("meet", x =>
        {
            begun.Arrive();
            return going.Task.WaitAsync(x.CancellationToken);
        }).End();
        var failing = Workflow.Define<Unit>("failing").Fail(_ => new ArithmeticException("as asked")).End();
        var engine = await LaunchVirtualAsync(workflow, failing, blocked);
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var handles = await Task.WhenAll(Enumerable.Range(0, Many).Select(
            i => engine.StartAsync(workflow, default, new() { Id = $"quick {i}", Timeout = Hour }, caller.Token)));
        await begun.AllAreHere.Within(Bounded.Limit);
        going.SetResult();
        await Task.WhenAll(handles.Select(handle => handle.GetResultAsync(caller.Token).Within(Bounded.Limit)));
        await (await engine.BeginAsync(failing, default, "failed", Hour)).FailureAsync();
        Assert.Equal(0, time.TimersSet);
        var stored = await Database.QueryAsync(Rows);
        var last = await engine.BeginAsync(blocked, default, "last", Hour);
        await gate.ReachedAsync();

        await caller.CancelAsync();
        time.Advance(Hour * 2);

        // The same look at deadlines passes over the others.
        Assert.Equal(CancellationReason.DeadlineExceeded, await last.CancellationAsync());
        Assert.Equal(stored, await Database.QueryAsync(Rows));
        Assert.Equal(0, time.TimersSet);
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal(stored, await Database.QueryAsync(Rows));
    }

    // TO-07
    [Fact]
    public async Task Limits_of_steps_that_are_over_early_leave_no_timer()
    {
        var workflow = Workflow.Define<Unit, string>("limited", Body);
        var engine = await LaunchAsync(
            options => (options.TimeProvider, options.UnloadAfter) = (time, Timeout.InfiniteTimeSpan), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A", Hour);
        await gate.ReachedAsync();
        await Eventually.TrueAsync(() => time.TimersPending == 1, Bounded.Limit, "the step's limit runs");
        gate.Open();
        await Eventually.TrueAsync(() => Database.HasStepAsync("A", 2), Bounded.Limit);
        await Eventually.TrueAsync(() => time.TimersPending == 1, Bounded.Limit, "the receive waits");
        await engine.SendAsync("A", 7, cancellationToken: Cancel);

        Assert.Equal("7 5 1", await handle.ResultAsync());
        await Eventually.TrueAsync(() => time.TimersPending == 0, Bounded.Limit, "no timer is left");

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("limited", s => gate.PassAsync(s)).Timeout(Hour / 2);
            yield return Step.Receive<int>(null, Hour / 2).As(out var message);
            yield return Step.SetEvent("k", 5);
            yield return Step.GetEvent<int>("A", "k", Hour / 2).As(out var value);
            yield return Step.Any(Step.Sleep(Hour / 2), Step.Run("quick", _ => Task.CompletedTask)).As(out var winner);
            yield return $"{message.Result.Value} {value.Result.Value} {winner.Result}";
        }
    }

    // TO-06
    [Fact]
    public async Task A_fork_of_what_timed_out_has_a_time_only_if_it_is_given_one()
    {
        var workflow = Workflow.Define<Unit>("late").Step("one", _ => Task.FromResult(counts.Add("one")))
            .Step("gate", x => gate.PassAsync(x.CancellationToken)).End();
        var quick = Workflow.Define<Unit>("quick").End();
        var engine = await LaunchVirtualAsync(workflow, quick);
        var handle = await engine.BeginAsync(workflow, default, "A", Hour);
        await gate.ReachedAsync();
        time.Advance(Hour);
        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());

        // A claim that asked the time an hour ago may still be under way. It is over once something else has been claimed.
        await engine.BeginAsync(quick, default, "quick");
        await engine.ForkAsync("quick", 0, new() { Id = "quick again" }, Cancel);
        await engine.ResultAsync<Unit>("quick again");

        var tenth = TimeSpan.FromMilliseconds(100);
        await engine.ForkAsync("A", 1, new() { Id = "free" }, Cancel);
        await engine.ForkAsync("A", 1, new() { Id = "timed", Timeout = tenth }, Cancel);
        const string Source = "SELECT * FROM workflow_status WHERE workflow_uuid = 'A'";
        var source = await Database.QueryAsync(Source);
        await gate.ReachedAsync();
        await gate.ReachedAsync();

        Assert.Equal((null, null), await LimitsAsync("free"));
        Assert.Equal((tenth, time.GetUtcNow() + tenth), await LimitsAsync("timed"));
        time.Advance(tenth);
        Assert.Equal(CancellationReason.DeadlineExceeded, await engine.Retrieve<Unit>("timed").CancellationAsync());
        time.Advance(Hour * 2);
        gate.Open();
        await engine.Retrieve<Unit>("free").ResultAsync();
        Assert.Equal(1, counts["one"]);
        Assert.Equal(source, await Database.QueryAsync(Source));

        async Task<(TimeSpan?, DateTimeOffset?)> LimitsAsync(string id) =>
            await engine.GetStatusAsync(id, Cancel) is { } status ? (status.Timeout, status.Deadline) : default;
    }

    private Task<WorkflowEngine> LaunchVirtualAsync(params WorkflowDefinition[] workflows) =>
        LaunchAsync(options => options.TimeProvider = time, workflows);

    private static async IAsyncEnumerable<Step> Nothing(Unit input, WorkflowContext workflow)
    {
        yield break;
    }

    // One step that waits at the gate and tells why its token fired.
    private WorkflowDefinition<Unit, Unit> Blocked()
    {
        return Workflow.Define<Unit>("blocked", Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("blocked", async s =>
            {
                counts.Add("entered");
                try
                {
                    await gate.PassAsync(s);
                }
                catch (OperationCanceledException)
                {
                    fired.TrySetResult(s.CancellationReason);
                    throw;
                }
            });
        }
    }

    // A parent that starts one child with this timeout and then awaits another that inherits.
    private (WorkflowDefinition<Unit, Unit> Parent, WorkflowDefinition<Unit, Unit> Child) Family(TimeSpan? inherit)
    {
        var child = Blocked();
        return (Workflow.Define<Unit>("parent", Body), child);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(child, default, new() { Timeout = inherit });
            yield return Step.Call(child, default);
        }
    }
}
