namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Undoing: what a failed workflow undoes, in which order, and what is recorded of it.</summary>
public abstract class CompensationSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Undone undone = new();

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task Completed_steps_are_undone_newest_first_each_as_a_step_of_its_own(Form form)
    {
        var workflow = form.Pick(
            Workflow.Define<string, int>("saga", Body),
            Workflow.Define<string, int>("saga")
                .Step("a", _ => Task.FromResult("a")).CompensateWith(async x => undone.Add($"{x.Input} a"))
                .Step("none", _ => Task.CompletedTask)
                .Step("b", _ => Task.FromResult(2)).CompensateWith(async (x, result) => undone.Add($"{x.Input} b gave {result}"))
                .Step<int>("fails", _ => throw new InvalidOperationException("as asked")).CompensateWith(async _ => undone.Add("never"))
                .Return(_ => 1));
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, "X", "A")).FailureAsync();

        Assert.Equal(("as asked", 0), (failure.Message, failure.Inner.Count));
        Assert.Equal("X b gave 2, X a", undone.Text);
        Assert.Equal(
            "0 a, 1 none, 2 b, 3 fails failed, 4 Dbos.Fluent.compensating failed, 5 b.compensate, 6 a.compensate",
            await engine.StepsAsync("A"));
        var row = (await engine.GetHistoryAsync("A", Cancel)).Checkpoints[4];
        Assert.Equal(("[2,0]", "as asked"), (row.Output!.Replace(" ", ""), row.Error!.Message));

        async IAsyncEnumerable<StepOr<int>> Body(string input, WorkflowContext workflow)
        {
            yield return Step.Run("a", _ => Task.FromResult("a")).CompensateWith(async _ => undone.Add($"{input} a"));
            yield return Racing.Quick("none");
            yield return Step.Run("b", _ => Task.FromResult(2)).CompensateWith(async (_, result) => undone.Add($"{input} b gave {result}"));
            yield return Undone.Failing().CompensateWith(async _ => undone.Add("never"));
            yield return 1;
        }
    }

    [Theory]
    [InlineData("the body throws", "0 a, 1 Dbos.Fluent.compensating failed, 2 a.compensate")]
    [InlineData("a step fails", "0 a, 1 fails failed, 2 Dbos.Fluent.compensating failed, 3 a.compensate")]
    [InlineData("retries are exhausted", "0 a, 1 fails failed, 2 Dbos.Fluent.compensating failed, 3 a.compensate")]
    [InlineData("a child fails", "0 a, 1 child, 2 DBOS.getResult failed, 3 Dbos.Fluent.compensating failed, 4 a.compensate")]
    [InlineData("the result cannot be stored", "0 a, 1 Dbos.Fluent.compensating failed, 2 a.compensate")]
    [InlineData("a step's result cannot be stored", "0 a, 1 bad failed, 2 Dbos.Fluent.compensating failed, 3 a.compensate")]
    [InlineData("no result is yielded", "0 a, 1 Dbos.Fluent.compensating failed, 2 a.compensate")]
    [InlineData("a wait times out", "0 a, 1 DBOS.recv, 2 DBOS.sleep, 3 Dbos.Fluent.compensating failed, 4 a.compensate")]
    [InlineData("an event is missing", "0 a, 1 DBOS.getEvent, 2 DBOS.sleep, 3 Dbos.Fluent.compensating failed, 4 a.compensate")]
    public async Task Every_way_to_fail_is_undone_and_a_replay_finds_the_same(string how, string steps)
    {
        var child = Workflow.Define<Unit, int>("child").Fail(_ => new TimeoutException("of the child")).Return(_ => 1);
        var workflow = Workflow.Define<Unit, object>("failing", Body);
        var engine = await LaunchAsync(workflow, child);
        var first = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        Assert.Equal(steps, await engine.StepsAsync("A"));
        Assert.Equal("a", undone.Text);
        var stored = await Database.StoredStepsAsync("A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, child);
        var second = await engine.Retrieve<object>("A").FailureAsync();

        Assert.Equal((first.TypeName, first.Message, 0), (second.TypeName, second.Message, second.Inner.Count - first.Inner.Count));
        Assert.Equal(stored, await Database.StoredStepsAsync("A"));
        Assert.Equal("a", undone.Text);

        async IAsyncEnumerable<StepOr<object>> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            switch (how)
            {
                case "the body throws":
                    throw new TimeoutException("thrown");
                case "a step fails":
                    yield return Undone.Failing();
                    break;
                case "retries are exhausted":
                    yield return Undone.Failing().Retry(attempts: 2, delay: TimeSpan.Zero);
                    break;
                case "a child fails":
                    yield return Step.Call(child, default);
                    break;
                case "the result cannot be stored":
                    yield return StepOr.Result<object>(new Func<int>(() => 1));
                    break;
                case "a step's result cannot be stored":
                    yield return Step.Run("bad", _ => Task.FromResult<object>(new Func<int>(() => 1)));
                    break;
                case "a wait times out":
                    yield return Step.Receive<int>("t", TimeSpan.FromMilliseconds(5));
                    throw new TimeoutException("nobody came");
                case "an event is missing":
                    yield return Step.GetEvent<int>("A", "missing", TimeSpan.FromMilliseconds(5));
                    throw new TimeoutException("never set");
            }
        }
    }

    [Fact]
    public async Task Fail_of_a_definition_is_undone()
    {
        var workflow = Workflow.Define<int, int>("rejected")
            .Step("a", _ => Task.FromResult("a")).CompensateWith(async (_, result) => undone.Add(result))
            .If(x => x.Input > 0, no => no.Fail(_ => new TimeoutException("rejected")))
            .Return(x => x.Input);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, 1, "A")).FailureAsync();
        Assert.Equal(0, await engine.RunAsync(workflow, 0, "B"));

        Assert.True(failure.Is<TimeoutException>());
        Assert.Equal("a", undone.Text);
        Assert.Equal("0 a", await engine.StepsAsync("B"));
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_childs_call_is_undone_with_its_result_or_without_after_the_child_undid_nothing(Form form)
    {
        var child = Workflow.Define<int, string>("child").Return(x => $"child of {x.Input}");
        var workflow = form.Pick(
            Workflow.Define<Unit, int>("parent", Body),
            Workflow.Define<Unit, int>("parent")
                .Call(child, _ => 7).CompensateWith(async (_, result) => undone.Add(result))
                .Call(child, _ => 8).CompensateWith(async (_, result) => undone.Add(result))
                .Call(child, _ => 9).CompensateWith(async _ => undone.Add("child"))
                .Fail(_ => new TimeoutException("late")).Return(_ => 1));
        var engine = await LaunchAsync(workflow, child);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("child, child of 8, child of 7", undone.Text);
        Assert.Equal(
            "0 child, 1 DBOS.getResult, 2 child, 3 DBOS.getResult, 4 child, 5 DBOS.getResult, 6 Dbos.Fluent.compensating failed, "
            + "7 child.compensate, 8 child.compensate, 9 child.compensate",
            await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Call(child, 7).CompensateWith(async (_, result) => undone.Add(result));
            yield return Step.Call(child, 8).CompensateWith(async (_, result) => undone.Add(result));
            yield return Step.Call(child, 9).CompensateWith(async _ => undone.Add("child"));
            throw new TimeoutException("late");
        }
    }

    [Fact]
    public async Task A_failed_child_undoes_itself_before_its_parent_is_undone()
    {
        var child = Workflow.Define<Unit>("child", ChildBody);
        var workflow = Workflow.Define<Unit>("parent", Body);
        var engine = await LaunchAsync(workflow, child);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("of the child, of the parent", undone.Text);

        async IAsyncEnumerable<Step> ChildBody(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("of the child");
            throw new TimeoutException("late");
        }

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("of the parent");
            yield return Step.Call(child, default).CompensateWith(async _ => undone.Add("never"));
        }
    }

    [Fact]
    public async Task Members_of_a_group_are_undone_by_their_numbers_whatever_finished_first()
    {
        var second = new TaskCompletionSource();
        var workflow = Workflow.Define<Unit>("group", Body);
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("S1, S0, a", undone.Text);
        Assert.Equal(
            "0 a, 1 S0, 2 S1, 4 fails failed, 5 Dbos.Fluent.compensating failed, 6 S1.compensate, 7 S0.compensate, 8 a.compensate",
            await engine.StepsAsync("A"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("a");
            var slow = Step.Run("S0", _ => second.Task).CompensateWith(async _ => undone.Add("S0"));
            var quick = Step.Run("S1", async _ => second.SetResult()).CompensateWith(async _ => undone.Add("S1"));
            var fails = Step.Run("fails", async _ =>
            {
                await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 3, Bounded.Limit);
                throw new InvalidOperationException("as asked");
            });
            yield return Step.All(slow, quick, Racing.Endless("endless").CompensateWith(async _ => undone.Add("never")), fails);
        }
    }

    [Fact]
    public async Task Items_are_undone_one_by_one_the_last_first()
    {
        var workflow = Workflow.Define<Unit, int>("items")
            .ForEach(_ => new[] { 1, 2, 3 }, "item", (item, _) => Task.FromResult(item * 10), maxParallel: 2)
                .CompensateWith(async (_, results) => undone.Add(string.Join('+', results)))
            .Fail(_ => new TimeoutException("late"))
            .Return(_ => 1);
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("30, 20, 10", undone.Text);
    }

    [Fact]
    public async Task Branches_are_undone_by_their_numbers()
    {
        var workflow = Workflow.Define<Unit, int>("branches")
            .Parallel(
                ("left", b => b
                    .Step("l0", _ => Task.CompletedTask).CompensateWith(async _ => undone.Add("l0"))
                    .Step("l1", _ => Task.CompletedTask).CompensateWith(async _ => undone.Add("l1"))),
                ("right", b => b
                    .Step("r0", _ => Task.CompletedTask).CompensateWith(async _ => undone.Add("r0"))))
            .Fail(_ => new TimeoutException("late"))
            .Return(_ => 1);
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("l1, r0, l0", undone.Text);
        Assert.Equal(
            "0 l0, 1 r0, 2 l1, 3 Dbos.Fluent.compensating failed, 4 l1.compensate, 5 r0.compensate, 6 l0.compensate",
            await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_tolerated_step_is_undone_if_it_completed_and_not_if_it_failed()
    {
        var workflow = Workflow.Define<Unit>("tolerant", Body);
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("good", undone.Text);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("good").Try(out _);
            yield return Undone.Failing("bad").CompensateWith(async _ => undone.Add("never")).Try(out _);
            throw new TimeoutException("late");
        }
    }

    [Fact]
    public async Task One_descriptor_yielded_twice_is_undone_twice_each_with_its_own_result()
    {
        var workflow = Workflow.Define<Unit>("twice", Body);
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("2, 1", undone.Text);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            var count = 0;
            var step = Step.Run("count", async _ => ++count).CompensateWith(async (_, result) => undone.Add($"{result}"));
            yield return step;
            yield return step;
            throw new TimeoutException("late");
        }
    }

    [Fact]
    public async Task Where_there_is_nothing_to_undo_no_row_is_written()
    {
        var workflow = Workflow.Define<Unit>("nothing", Body);
        var engine = await LaunchAsync(workflow);

        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("0 done, 1 fails failed", await engine.StepsAsync("A"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Racing.Quick("done");
            yield return Undone.Failing().CompensateWith(async _ => undone.Add("never"));
        }
    }
}
