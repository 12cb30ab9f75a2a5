namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Cancelling. Scenarios CR-01, CR-03, CR-10 and CC-10, as far as they need neither queues nor resuming.</summary>
public abstract class CancelSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int StartRounds = 60;

    private readonly Counts counts = new();
    private readonly Probe gate = new();
    private readonly TaskCompletionSource<CancellationReason> fired = new();

    [Fact]
    public async Task A_running_step_is_told_and_nothing_after_it_begins()
    {
        var workflow = Gated(honour: true);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await fired.Task.Within(Bounded.Limit));
        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal((1, 0), (counts["before"], counts["after"]));
        Assert.Equal(1, await CheckpointCountAsync("A"));
    }

    [Fact]
    public async Task Everything_older_than_a_moment_is_cancelled_and_nothing_newer()
    {
        var time = new ManualTimeProvider();
        var workflow = Workflow.Define<Unit>("gated").Step("gate", x => gate.PassAsync(x.CancellationToken)).End();
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        string[] old = ["old 1", "old 2", "old 3", "delayed 1", "delayed 2"];
        foreach (var id in old)
        {
            await engine.StartAsync(workflow, default, new() { Id = id, Delay = id[0] == 'd' ? TimeSpan.FromHours(1) : null }, Cancel);
        }

        time.Advance(TimeSpan.FromMinutes(1));
        var cutoff = time.GetUtcNow();
        time.Advance(TimeSpan.FromMinutes(1));
        var young = await engine.BeginAsync(workflow, default, "young");
        var later = await engine.StartAsync(workflow, default, new() { Id = "later", Delay = TimeSpan.FromHours(1) }, Cancel);
        var found = new List<string>();
        await foreach (var found1 in engine.ListAsync(
            new() { CreatedBefore = cutoff, States = [WorkflowState.Pending, WorkflowState.Enqueued, WorkflowState.Delayed] }, Cancel))
        {
            found.Add(found1.Id);
        }

        await engine.CancelAsync(found, cancellationToken: Cancel);

        Assert.Equal(old.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
        Assert.Equal(
            [["CANCELLED", "5"], ["DELAYED", "1"], ["PENDING", "1"]],
            await Database.QueryAsync("SELECT status, count(*) FROM workflow_status GROUP BY status ORDER BY status"));
        gate.Open();
        time.Advance(TimeSpan.FromHours(2));
        await young.ResultAsync();
        await later.ResultAsync();
    }

    [Fact]
    public async Task The_handle_follows_the_row_although_the_body_ignores_its_token()
    {
        var workflow = Gated(honour: false);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());

        gate.Open();
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal(
            [["CANCELLED", null]],
            await Database.QueryAsync(
                "SELECT w.status, o.output FROM workflow_status w JOIN workflow_output o ON o.workflow_uuid = w.workflow_uuid"));
        Assert.Equal((1, 0), (await CheckpointCountAsync("A"), counts["after"]));
    }

    [Fact]
    public async Task The_reason_stands_in_the_row()
    {
        var workflow = Gated(honour: true);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await engine.CancelAsync("A", cancellationToken: Cancel);

        var status = (await engine.GetStatusAsync("A", Cancel))!;

        Assert.Equal(WorkflowState.Cancelled, status.State);
        Assert.True(status.Error!.Is<AwaitedWorkflowCancelledException>());
        Assert.NotNull(status.CompletedAt);
        Assert.Null(await Database.ScalarAsync("SELECT owner_xid FROM workflow_status"));
    }

    [Fact]
    public async Task Another_engine_cancels_what_runs_here()
    {
        var workflow = Gated(honour: true);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", workflow);

        await other.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await other.Retrieve<Unit>("A").CancellationAsync());
        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        Assert.Equal(CancellationReason.Cancelled, await fired.Task.Within(Bounded.Limit));
    }

    [Fact]
    public async Task What_has_ended_is_left_alone_and_an_unknown_id_is_nothing()
    {
        var quick = Workflow.Define<bool, int>("quick", Quick);
        var engine = await LaunchAsync(quick);
        await engine.RunAsync(quick, true, "good");
        await (await engine.BeginAsync(quick, false, "bad")).FailureAsync();
        const string Rows = "SELECT w.*, o.* FROM workflow_status w "
            + "JOIN workflow_output o ON o.workflow_uuid = w.workflow_uuid ORDER BY w.workflow_uuid";
        var before = await Database.QueryAsync(Rows);

        await engine.CancelAsync("good", cancellationToken: Cancel);
        await engine.CancelAsync(["bad", "missing", "good", "good"], cancellationToken: Cancel);
        await engine.CancelAsync([], cancellationToken: Cancel);

        Assert.Equal(before, await Database.QueryAsync(Rows));
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
        Assert.Equal(7, await engine.Retrieve<int>("good").ResultAsync());

        static async IAsyncEnumerable<StepOr<int>> Quick(bool succeed, WorkflowContext workflow)
        {
            yield return succeed ? 7 : throw new InvalidOperationException("as asked");
        }
    }

    [Fact]
    public async Task A_cancelled_workflow_is_not_taken_up_by_a_relaunch()
    {
        var workflow = Gated(honour: true);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await engine.CancelAsync("A", cancellationToken: Cancel);
        gate.Open();

        engine = await RelaunchAsync(engine, workflow);
        var again = await engine.BeginAsync(workflow, default, "A");

        Assert.Equal(CancellationReason.Cancelled, await again.CancellationAsync());
        Assert.Equal((1, 0), (counts["before"], counts["after"]));
    }

    [Fact]
    public async Task A_cancelled_parent_leaves_its_child_running()
    {
        var child = Gated(honour: true);
        var parent = Workflow.Define<Unit>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        await gate.ReachedAsync();

        await engine.CancelAsync("P", cancellationToken: Cancel);
        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        gate.Open();

        await engine.Retrieve<Unit>("P-0").ResultAsync();

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Call(child, default);
        }
    }

    [Fact]
    public async Task A_parent_sees_that_its_child_was_cancelled_and_fails_with_that()
    {
        var child = Gated(honour: true);
        var parent = Workflow.Define<Unit>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        await gate.ReachedAsync();
        await engine.CancelAsync("P-0", cancellationToken: Cancel);

        var failure = await handle.FailureAsync();

        Assert.Equal("Dbos.Fluent.AwaitedWorkflowCancelledException", failure.TypeName);
        Assert.Contains("'P-0'", failure.Message);
        Assert.Equal(WorkflowState.Error, (await engine.GetStatusAsync("P", Cancel))!.State);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Call(child, default);
        }
    }

    [Fact]
    public async Task Giving_up_a_wait_cancels_nothing()
    {
        var workflow = Gated(honour: true);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        using var impatient = new CancellationTokenSource();

        var waiting = handle.GetResultAsync(impatient.Token);
        await impatient.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Within(Bounded.Limit));
        gate.Open();
        await handle.ResultAsync();
    }

    [Fact]
    public async Task A_start_into_a_queue_that_is_given_up_leaves_no_row_or_one_that_runs_to_its_end()
    {
        var workflow = Workflow.Define<Unit, int>("quick", Quick);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        var started = 0;
        for (var round = 0; round < StartRounds; round++)
        {
            using var impatient = new CancellationTokenSource();
            var start = engine.StartAsync(workflow, default, new() { Id = $"round {round}", Queue = "line" }, impatient.Token);
            if (round % 3 > 0)
            {
                await Task.Yield();
            }

            await impatient.CancelAsync();
            try
            {
                await start.Within(Bounded.Limit);
                started++;
            }
            catch (OperationCanceledException)
            {
                // Whether it was started is not known; the rows tell.
            }
        }

        await RelaunchAsync(engine, workflow);
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status <> 'SUCCESS'") == 0,
            Bounded.Limit,
            "every row that was written ends in success");
        Assert.InRange(await Database.WorkflowsAsync("queue_name = 'line'"), started, StartRounds);

        static async IAsyncEnumerable<StepOr<int>> Quick(Unit input, WorkflowContext workflow)
        {
            yield return 7;
        }
    }

    // One step, one that waits at the gate, and one more.
    private WorkflowDefinition<Unit, Unit> Gated(bool honour)
    {
        return Workflow.Define<Unit>("gated", Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("before", async _ => counts.Add("before"));
            yield return Step.Run("gate", s => PassAsync(s, honour));
            yield return Step.Run("after", async _ => counts.Add("after"));
        }
    }

    private async Task PassAsync(StepContext s, bool honour)
    {
        try
        {
            await gate.PassAsync(honour ? s : CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            fired.TrySetResult(s.CancellationReason);
            throw;
        }
    }
}
