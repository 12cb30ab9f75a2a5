using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Matching what the code yields with what is recorded. Scenarios DT and WB-06.</summary>
public abstract class ReplaySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task Another_step_at_a_recorded_number_is_unexpected_and_has_no_effect(Form form)
    {
        var counts = new Counts();
        var second = false;
        var workflow = form.Pick(
            Workflow.Define<Unit, string>("choice", Body),
            Workflow.Define<Unit, string>("choice")
                .Step("S0", _ => Task.FromResult(0))
                .If(
                    _ => second,
                    yes => yes.Step("S2", _ => Task.FromResult(counts.Add("S2"))),
                    no => no.Step("S1", _ => Task.FromResult(counts.Add("S1"))))
                .Return(_ => "done"));
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");
        var recorded = await Database.StoredStepsAsync("A");

        second = true;
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var here = await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<string>("A"));
        var other = await LaunchAsync(options => options.ExecutorId = "another");
        var elsewhere = await Assert.ThrowsAsync<UnexpectedStepException>(() => other.ResultAsync<string>("A"));

        Assert.Equal(("A", 1, "S2", "S1"), (here.WorkflowId, here.Sequence, here.ExpectedStep, here.RecordedStep));
        Assert.Equal(("A", 1, "S2", "S1"), (elsewhere.WorkflowId, elsewhere.Sequence, elsewhere.ExpectedStep, elsewhere.RecordedStep));
        Assert.Equal(here.Message, elsewhere.Message);
        Assert.Equal((0, 1), (counts["S2"], counts["S1"]));
        Assert.Equal(recorded, await Database.StoredStepsAsync("A"));
        Assert.Equal(WorkflowState.Error, await engine.StateOfAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("S0", _ => Task.FromResult(0));
            var name = second ? "S2" : "S1";
            yield return Step.Run(name, _ => Task.FromResult(counts.Add(name)));
            yield return "done";
        }
    }

    [Theory]
    [InlineData("start", "x (child workflow)", "x (step)")]
    [InlineData("call", "x (child workflow)", "x (step)")]
    [InlineData("sleep", "DBOS.sleep", "x")]
    [InlineData("await", "DBOS.getResult", "x")]
    [InlineData("all", "y", "x")]
    public async Task Another_kind_at_a_recorded_number_is_unexpected_and_has_no_effect(string kind, string expected, string recorded)
    {
        var counts = new Counts();
        var replaced = false;
        var child = Workflow.Define<Unit, int>("x", Child);
        WorkflowEngine? engine = null;
        var parent = Workflow.Define<Unit, int>("parent", Parent);
        engine = await LaunchAsync(parent, child);
        await engine.RunAsync(parent, default, "A");
        var before = await Database.StoredStepsAsync("A");

        replaced = true;
        engine = await FlipAndRelaunchAsync(engine, ["A"], parent, child);
        var failure = await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<int>("A"));

        Assert.Equal(("A", 0, expected, recorded), (failure.WorkflowId, failure.Sequence, failure.ExpectedStep, failure.RecordedStep));
        Assert.Equal((0, 0), (counts["child"], counts["other"]));
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
        Assert.Equal(before, await Database.StoredStepsAsync("A"));

        Step Replacement(WorkflowClient client) => kind switch
        {
            "start" => Step.Start(child, default),
            "call" => Step.Call(child, default),
            "sleep" => Step.Sleep(TimeSpan.FromDays(1)),
            "await" => Step.Await(client.Retrieve<int>("nobody")),
            _ => Step.All(
                Step.Run("y", _ => Task.FromResult(counts.Add("other"))), Step.Run("z", _ => Task.FromResult(counts.Add("other")))),
        };

        async IAsyncEnumerable<StepOr<int>> Parent(Unit input, WorkflowContext workflow)
        {
            yield return replaced ? Replacement(engine!) : Step.Run("x", _ => Task.FromResult(1));
            yield return 1;
        }

        async IAsyncEnumerable<StepOr<int>> Child(Unit input, WorkflowContext workflow)
        {
            counts.Add("child");
            yield return 1;
        }
    }

    [Fact]
    public async Task A_step_where_a_child_is_recorded_is_unexpected()
    {
        var counts = new Counts();
        var replaced = false;
        var child = Workflow.Define<int, int>("x").Return(x => x.Input);
        var parent = Workflow.Define<Unit, int>("parent", Parent);
        var engine = await LaunchAsync(parent, child);
        Assert.Equal(7, await engine.RunAsync(parent, default, "A"));

        replaced = true;
        engine = await FlipAndRelaunchAsync(engine, ["A"], parent, child);
        var failure = await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<int>("A"));

        Assert.Equal((0, "x (step)", "x (child workflow)"), (failure.Sequence, failure.ExpectedStep, failure.RecordedStep));
        Assert.Equal(0, counts["step"]);

        async IAsyncEnumerable<StepOr<int>> Parent(Unit input, WorkflowContext workflow)
        {
            Step<int> step = replaced ? Step.Run("x", _ => Task.FromResult(counts.Add("step"))) : Step.Call(child, 7);
            yield return step;
            yield return step.Result;
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task Fewer_steps_than_recorded_complete_with_a_warning_and_leave_the_history(Form form)
    {
        var counts = new Counts();
        var all = true;
        var workflow = form.Pick(
            Workflow.Define<Unit, string>("shrinking", Body),
            Workflow.Define<Unit, string>("shrinking")
                .Step("S1", _ => Task.FromResult(counts.Add("S1"))).As(out var s1)
                .If(_ => all, yes => yes.Step("S2", _ => Task.FromResult(2)).Step("S3", _ => Task.FromResult(3)))
                .Return(x => $"{x.Get(s1)} {(all ? "all" : "one")}"));
        var engine = await LaunchAsync(workflow);
        Assert.Equal("1 all", await engine.RunAsync(workflow, default, "A"));
        Assert.False(Log.Has(1102));
        var recorded = await Database.StoredStepsAsync("A");

        all = false;
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("1 one", await engine.ResultAsync<string>("A"));
        Assert.Equal(WorkflowState.Success, await engine.StateOfAsync("A"));
        Assert.Equal(recorded, await Database.StoredStepsAsync("A"));
        Assert.Equal("0 S1, 1 S2, 2 S3", await engine.StepsAsync("A"));
        await Eventually.TrueAsync(() => Log.Has(1102), Bounded.Limit, "the warning");
        Assert.Equal(1, counts["S1"]);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("S1", _ => Task.FromResult(counts.Add("S1"))).As(out var first);
            if (all)
            {
                yield return Step.Run("S2", _ => Task.FromResult(2));
                yield return Step.Run("S3", _ => Task.FromResult(3));
            }

            yield return $"{first.Result} {(all ? "all" : "one")}";
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_tolerated_failure_replays_the_same_branch(Form form)
    {
        var counts = new Counts();
        var workflow = form.Pick(Workflow.Define<Unit, string>("tolerant", Body), Tolerant(counts));
        var engine = await LaunchAsync(workflow);
        Assert.Equal("no luck, S2", await engine.RunAsync(workflow, default, "A"));
        Assert.Equal("0 S1 failed, 1 S2", await engine.StepsAsync("A"));

        await Database.ForgetFromAsync("A", 1);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("no luck, S2", await engine.ResultAsync<string>("A"));
        Assert.Equal((1, 2), (counts["S1"], counts["S2"]));
        Assert.Equal("0 S1 failed, 1 S2", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("S1", _ => Fail(counts)).Try(out var first);
            string message;
            try
            {
                message = $"{first.Result}";
            }
            catch (StepFailedException exception) when (exception.Failure.Is<TimeZoneNotFoundException>())
            {
                message = exception.Failure.Message;
            }

            yield return Step.Run("S2", _ => Task.FromResult(counts.Add("S2", "S2"))).As(out var second);
            yield return $"{message}, {second.Result}";
        }
    }

    [Fact]
    public async Task A_failed_step_ends_the_workflow_the_same_on_a_replay()
    {
        var counts = new Counts();
        var workflow = Workflow.Define<Unit, int>("failing", Body);
        var engine = await LaunchAsync(workflow);
        var first = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        var second = await engine.Retrieve<int>("A").FailureAsync();

        Assert.True(first.Is<TimeZoneNotFoundException>());
        Assert.Equal((first.TypeName, first.Message, first.StackTrace), (second.TypeName, second.Message, second.StackTrace));
        Assert.Equal((2, 1), (counts["body"], counts["S1"]));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            counts.Add("body");
            yield return Step.Run("S1", _ => Fail(counts));
            yield return 1;
        }
    }

    [Fact]
    public async Task A_sleep_that_has_passed_is_not_slept_again()
    {
        var time = new ManualTimeProvider();
        var workflow = Workflow.Define<TimeSpan>("sleeper", (duration, _) => Sleep(duration));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, TimeSpan.FromHours(1), "A");
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 1, Bounded.Limit);
        var slept = handle.ResultAsync();
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromHours(1));
                return slept.IsCompleted;
            },
            Bounded.Limit);
        var recorded = await Database.StoredStepsAsync("A");

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        engine = await LaunchAsync(options => options.TimeProvider = time, workflow);

        await engine.ResultAsync<Unit>("A");
        Assert.Equal(recorded, await Database.StoredStepsAsync("A"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_that_is_repeated_takes_no_second_number(bool afterEffect)
    {
        var workflow = Workflow.Define<TimeSpan>("sleeper", (duration, _) => Sleep(duration));
        var fault = new NthFault(StoreCallKind.Commit, number: 2, afterEffect);
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, fault), workflow);

        await engine.RunAsync(workflow, TimeSpan.Zero, "A");

        Assert.Equal(1, fault.Failed);
        Assert.Equal("0 DBOS.sleep", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        await engine.ResultAsync<Unit>("A");
        Assert.Equal("0 DBOS.sleep", await engine.StepsAsync("A"));
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_loop_goes_on_in_the_middle(Form form)
    {
        var counts = new Counts();
        ResultOf<int>? latest = null;
        var workflow = form.Pick(
            Workflow.Define<int, string>("loop", Body),
            Workflow.Define<int, string>("loop")
                .Step("start", x => Task.FromResult(x.Input))
                .While(x => Left(x) > 0, body => body.Step("next", x => NextAsync(Left(x))).As(out latest))
                .Return(x => $"left {Left(x)}"));
        var engine = await LaunchAsync(workflow);
        Assert.Equal("left 0", await engine.RunAsync(workflow, 4, "A"));

        await Database.ForgetFromAsync("A", 3);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("left 0", await engine.ResultAsync<string>("A"));
        Assert.Equal("0 start, 1 next, 2 next, 3 next, 4 next", await engine.StepsAsync("A"));
        Assert.Equal((1, 1, 2, 2), (counts["from 4"], counts["from 3"], counts["from 2"], counts["from 1"]));

        int Left(FlowState<int> flow)
        {
            try
            {
                return flow.Get(latest!);
            }
            catch (InvalidOperationException)
            {
                // The loop has not run yet.
                return flow.Input;
            }
        }

        Task<int> NextAsync(int from) => Task.FromResult(counts.Add($"from {from}", from - 1));

        async IAsyncEnumerable<StepOr<string>> Body(int input, WorkflowContext workflow)
        {
            yield return Step.Run("start", _ => Task.FromResult(input)).As(out var current);
            while (current.Result > 0)
            {
                var from = current.Result;
                yield return Step.Run("next", _ => NextAsync(from)).As(out current);
            }

            yield return $"left {current.Result}";
        }
    }

    private static WorkflowDefinition<Unit, string> Tolerant(Counts counts) => Workflow.Define<Unit, string>("tolerant")
        .Step("S1", _ => Fail(counts)).Try(out var first)
        .Step("S2", _ => Task.FromResult(counts.Add("S2", "S2"))).As(out var second)
        .Return(x => $"{(x.Get(first) is { Succeeded: false, Error: { } error } ? error.Message : "?")}, {x.Get(second)}");

    private static Task<int> Fail(Counts counts)
    {
        counts.Add("S1");
        throw new TimeZoneNotFoundException("no luck");
    }

    private static async IAsyncEnumerable<Step> Sleep(TimeSpan duration)
    {
        yield return Step.Sleep(duration);
    }
}
