using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Errors in the midst of dispatching: whatever they are, queues are served. Scenario QM-03.</summary>
public abstract class QueueFaultSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly CallFaults faults = new();

    public static TheoryData<string> Poisons => ["operation", "timeout", "cancelled", "store"];

    [Theory]
    [MemberData(nameof(Poisons))]
    public async Task Queues_are_served_although_each_call_of_dispatching_fails_once(string poison)
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var failed = new HashSet<StoreCallKind>();
        faults.Before = (call, _) =>
        {
            lock (failed)
            {
                return IsDispatching(call.Kind) && failed.Add(call.Kind) ? Task.FromException(Poison(poison)) : Task.CompletedTask;
            }
        };
        var engine = await LaunchFaultyAsync(workflow);

        var plain = await engine.StartAsync(workflow, 1, new() { Queue = "plain" }, Cancel);
        var limited = await engine.StartAsync(workflow, 2, new() { Queue = "limited" }, Cancel);
        var delayed = await engine.StartAsync(workflow, 3, new() { Queue = "plain", Delay = TimeSpan.FromMilliseconds(1) }, Cancel);

        Assert.Equal((1, 2, 3), (await plain.ResultAsync(), await limited.ResultAsync(), await delayed.ResultAsync()));
        Assert.Equal(4, failed.Count);
    }

    [Fact]
    public async Task A_queue_that_cannot_be_claimed_from_slows_no_other_and_is_not_asked_without_a_rest()
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var (poisoned, failures) = (true, 0);
        faults.Before = (call, _) => call.Queue == "poisoned" && Volatile.Read(ref poisoned) && Interlocked.Increment(ref failures) > 0
            ? Task.FromException(Poison("operation"))
            : Task.CompletedTask;
        var begun = TimeProvider.System.GetTimestamp();
        var engine = await LaunchFaultyAsync(workflow);
        var stuck = await engine.StartAsync(workflow, 7, new() { Queue = "poisoned" }, Cancel);

        for (var i = 0; i < 20; i++)
        {
            await engine.StartAsync(workflow, i, new() { Queue = "poisoned" }, Cancel);
            var handle = await engine.StartAsync(workflow, i, new() { Queue = i % 2 == 0 ? "plain" : "limited" }, Cancel);
            Assert.Equal(i, await handle.ResultAsync());
        }

        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(stuck.Id));
        Assert.InRange(Volatile.Read(ref failures), 1, 2 + (int)TimeProvider.System.GetElapsedTime(begun).TotalSeconds);
        Volatile.Write(ref poisoned, false);
        Assert.Equal(7, await stuck.ResultAsync());
    }

    [Fact]
    public async Task A_history_that_cannot_be_read_in_time_keeps_no_other_waiting_and_its_workflow_is_given_up()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<int, int>("held")
            .Step("first", x => Task.FromResult(x.Input)).As(out var first)
            .Step("gate", x => gate.PassAsync(x.CancellationToken))
            .Return(x => x.Get(first));
        var engine = await LaunchAsync(workflow);
        foreach (var id in new[] { "a", "huge", "z" })
        {
            await engine.StartAsync(workflow, id.Length, new() { Id = id }, Cancel);
            await gate.ReachedAsync();
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        gate.Open();
        faults.Before = (call, _) => call.Read.Contains("huge")
            ? Task.FromException(new StoreUnavailableException("The database", new TimeoutException("late")) { TimedOut = true })
            : Task.CompletedTask;
        engine = await LaunchAsync(
            options =>
            {
                options.WrapStore = store => new FaultingStore(store, faults);
                options.MaxRecoveryAttempts = 2;
            },
            workflow);

        Assert.Equal((1, 1), (await engine.ResultAsync<int>("a"), await engine.ResultAsync<int>("z")));
        await Assert.ThrowsAsync<MaxRecoveryAttemptsExceededException>(() => engine.ResultAsync<int>("huge"));
        Assert.True(Log.Has(1207));
    }

    [Fact]
    public async Task A_claim_whose_answer_was_lost_runs_what_it_took_once()
    {
        var counts = new Counts();
        var workflow = Workflow.Define<int, int>("counted")
            .Step("count", x => Task.Run(() => counts.Add($"{x.Input}"))).Return(x => x.Input);
        var lost = 0;
        faults.After = (call, _) => call.Kind is StoreCallKind.Claim or StoreCallKind.ClaimLimited && call.Claimed.Count > 0
            && Interlocked.Increment(ref lost) % 2 == 1
                ? Task.FromException(CallFaults.Unavailable("the answer was lost"))
                : Task.CompletedTask;
        var engine = await LaunchFaultyAsync(workflow);
        var handles = new List<WorkflowHandle<int>>();
        for (var i = 0; i < 10; i++)
        {
            handles.Add(await engine.StartAsync(workflow, i, new() { Queue = i % 2 == 0 ? "plain" : "limited" }, Cancel));
        }

        foreach (var (number, handle) in handles.Index())
        {
            Assert.Equal(number, await handle.ResultAsync());
            Assert.Equal((1, 1), (counts[$"{number}"], (await handle.GetStatusAsync(Cancel)).RecoveryAttempts));
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("limited")]
    public async Task What_a_claim_takes_during_the_stop_is_handed_back_at_once(string queue)
    {
        var (busy, claimed) = (new Probe(), new Probe());
        var workflow = Workflow.Define<int, int>("busy")
            .Step("wait", x => x.Input == 0 ? busy.PassAsync() : Task.CompletedTask).Return(x => x.Input);
        faults.After = (call, token) => call.Claimed.Contains("late") ? AnswerLateAsync(claimed, token) : Task.CompletedTask;
        var engine = await LaunchFaultyAsync(workflow);
        await engine.BeginAsync(workflow, 0, "early");
        await busy.ReachedAsync();
        await engine.StartAsync(workflow, 1, new() { Id = "late", Queue = queue }, Cancel);
        await claimed.ReachedAsync();

        claimed.Open();
        var stopping = engine.StopAsync(TimeSpan.FromMinutes(5), Cancel);

        await Eventually.TrueAsync(
            async () => await Database.ScalarAsync("SELECT status FROM workflow_status WHERE workflow_uuid = 'late'") == "ENQUEUED",
            Bounded.Limit,
            "the workflow is handed back");
        Assert.False(stopping.IsCompleted);
        busy.Open();
        await stopping.Within(Bounded.Limit);
        faults.After = (_, _) => Task.CompletedTask;
        engine = await LaunchFaultyAsync(workflow);
        Assert.Equal(1, await engine.ResultAsync<int>("late"));
    }

    // The claim has taken effect; its answer comes when the engine has begun to stop, and does not wait any more.
    private static async Task AnswerLateAsync(Probe claimed, CancellationToken given)
    {
        await claimed.PassAsync(CancellationToken.None);
        await new Probe().PassAsync(given).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private Task<WorkflowEngine> LaunchFaultyAsync(WorkflowDefinition workflow) => LaunchAsync(
        options =>
        {
            options.WrapStore = store => new FaultingStore(store, faults);
            options.Add(
                new WorkflowQueue("plain"),
                new WorkflowQueue("limited") { Concurrency = 1 },
                new WorkflowQueue("poisoned") { Concurrency = 1 });
        },
        workflow);

    private static bool IsDispatching(StoreCallKind kind) =>
        kind is StoreCallKind.Claim or StoreCallKind.ClaimLimited or StoreCallKind.ReadOutlook or StoreCallKind.ReleaseDelayed;

    private static Exception Poison(string kind) => kind switch
    {
        "operation" => new InvalidOperationException("poison"),
        "timeout" => new TimeoutException("poison"),
        "cancelled" => new TaskCanceledException("poison"),
        _ => CallFaults.Unavailable("poison"),
    };
}
