namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What an iterator may yield, and how it ends. Scenarios IT.</summary>
public abstract class IteratorSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task An_end_without_a_result_fails_with_an_error_that_says_so()
    {
        var workflow = Workflow.Define<bool, int>("forgetful", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal(1, await engine.RunAsync(workflow, true, "A"));
        var failure = await (await engine.BeginAsync(workflow, false, "B")).FailureAsync();

        Assert.True(failure.Is<InvalidOperationException>());
        Assert.Contains("'forgetful' ended without a result", failure.Message);
        Assert.Equal("0 step", await engine.StepsAsync("B"));

        async IAsyncEnumerable<StepOr<int>> Body(bool remembers, WorkflowContext workflow)
        {
            yield return Step.Run("step", _ => Task.FromResult(1));
            if (remembers)
            {
                yield return 1;
            }
        }
    }

    [Fact]
    public async Task Yielding_nothing_at_all_fails_with_an_error_that_says_so()
    {
        var nothing = Workflow.Define<Unit, int>("default", (_, _) => Yield<StepOr<int>>((Step)null!));
        var noIterator = Workflow.Define<Unit, int>("none", (_, _) => null!);
        var nullStep = Workflow.Define<Unit>("null", (_, _) => Yield(new Step[] { null! }));
        var engine = await LaunchAsync(nothing, nullStep, noIterator);

        var first = await (await engine.BeginAsync(nothing, default, "A")).FailureAsync();
        var second = await (await engine.BeginAsync(nullStep, default, "B")).FailureAsync();

        Assert.StartsWith("Workflow 'default' yielded neither a step nor a result. Was `default` or a null step yielded?", first.Message);
        Assert.Equal("Workflow 'null' yielded null instead of a step.", second.Message);
        var third = await (await engine.BeginAsync(noIterator, default, "C")).FailureAsync();
        Assert.StartsWith("The method of workflow 'none' returned null", third.Message);
        Assert.Equal(0, await CheckpointCountAsync("A"));
    }

    [Fact]
    public async Task A_descriptor_of_another_run_is_refused()
    {
        var shared = Step.Run("shared", _ => Task.FromResult(1));
        var alone = Workflow.Define<Unit, int>("alone", (_, _) => Yield<StepOr<int>>(shared, 1));
        var grouped = Workflow.Define<Unit, int>("grouped", (_, _) => Yield<StepOr<int>>(Step.All(shared), 1));
        var engine = await LaunchAsync(alone, grouped);

        Assert.Equal(1, await engine.RunAsync(alone, default, "A"));
        var second = await (await engine.BeginAsync(alone, default, "B")).FailureAsync();
        var third = await (await engine.BeginAsync(grouped, default, "C")).FailureAsync();

        Assert.True(second.Is<InvalidOperationException>());
        Assert.Contains("Step 'shared' was yielded by two runs", second.Message);
        Assert.Equal(second.Message, third.Message);
        Assert.Equal((0, 0), (await CheckpointCountAsync("B"), await CheckpointCountAsync("C")));
    }

    // IT-03: number and name tell the two apart, on a replay and in a fork too, and not the object.
    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_descriptor_yielded_twice_is_two_steps_and_its_result_is_the_latest(Form form)
    {
        var counts = new Counts();
        var steps = new System.Collections.Concurrent.ConcurrentDictionary<WorkflowContext, RunStep<int>>();
        var workflow = form.Pick(
            Workflow.Define<Unit, string>("twice", Body),
            Workflow.Define<Unit, string>("twice").Then(x => StepOf(x.Workflow)).As(out var one)
                .Then(x => StepOf(x.Workflow)).As(out var two).Return(x => $"{x.Get(one)},{x.Get(two)}"));
        var engine = await LaunchAsync(workflow);

        var result = await engine.RunAsync(workflow, default, "A");

        Assert.Equal(form == Form.Iterator ? "1,2" : "2,2", result);
        Assert.Equal("0 S, 1 S", await engine.StepsAsync("A"));
        var stored = await Database.StoredStepsAsync("A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal(result, await engine.ResultAsync<string>("A"));
        Assert.Equal((stored, 2), (await Database.StoredStepsAsync("A"), counts["S"]));

        await engine.ForkAsync("A", 1, new() { Id = "F" }, Cancel);
        Assert.Equal(form == Form.Iterator ? "1,3" : "3,3", await engine.ResultAsync<string>("F"));
        Assert.Equal(("0 S, 1 S", 3), (await engine.StepsAsync("F"), counts["S"]));

        RunStep<int> StepOf(WorkflowContext context) =>
            steps.GetOrAdd(context, _ => Step.Run("S", _ => Task.FromResult(counts.Add("S"))));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var step = StepOf(workflow);
            yield return step;
            var first = step.Result;
            yield return step;
            yield return $"{first},{step.Result}";
        }
    }

    [Fact]
    public async Task A_descriptor_that_failed_can_be_yielded_again_and_succeed()
    {
        var counts = new Counts();
        var workflow = Workflow.Define<bool, string>("again", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal("False,True,2", await engine.RunAsync(workflow, false, "A"));
        counts = new Counts();
        Assert.Equal("False,True,2", await engine.RunAsync(workflow, true, "B"));

        async IAsyncEnumerable<StepOr<string>> Body(bool grouped, WorkflowContext workflow)
        {
            var attempt = Step.Run(
                "try", _ => counts.Add("try") == 1 ? throw new InvalidOperationException("first") : Task.FromResult(counts["try"]))
                .Try(out var tried);
            yield return grouped ? Step.All((Step)attempt) : attempt;
            var first = tried.Succeeded;
            yield return grouped ? Step.All((Step)attempt) : attempt;
            yield return $"{first},{tried.Succeeded},{tried.Result}";
        }
    }

    [Fact]
    public async Task What_comes_after_a_yielded_result_never_runs()
    {
        var counts = new Counts();
        var workflow = Workflow.Define<Unit, int>("early", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));

        Assert.Equal((0, 1), (counts["after"], counts["finally"]));
        Assert.Equal("", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            try
            {
                yield return 1;
                counts.Add("after");
                yield return Step.Run("after", _ => Task.FromResult(2));
            }
            finally
            {
                counts.Add("finally");
            }
        }
    }

    [Theory]
    [InlineData("success")]
    [InlineData("failed step")]
    [InlineData("exception")]
    public async Task Finally_blocks_run_when_the_workflow_ends(string end)
    {
        var counts = new Counts();
        var workflow = Workflow.Define<string, int>("finally", Body);
        var engine = await LaunchAsync(workflow);

        var handle = await engine.BeginAsync(workflow, end, "A");
        await Eventually.TrueAsync(
            async () => (await engine.StateOfAsync("A")) is WorkflowState.Success or WorkflowState.Error, Bounded.Limit);

        Assert.Equal(1, counts["finally"]);
        Assert.Equal(end == "success" ? WorkflowState.Success : WorkflowState.Error, (await handle.GetStatusAsync(Cancel)).State);

        async IAsyncEnumerable<StepOr<int>> Body(string input, WorkflowContext workflow)
        {
            try
            {
                yield return Step.Run("S", _ => input == "failed step" ? throw new InvalidOperationException() : Task.FromResult(1));
                if (input == "exception")
                {
                    throw new InvalidOperationException();
                }

                yield return 1;
            }
            finally
            {
                counts.Add("finally");
            }
        }
    }

    [Fact]
    public async Task Finally_blocks_do_not_run_when_the_engine_stops()
    {
        var counts = new Counts();
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, int>("finally", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        Assert.Equal((1, 0), (counts["body"], counts["finally"]));

        gate.Open();
        engine = await LaunchAsync(workflow);
        Assert.Equal(1, await engine.ResultAsync<int>("A"));
        Assert.Equal((2, 1), (counts["body"], counts["finally"]));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            counts.Add("body");
            try
            {
                yield return Step.Run("S", s => gate.PassAsync(s));
                yield return 1;
            }
            finally
            {
                counts.Add("finally");
            }
        }
    }

    [Fact]
    public async Task A_finally_block_that_throws_is_logged_and_changes_nothing()
    {
        var workflow = Workflow.Define<bool, int>("finally", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal(1, await engine.RunAsync(workflow, true, "A"));
        Assert.True(Log.Has(1105));
        var failure = await (await engine.BeginAsync(workflow, false, "B")).FailureAsync();
        Assert.Equal("step", failure.Message);

        async IAsyncEnumerable<StepOr<int>> Body(bool succeeds, WorkflowContext workflow)
        {
            try
            {
                yield return Step.Run("S", _ => succeeds ? Task.FromResult(1) : throw new InvalidOperationException("step"));
                yield return 1;
            }
            finally
            {
                ThrowFromFinally();
            }
        }
    }

    [Fact]
    public async Task A_result_may_have_an_interface_type()
    {
        var workflow = Workflow.Define<int, IReadOnlyList<int>>("list", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal([1, 2, 3], await engine.RunAsync(workflow, 3, "A"));
        Assert.Equal([1, 2, 3], await engine.ResultAsync<IReadOnlyList<int>>("A"));

        static async IAsyncEnumerable<StepOr<IReadOnlyList<int>>> Body(int count, WorkflowContext workflow)
        {
            yield return Step.Run<IReadOnlyList<int>>("numbers", _ => Task.FromResult<IReadOnlyList<int>>([.. Enumerable.Range(1, count)]))
                .As(out var numbers);
            yield return StepOr.Result(numbers.Result);
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_workflow_may_have_no_result_and_no_steps(Form form)
    {
        var unit = form.Pick(
            Workflow.Define<Unit>("unit", (_, _) => Yield<Step>()),
            Workflow.Define<Unit>("unit").End());
        var value = form.Pick(
            Workflow.Define<int, int>("value", (input, _) => Yield<StepOr<int>>(input)),
            Workflow.Define<int, int>("value").Return(x => x.Input));
        var engine = await LaunchAsync(unit, value);

        Assert.Equal(default, await engine.RunAsync(unit, default, "A"));
        Assert.Equal(5, await engine.RunAsync(value, 5, "B"));

        Assert.Equal(WorkflowState.Success, await engine.StateOfAsync("A"));
        Assert.Equal(("", ""), (await engine.StepsAsync("A"), await engine.StepsAsync("B")));

        // IT-04: there is no step to begin at but the first.
        string[] forks = [await engine.ForkAsync("B", 0, cancellationToken: Cancel), await engine.ForkFromFailureAsync("B", null, Cancel)];
        foreach (var fork in forks)
        {
            Assert.Equal(5, await engine.ResultAsync<int>(fork));
            Assert.Equal("", await engine.StepsAsync(fork));
        }

        await engine.ResultAsync<Unit>(await engine.ForkFromFailureAsync("A", null, Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.ForkAsync("B", 1, cancellationToken: Cancel));
        var unnamed = await Assert.ThrowsAsync<ArgumentException>(() => engine.ForkFromStepAsync("B", "X", cancellationToken: Cancel));
        Assert.Contains("'X'", unnamed.Message, StringComparison.Ordinal);
        engine = await FlipAndRelaunchAsync(engine, ["A", "B"], unit, value);
        Assert.Equal((default, 5), (await engine.ResultAsync<Unit>("A"), await engine.ResultAsync<int>("B")));
        Assert.Equal(5, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'"));
    }

    [Fact]
    public async Task A_body_may_be_a_method_of_an_instance()
    {
        var counter = new Counter();
        var workflow = Workflow.Define<int, int>("counter", counter.Count);
        var engine = await LaunchAsync(workflow);

        Assert.Equal(3, await engine.RunAsync(workflow, 3, "A"));
        Assert.Equal(3, counter.Counted);
    }

    private static async IAsyncEnumerable<T> Yield<T>(params T[] yielded)
    {
        foreach (var item in yielded)
        {
            yield return item;
        }
    }

    private static void ThrowFromFinally() => throw new InvalidOperationException("finally");

    private sealed class Counter
    {
        public int Counted { get; private set; }

        public async IAsyncEnumerable<StepOr<int>> Count(int to, WorkflowContext workflow)
        {
            for (var i = 0; i < to; i++)
            {
                yield return Step.Run($"count {i}", _ => Task.FromResult(++Counted));
            }

            yield return Counted;
        }
    }
}
