namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Stopping an engine: what finishes, what is handed on, and what whoever still waits is told. Scenario AD-02.</summary>
public abstract class ShutdownSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int WorkflowsHandedOn = 1501;

    [Fact]
    public async Task A_running_workflow_finishes_while_the_engine_drains()
    {
        var gate = new Probe();
        var workflow = Gated(gate);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        var result = handle.ResultAsync();
        var stopping = engine.StopAsync(TimeSpan.FromMinutes(5), Cancel);
        Assert.False(stopping.IsCompleted);
        gate.Open();
        await stopping.Within(Bounded.Limit);

        Assert.Equal(1, await result);
        Assert.Equal("SUCCESS", await StoredStateAsync("A"));
    }

    [Fact]
    public async Task A_child_that_starts_during_the_drain_finishes_with_its_parent()
    {
        var gate = new Probe();
        var child = Workflow.Define<int, int>("child")
            .Step("add", x => Task.FromResult(x.Input + 1)).As(out var sum).Return(x => x.Get(sum));
        var parent = Workflow.Define<int, int>("parent")
            .Step("wait", _ => gate.PassAsync())
            .Call(child, x => x.Input).As(out var called)
            .Return(x => x.Get(called));
        var engine = await LaunchAsync(parent, child);
        await engine.BeginAsync(parent, 1, "P");
        await gate.ReachedAsync();

        var stopping = engine.StopAsync(TimeSpan.FromMinutes(5), Cancel);
        gate.Open();
        await stopping.Within(Bounded.Limit);

        Assert.Equal(("SUCCESS", "SUCCESS"), (await StoredStateAsync("P"), await StoredStateAsync("P-1")));
    }

    [Fact]
    public async Task A_drain_of_zero_hands_on_at_once_without_counting_an_attempt()
    {
        var gate = new Probe();
        var workflow = Gated(gate, deaf: false);
        var engine = await LaunchAsync(workflow);
        var other = await LaunchAsync(options => options.ExecutorId = "another", workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await gate.ReachedAsync();
        gate.Open();

        Assert.Equal(1, await other.ResultAsync<int>("A"));
        var status = await other.GetStatusAsync("A", Cancel);
        Assert.Equal(("another", 1), (status!.ExecutorId, status.RecoveryAttempts));
    }

    [Fact]
    public async Task A_body_that_ignores_its_token_is_left_behind_and_writes_nothing()
    {
        var gate = new Probe();
        var counts = new Counts();
        var workflow = Workflow.Define<Unit, int>("deaf")
            .Step("wait", async _ =>
            {
                counts.Add("wait");
                await gate.PassAsync();
                return counts["wait"];
            }).As(out var waited)
            .Return(x => x.Get(waited));
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        Assert.Equal(("ENQUEUED", 0), (await StoredStateAsync("A"), await CheckpointCountAsync("A")));
        engine = await LaunchAsync(workflow);
        await gate.ReachedAsync();
        gate.Open();

        Assert.Equal(2, await engine.ResultAsync<int>("A"));
    }

    [Fact]
    public async Task A_second_stop_waits_for_the_first()
    {
        var gate = new Probe();
        var workflow = Gated(gate);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        var first = engine.StopAsync(TimeSpan.FromMinutes(5), Cancel);
        var second = engine.StopAsync(TimeSpan.Zero, Cancel);
        var third = engine.DisposeAsync().AsTask();
        Assert.False(second.IsCompleted || third.IsCompleted);
        gate.Open();

        await Task.WhenAll(first, second, third).Within(Bounded.Limit);
        Assert.Equal("SUCCESS", await StoredStateAsync("A"));
        await engine.DisposeAsync().Within(Bounded.Limit);
    }

    [Fact]
    public async Task An_impossible_drain_is_refused_and_the_engine_runs_on()
    {
        var workflow = Workflow.Define<int, int>("echo").Return(x => x.Input);
        var engine = await LaunchAsync(workflow);

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.StopAsync(TimeSpan.FromSeconds(-1), Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.StopAsync(TimeSpan.FromDays(2), Cancel));

        Assert.Equal(3, await engine.RunAsync(workflow, 3, "A"));
    }

    [Fact]
    public async Task A_stopped_engine_refuses_every_call()
    {
        var workflow = Workflow.Define<int, int>("echo").Return(x => x.Input);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, 1, "A");
        await handle.ResultAsync();

        await engine.StopAsync(TimeSpan.FromSeconds(1), Cancel).Within(Bounded.Limit);

        await Assert.ThrowsAsync<EngineNotRunningException>(() => engine.BeginAsync(workflow, 1, "B"));
        await Assert.ThrowsAsync<EngineNotRunningException>(() => engine.GetStatusAsync("A", Cancel));
        await Assert.ThrowsAsync<EngineNotRunningException>(() => engine.GetHistoryAsync("A", Cancel));
        await Assert.ThrowsAsync<EngineNotRunningException>(() => engine.CancelAsync("A", cancellationToken: Cancel));
        await Assert.ThrowsAsync<EngineNotRunningException>(() => handle.GetResultAsync(Cancel));
        await Assert.ThrowsAsync<EngineNotRunningException>(() => handle.GetStatusAsync(Cancel));
        Assert.Equal("A", engine.Retrieve<int>("A").Id);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whoever_still_waits_is_told_that_the_engine_has_stopped(bool runsHere)
    {
        var gate = new Probe();
        var workflow = Gated(gate, deaf: false);
        var engine = await LaunchAsync(workflow);
        var other = await LaunchAsync(options => options.ExecutorId = "another", workflow);
        await (runsHere ? engine : other).BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        var waiting = engine.Retrieve<int>("A").GetResultAsync(Cancel);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        await Assert.ThrowsAsync<EngineNotRunningException>(() => waiting.Within(Bounded.Limit));
        gate.Open();
        Assert.Equal(1, await other.ResultAsync<int>("A"));
    }

    [Fact]
    public async Task A_sleeper_and_a_waiting_parent_do_not_hold_up_a_drain()
    {
        var child = Workflow.Define<Unit>("child").Sleep(TimeSpan.FromDays(1)).End();
        var parent = Workflow.Define<Unit>("parent").Call(child, _ => default).End();
        var engine = await LaunchAsync(options => options.UnloadAfter = Timeout.InfiniteTimeSpan, parent, child);
        await engine.BeginAsync(parent, default, "P");
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("P-0") == 1, Bounded.Limit);

        await engine.StopAsync(TimeSpan.FromHours(1), Cancel).Within(Bounded.Limit);

        Assert.Equal(("ENQUEUED", "ENQUEUED"), (await StoredStateAsync("P"), await StoredStateAsync("P-0")));
    }

    // What left memory at the beginning of the drain was told to; another body that takes its time makes no crash of that.
    [Fact]
    public async Task A_drain_longer_than_the_lease_counts_no_attempt_of_what_has_left_memory()
    {
        var (told, deaf) = (new Probe(), new Probe());
        var listening = Gated(told, deaf: false);
        var slow = Workflow.Define<int, int>("slow").Step("wait", _ => deaf.PassAsync()).Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Lease = TimeSpan.FromSeconds(1), listening, slow);
        await engine.BeginAsync(listening, default, "A");
        await told.ReachedAsync();
        await engine.BeginAsync(slow, 1, "B");
        await deaf.ReachedAsync();

        await engine.StopAsync(TimeSpan.FromSeconds(3), Cancel).Within(Bounded.Limit);

        Assert.False(Log.Has(WorkflowsHandedOn));
        Assert.Equal(
            [["A", "ENQUEUED", "0"], ["B", "ENQUEUED", "0"]],
            await Database.QueryAsync("SELECT workflow_uuid, status, recovery_attempts FROM workflow_status ORDER BY 1"));
        deaf.Open();
    }

    private static WorkflowDefinition<Unit, int> Gated(Probe gate, bool deaf = true)
    {
        return Workflow.Define<Unit, int>("gated", Body);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            // A body that is deaf to its token is what a drain may wait for.
            yield return Step.Run("wait", s => gate.PassAsync(deaf ? CancellationToken.None : s));
            yield return 1;
        }
    }

    private Task<string?> StoredStateAsync(string id) =>
        Database.ScalarAsync($"SELECT status FROM workflow_status WHERE workflow_uuid = '{id}'");
}
