using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Steps that run at once: Step.All and ForEach.</summary>
public abstract class GroupSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task Members_are_numbered_as_listed_whatever_finishes_first()
    {
        var gates = new[] { new Probe(), new Probe(), new Probe() };
        var workflow = Workflow.Define<Unit, string>("reversed", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        foreach (var gate in gates)
        {
            await gate.ReachedAsync();
        }

        for (var i = 2; i >= 0; i--)
        {
            gates[i].Open();
            await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") >= 3 - i, Bounded.Limit);
        }

        Assert.Equal("0,1,2", await handle.ResultAsync());
        Assert.Equal("0 S0, 1 S1, 2 S2, 3 after", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(gates.Select((gate, i) => Step.Run($"S{i}", async s =>
            {
                await gate.PassAsync(s);
                return i;
            }))).As(out var all);
            yield return Step.Run("after", _ => Task.CompletedTask);
            yield return string.Join(',', all.Result);
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task After_a_crash_only_the_unfinished_members_run_again(Form form)
    {
        var counts = new Counts();
        var workflow = form.Pick(
            Workflow.Define<Unit, string>("partial", Body),
            Workflow.Define<Unit, string>("partial")
                .ForEach(_ => Enumerable.Range(0, 4), "S", (i, _) => CountAsync(i), maxParallel: 4).As(out var all)
                .Return(x => string.Join(',', x.Get(all))));
        var engine = await LaunchAsync(workflow);
        Assert.Equal("0,1,2,3", await engine.RunAsync(workflow, default, "A"));

        await Database.ForgetAsync("A", 0);
        await Database.ForgetAsync("A", 2);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("0,1,2,3", await engine.ResultAsync<string>("A"));
        Assert.Equal("2,1,2,1", string.Join(',', Enumerable.Range(0, 4).Select(i => counts[$"S{i}"])));
        Assert.Equal("0 S, 1 S, 2 S, 3 S", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(Enumerable.Range(0, 4).Select(i => Step.Run("S", _ => CountAsync(i)))).As(out var all);
            yield return string.Join(',', all.Result);
        }

        Task<int> CountAsync(int i) => Task.FromResult(counts.Add($"S{i}", i));
    }

    [Fact]
    public async Task A_failure_cancels_the_others_which_are_awaited_and_not_recorded()
    {
        var cancelled = 0;
        var cancelledAtEnd = -1;
        var waiting = new Meeting(2);
        var reasons = new ConcurrentQueue<CancellationReason>();
        var workflow = Workflow.Define<Unit, string>("one fails", Body);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.True(failure.Is<TimeZoneNotFoundException>());
        Assert.Equal(2, cancelledAtEnd);
        Assert.Equal([CancellationReason.Cancelled, CancellationReason.Cancelled], reasons);
        Assert.Equal("1 fails failed", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            try
            {
                yield return Step.All(Step.Run("waits", WaitAsync), Step.Run("fails", FailAsync), Step.Run("waits too", WaitAsync));
                yield return "never";
            }
            finally
            {
                cancelledAtEnd = cancelled;
            }
        }

        async Task FailAsync(StepContext step)
        {
            await waiting.AllAreHere;
            throw new TimeZoneNotFoundException("fails");
        }

        async Task WaitAsync(StepContext step)
        {
            waiting.Arrive();
            try
            {
                await new TaskCompletionSource().Task.WaitAsync(step);
            }
            finally
            {
                reasons.Enqueue(step.CancellationReason);
                Interlocked.Increment(ref cancelled);
            }
        }
    }

    [Fact]
    public async Task Of_two_failures_the_first_in_sequence_order_counts()
    {
        var both = new Meeting(2);
        var workflow = Workflow.Define<Unit, string>("two fail", Body);
        var engine = await LaunchAsync(workflow);
        var first = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        var steps = await engine.StepsAsync("A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var second = await engine.Retrieve<string>("A").FailureAsync();

        // The second to fail is recorded too unless the first one's cancellation came before.
        Assert.Equal(steps.StartsWith("0 ", StringComparison.Ordinal) ? "one" : "two", first.Message);
        Assert.Equal(first.Message, second.Message);
        Assert.Equal(steps, await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(Step.Run("S1", _ => MeetAndFailAsync("one")), Step.Run("S2", _ => MeetAndFailAsync("two")));
            yield return "never";
        }

        async Task MeetAndFailAsync(string message)
        {
            both.Arrive();
            await both.AllAreHere;
            throw new InvalidOperationException(message);
        }
    }

    [Fact]
    public async Task A_replay_that_finds_a_failure_starts_no_unrecorded_member()
    {
        var counts = new Counts();
        var stored = new TaskCompletionSource();
        var child = Workflow.Define<Unit, int>("child").Return(_ => 1);
        var workflow = Workflow.Define<Unit, string>("replayed", Body);
        var engine = await LaunchAsync(workflow, child);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(
            async () => counts["S2"] == 1 && (await engine.StepsAsync("A")).StartsWith("0 S0, 1 S1", StringComparison.Ordinal),
            Bounded.Limit);
        stored.SetResult();
        await handle.FailureAsync();
        Assert.StartsWith("0 S0, 1 S1, 3 fails failed", await engine.StepsAsync("A"));

        await Database.ForgetAsync("A", 0);
        await Database.ForgetFromAsync("A", 4);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, child);
        var failure = await engine.Retrieve<string>("A").FailureAsync();

        Assert.Equal("fails", failure.Message);
        Assert.Equal("1 S1, 3 fails failed", await engine.StepsAsync("A"));
        Assert.Equal((1, 1, 1), (counts["S0"], counts["S1"], counts["S2"]));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(
                Step.Run("S0", _ => Task.FromResult(counts.Add("S0"))),
                Step.Run("S1", _ => Task.FromResult(counts.Add("S1"))),
                Step.Run("S2", s => counts.Add("S2", new TaskCompletionSource<int>().Task.WaitAsync(s))),
                Step.Run<int>("fails", async _ =>
                {
                    await stored.Task;
                    throw new InvalidOperationException("fails");
                }),
                Step.Call(child, default));
            yield return "never";
        }
    }

    [Fact]
    public async Task A_member_that_is_unexpected_keeps_all_of_them_from_running()
    {
        var counts = new Counts();
        var renamed = false;
        var workflow = Workflow.Define<Unit, int>("renamed", Body);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");
        await Database.ForgetAsync("A", 0);
        var recorded = await Database.StoredStepsAsync("A");

        renamed = true;
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var unexpected = await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<int>("A"));

        Assert.Equal((2, "renamed", "S2"), (unexpected.Sequence, unexpected.ExpectedStep, unexpected.RecordedStep));
        Assert.Equal((1, 1, 1, 0), (counts["S0"], counts["S1"], counts["S2"], counts["renamed"]));
        Assert.Equal(recorded, await Database.StoredStepsAsync("A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(Counting("S0"), (Step)Step.All(Counting("S1"), Counting(renamed ? "renamed" : "S2")));
            yield return 1;
        }

        Step<int> Counting(string name) => Step.Run(name, _ => Task.FromResult(counts.Add(name)));
    }

    [Fact]
    public async Task Bodies_that_block_their_threads_run_at_once()
    {
        using var both = new CountdownEvent(2);
        var cancel = Cancel;
        var workflow = Workflow.Define<Unit, bool>("blocking", Body);
        var engine = await LaunchAsync(workflow);

        Assert.True(await engine.RunAsync(workflow, default, "A"));

        async IAsyncEnumerable<StepOr<bool>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(Blocking("one"), Blocking("two")).As(out var met);
            yield return met.Result.All(each => each);
        }

        Step<bool> Blocking(string name) => Step.Run(name, _ =>
        {
            both.Signal();
            return Task.FromResult(both.Wait(Bounded.Limit, cancel));
        });
    }

    [Fact]
    public async Task Groups_in_groups_and_children_take_the_sum_of_their_numbers()
    {
        var child = Workflow.Define<int, int>("child").Return(x => x.Input * 10);
        var workflow = Workflow.Define<Unit, string>("nested", Body);
        var engine = await LaunchAsync(workflow, child);

        Assert.Equal("1,2 30 4,50,6", await engine.RunAsync(workflow, default, "A"));
        const string Steps = "0 a, 1 b, 2 child, 3 DBOS.getResult, 4 d, 5 child, 6 DBOS.getResult, 7 f, 8 after";
        Assert.Equal(Steps, await engine.StepsAsync("A"));
        Assert.Equal("A-2,A-5", string.Join(',', (await Children("A")).Order()));

        await Database.ForgetAsync("A", 4);
        await Database.ForgetAsync("A", 6);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, child);
        Assert.Equal("1,2 30 4,50,6", await engine.ResultAsync<string>("A"));
        Assert.Equal(Steps, await engine.StepsAsync("A"));
        Assert.Equal(3, await Database.CountAsync("SELECT count(*) FROM workflow_status"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            Step<IReadOnlyList<int>> left = Step.All(Value("a", 1), Value("b", 2));
            Step<int> middle = Step.Call(child, 3);
            Step<IReadOnlyList<int>> right = Step.All(Value("d", 4), Step.Call(child, 5), Value("f", 6));
            yield return Step.All((Step)left, middle, right);
            yield return Step.Run("after", _ => Task.CompletedTask);
            yield return $"{string.Join(',', left.Result)} {middle.Result} {string.Join(',', right.Result)}";
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_group_of_none_takes_no_number(Form form)
    {
        var workflow = form.Pick(
            Workflow.Define<Unit, int>("none", Body),
            Workflow.Define<Unit, int>("none")
                .ForEach(_ => Array.Empty<int>(), "each", (i, _) => Task.FromResult(i)).As(out var none)
                .Step("after", _ => Task.FromResult(1))
                .Return(x => x.Get(none).Count));
        var engine = await LaunchAsync(workflow);

        Assert.Equal(0, await engine.RunAsync(workflow, default, "A"));
        Assert.Equal("0 after", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(Array.Empty<Step<int>>()).As(out var none);
            yield return Step.All();
            yield return Step.Run("after", _ => Task.FromResult(1));
            yield return none.Result.Count;
        }
    }

    [Fact]
    public async Task A_tolerant_member_that_fails_disturbs_nobody()
    {
        var workflow = Workflow.Define<Unit, string>("tolerant", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal("1 False bad", await engine.RunAsync(workflow, default, "A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("1 False bad", await engine.ResultAsync<string>("A"));
        Assert.Equal("0 good, 1 bad failed", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var good = Value("good", 1);
            var bad = Step.Run<int>("bad", _ => throw new InvalidOperationException("bad")).Try(out var tried);
            yield return Step.All((Step)good, bad);
            yield return $"{good.Result} {tried.Succeeded} {tried.Error?.Message}";
        }
    }

    [Fact]
    public async Task A_tolerated_group_that_fails_lets_the_workflow_go_on()
    {
        var workflow = Workflow.Define<Unit, string>("tolerated", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal("bad", await engine.RunAsync(workflow, default, "A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("bad", await engine.ResultAsync<string>("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(Value("good", 1), Step.Run<int>("bad", _ => throw new InvalidOperationException("bad"))).Try(out var all);
            yield return all.Error!.Message;
        }
    }

    [Fact]
    public async Task One_descriptor_listed_twice_is_two_steps_with_a_result_each()
    {
        var counts = new Counts();
        var workflow = Workflow.Define<Unit, string>("twins", Body);
        var engine = await LaunchAsync(workflow);

        var live = await engine.RunAsync(workflow, default, "A");
        Assert.Equal("1,2", string.Join(',', live.Split(' ')[0].Split(',').Order()));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal(live, await engine.ResultAsync<string>("A"));
        Assert.Equal("0 S, 1 S", await engine.StepsAsync("A"));
        Assert.Equal(2, counts["S"]);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            Step<int> step = Step.Run("S", _ => Task.FromResult(counts.Add("S")));
            yield return Step.All(step, step).As(out var both);
            yield return $"{string.Join(',', both.Result)} {step.Result}";
        }
    }

    [Fact]
    public async Task No_more_items_run_at_once_than_allowed()
    {
        var running = 0;
        var most = 0;
        var three = new Meeting(3);
        var workflow = Workflow.Define<Unit, int>("bounded")
            .ForEach(_ => Enumerable.Range(0, 12), "each", EachAsync, maxParallel: 3).As(out var all)
            .Return(x => x.Get(all).Sum());
        var engine = await LaunchAsync(workflow);

        Assert.Equal(66, await engine.RunAsync(workflow, default, "A"));
        Assert.Equal(3, most);
        Assert.Equal(12, await CheckpointCountAsync("A"));

        async Task<int> EachAsync(int item, StepState<Unit> step)
        {
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            three.Arrive();
            await three.AllAreHere;
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return item;
        }
    }

    private static Step<int> Value(string name, int value) => Step.Run(name, _ => Task.FromResult(value));

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    private async Task<IEnumerable<string?>> Children(string parent) =>
        (await Database.QueryAsync($"SELECT workflow_uuid FROM workflow_status WHERE parent_workflow_id = '{parent}'"))
            .Select(row => row[0]);
}
