using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Parallel branches of a definition: their numbers, their results, and what a failure in one does to the others.</summary>
public abstract class ParallelSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();

    [Fact]
    public async Task Each_branch_has_every_nth_number_whichever_is_faster_and_the_join_goes_on_after_the_highest()
    {
        var slow = new Probe();
        var workflow = Workflow.Define<Unit, string>("numbers")
            .Step("before", _ => Task.FromResult("b"))
            .Parallel(
                ("left", b => b
                    .Step("l0", x => slow.PassAsync(x.CancellationToken)).Step("l1", _ => Task.FromResult(1))),
                ("right", b => b
                    .Step("r0", _ => Task.CompletedTask).Step("r1", _ => Task.CompletedTask).Step("r2", _ => Task.CompletedTask)),
                ("empty", b => b))
            .Step("after", _ => Task.FromResult("a")).As(out var after)
            .Return(x => x.Get(after));
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await slow.ReachedAsync();
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 4, Bounded.Limit, "the right branch is done");
        slow.Open();

        Assert.Equal("a", await handle.ResultAsync());
        Assert.Equal("0 before, 1 l0, 2 r0, 4 l1, 5 r1, 8 r2, 9 after", await engine.StepsAsync("A"));
        await SameOnAReplayAsync(engine, "A", workflow);
    }

    [Fact]
    public async Task Conditions_loops_items_and_branches_inside_a_branch_are_numbered_in_its_own_numbers()
    {
        ResultOf<IReadOnlyList<string>> items = null!;
        ResultOf<int> again = null!;
        var workflow = Workflow.Define<int, string>("nested")
            .Parallel(
                ("left", b => b
                    .Step("count", _ => Task.CompletedTask)
                    .While(x => Latest(x, again!) < 2, w => w.Step("again", _ => Task.FromResult(counts.Add("again"))).As(out again))
                    .If(x => x.Input > 0, yes => yes.Step("yes", _ => Task.CompletedTask), no => no.Step("no", _ => Task.CompletedTask))),
                ("middle", b => b.Parallel(
                    ("m0", n => n.Step("m00", _ => Task.CompletedTask).Step("m01", _ => Task.CompletedTask)),
                    ("m1", n => n.Step("m10", _ => Task.CompletedTask))).Step("joined", _ => Task.CompletedTask)),
                ("right", b => b
                    .ForEach(_ => new[] { "a", "b" }, "item", (item, _) => Task.FromResult(item), maxParallel: 2).As(out items)))
            .Step("after", _ => Task.CompletedTask)
            .Return(x => string.Join(',', x.Get(items)));
        var engine = await LaunchAsync(workflow);

        Assert.Equal("a,b", await engine.RunAsync(workflow, 1, "A"));

        Assert.Equal(
            "0 count, 1 m00, 2 item, 3 again, 4 m10, 5 item, 6 again, 7 m01, 9 yes, 10 joined, 11 after",
            await engine.StepsAsync("A"));
        await SameOnAReplayAsync(engine, "A", workflow);
    }

    [Fact]
    public async Task Branches_wait_for_messages_events_and_time_and_call_children()
    {
        var child = Workflow.Define<string, string>("child").Return(x => "child " + x.Input);
        ResultOf<string> message = null!, called = null!, awaited = null!;
        ResultOf<Optional<string>> none = null!;
        ResultOf<Optional<int>> set = null!;
        ResultOf<bool> slept = null!;
        var workflow = Workflow.Define<Unit, string>("waits")
            .Parallel(
                ("message", b => b.Receive<string>("t").As(out message)),
                ("timeout", b => b.Receive<string>("never", TimeSpan.FromMilliseconds(5)).As(out none)),
                ("event", b => b.SetEvent("mine", _ => 7).GetEvent<int>(x => x.Workflow.WorkflowId, "mine", TimeSpan.FromHours(1))
                    .As(out set)),
                ("sleep", b => b.Sleep(TimeSpan.FromMilliseconds(5)).Step("slept", _ => Task.FromResult(true)).As(out slept)),
                ("child", b => b.Call(child, _ => "of a branch").As(out called)),
                ("started", b => b.Start(child, _ => "started").As(out var started).Await(started).As(out awaited)))
            .Return(x => $"{x.Get(message)} {x.Get(none).HasValue} {x.Get(set).Value} {x.Get(slept)} {x.Get(called)} {x.Get(awaited)}");
        var engine = await LaunchAsync(workflow, child);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await engine.SendAsync("A", "hello", "t", cancellationToken: Cancel).Within(Bounded.Limit);

        Assert.Equal("hello False 7 True child of a branch child started", await handle.ResultAsync());
        Assert.Equal(
            "0 DBOS.recv, 1 DBOS.recv, 2 DBOS.setEvent, 3 DBOS.sleep, 4 child, 5 child, "
            + "7 DBOS.sleep, 8 DBOS.getEvent, 9 slept, 10 DBOS.getResult, 11 DBOS.getResult, 14 DBOS.sleep",
            await engine.StepsAsync("A"));
        Assert.Equal(["A-4", "A-5"], (await Database.QueryAsync(
            "SELECT workflow_uuid FROM workflow_status WHERE parent_workflow_id = 'A' ORDER BY 1")).Select(row => row[0]));
        await SameOnAReplayAsync(engine, "A", workflow, child);
    }

    [Fact]
    public async Task A_failing_branch_cancels_and_awaits_the_others()
    {
        var here = new Meeting(2);
        var reasons = new ConcurrentQueue<CancellationReason>();
        var workflow = Workflow.Define<Unit, int>("one fails")
            .Parallel(
                ("waits", b => b.Step("waits", x => WaitAsync(x.Step)).Step("never", _ => Task.FromResult(counts.Add("never")))),
                ("fails", b => b.Step<int>("fails", async _ =>
                {
                    await here.AllAreHere;
                    throw new TimeZoneNotFoundException("as asked");
                })),
                ("waits too", b => b.Step("waits too", x => WaitAsync(x.Step))))
            .Return(_ => 1);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.True(failure.Is<TimeZoneNotFoundException>());
        Assert.Equal([CancellationReason.Cancelled, CancellationReason.Cancelled], reasons);
        Assert.Equal("1 fails failed", await engine.StepsAsync("A"));
        Assert.Equal(0, counts["never"]);

        async Task WaitAsync(StepContext step)
        {
            here.Arrive();
            await new TaskCompletionSource().Task.WaitAsync(step).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            reasons.Enqueue(step.CancellationReason);
            step.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    [Fact]
    public async Task Of_two_failures_the_first_in_sequence_order_counts_whichever_came_first()
    {
        var both = new Meeting(2);
        var workflow = Workflow.Define<Unit, int>("two fail")
            .Parallel(
                ("left", b => b.Step("before", _ => Task.CompletedTask).Step<int>("left fails", _ => MeetAndFailAsync("left"))),
                ("right", b => b.Step<int>("right fails", _ => MeetAndFailAsync("right"))))
            .Return(_ => 1);
        var engine = await LaunchAsync(workflow);

        var first = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        var steps = await engine.StepsAsync("A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var second = await engine.Retrieve<int>("A").FailureAsync();

        Assert.Equal(steps.Contains("1 right fails failed", StringComparison.Ordinal) ? "right" : "left", first.Message);
        Assert.Equal(first.Message, second.Message);

        async Task<int> MeetAndFailAsync(string message)
        {
            both.Arrive();
            await both.AllAreHere;
            throw new InvalidOperationException(message);
        }
    }

    [Fact]
    public async Task A_branch_can_fail_the_workflow_and_so_can_its_code()
    {
        var gate = new Probe();
        var failing = Workflow.Define<Unit, int>("fail")
            .Parallel(
                ("fails", b => b.Step("first", _ => gate.ReachedAsync()).Fail(_ => new TimeoutException("rejected"))),
                ("waits", b => b.Step("waits", x => gate.PassAsync(x.CancellationToken))))
            .Return(_ => 1);
        var throwing = Workflow.Define<Unit, int>("throw")
            .Parallel(
                ("throws", b => b.Step("one", _ => Task.CompletedTask).If(_ => throw new TimeoutException("thrown"), t => t)),
                ("waits", b => b.Step("two", x => new TaskCompletionSource().Task.WaitAsync(x.CancellationToken))))
            .Return(_ => 1);
        var engine = await LaunchAsync(failing, throwing);

        Assert.Equal("rejected", (await (await engine.BeginAsync(failing, default, "A")).FailureAsync()).Message);
        Assert.Equal("thrown", (await (await engine.BeginAsync(throwing, default, "B")).FailureAsync()).Message);

        Assert.Equal("0 first", await engine.StepsAsync("A"));
        Assert.Equal("0 one", await engine.StepsAsync("B"));
    }

    [Fact]
    public async Task A_tolerated_failure_in_a_branch_is_data()
    {
        ResultOf<StepOutcome<int>> outcome = null!;
        ResultOf<string> good = null!;
        var workflow = Workflow.Define<Unit, string>("tolerant")
            .Parallel(
                ("fails", b => b.Step<int>("fails", _ => throw new TimeoutException("as asked")).Try(out outcome)),
                ("goes on", b => b.Step("good", _ => Task.FromResult("good")).As(out good)))
            .Return(x => $"{x.Get(outcome).Error!.Message} {x.Get(good)}");
        var engine = await LaunchAsync(workflow);

        Assert.Equal("as asked good", await engine.RunAsync(workflow, default, "A"));
        await SameOnAReplayAsync(engine, "A", workflow);
    }

    [Fact]
    public async Task One_branch_and_only_empty_branches_are_no_special_case()
    {
        ResultOf<string> one = null!;
        var workflow = Workflow.Define<Unit, string>("few")
            .Parallel(("only", b => b.Step("s0", _ => Task.CompletedTask).Step("s1", _ => Task.FromResult("one")).As(out one)))
            .Parallel(("empty", b => b), ("empty too", b => b))
            .Step("after", _ => Task.CompletedTask)
            .Return(x => x.Get(one));
        var engine = await LaunchAsync(workflow);

        Assert.Equal("one", await engine.RunAsync(workflow, default, "A"));
        Assert.Equal("0 s0, 1 s1, 2 after", await engine.StepsAsync("A"));
        await SameOnAReplayAsync(engine, "A", workflow);
    }

    [Fact]
    public async Task A_cancel_reaches_every_branch()
    {
        var (left, right) = (new Probe(), new Probe());
        var workflow = Workflow.Define<Unit, int>("cancelled")
            .Parallel(
                ("left", b => b.Step("left", x => left.PassAsync(x.CancellationToken))),
                ("right", b => b.Step("right", x => right.PassAsync(x.CancellationToken))),
                ("waits", b => b.Receive<int>("t")))
            .Return(_ => 1);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await left.ReachedAsync();
        await right.ReachedAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal(0, await CheckpointCountAsync("A"));
    }

    private static int Latest(FlowState<int> state, ResultOf<int> result)
    {
        try
        {
            return state.Get(result);
        }
        catch (InvalidOperationException)
        {
            // Before its first pass.
            return 0;
        }
    }

    /// <summary>A replay gives the same result and changes nothing that is stored.</summary>
    private async Task SameOnAReplayAsync(WorkflowEngine engine, string id, params WorkflowDefinition[] definitions)
    {
        var first = await engine.ResultAsync<string>(id);
        var stored = await Database.StoredStepsAsync(id);

        engine = await FlipAndRelaunchAsync(engine, [id], definitions);

        Assert.Equal(first, await engine.ResultAsync<string>(id));
        Assert.Equal(stored, await Database.StoredStepsAsync(id));
    }
}
