namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Undoing what ran at once, when it is taken up again in the midst of it.</summary>
public abstract class UndoGroupSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Undone undone = new();
    private readonly Counts counts = new();

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public async Task Branches_of_which_one_failed_are_found_again(int from)
    {
        var workflow = Workflow.Define<Unit, int>("branches")
            .Parallel(
                ("left", b => Undoable(Undoable(b, "l0"), "l1").Step("waits", WaitAsync)),
                ("right", b => Undoable(b, "r0").Step<int>("fails", async _ =>
                {
                    await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 3, Bounded.Limit);
                    throw new TimeoutException("as asked");
                })))
            .Return(_ => 1);
        var engine = await LaunchAsync(workflow);
        Assert.Equal("as asked", (await (await engine.BeginAsync(workflow, default, "A")).FailureAsync()).Message);
        var steps = await engine.StepsAsync("A");
        Assert.Equal(
            "0 l0, 1 r0, 2 l1, 3 fails failed, 4 Dbos.Fluent.compensating failed, "
            + "5 l1.compensate, 6 r0.compensate, 7 l0.compensate",
            steps);
        var waited = counts["waits"];

        await Database.ForgetFromAsync("A", from);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("as asked", (await engine.Retrieve<int>("A").FailureAsync()).Message);
        Assert.Equal(steps, await engine.StepsAsync("A"));
        Assert.Equal((waited, 1, 1), (counts["waits"], counts["l0"], counts["l1"]));
        Assert.Equal(string.Join(", ", (string[])["l1, r0, l0", .. new[] { "l1", "r0", "l0" }[(from - 5)..]]), undone.Text);
    }

    [Fact]
    public async Task A_group_whose_last_member_was_cancelled_is_found_again()
    {
        var workflow = Workflow.Define<Unit>("group", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        const string Steps = "0 S0, 1 fails failed, 2 Dbos.Fluent.compensating failed, 3 S0.compensate";
        Assert.Equal(Steps, await engine.StepsAsync("A"));

        await Database.ForgetFromAsync("A", 3);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("as asked", (await engine.Retrieve<Unit>("A").FailureAsync()).Message);
        Assert.Equal(Steps, await engine.StepsAsync("A"));
        Assert.Equal("S0, S0", undone.Text);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            var fails = Step.Run("fails", async _ =>
            {
                await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 1, Bounded.Limit);
                throw new InvalidOperationException("as asked");
            });
            yield return Step.All(undone.Plain("S0"), fails, Racing.Endless("cancelled"), Step.Receive<int>("t"));
        }
    }

    [Fact]
    public async Task Another_path_before_what_is_to_be_undone_ends_the_workflow_with_that()
    {
        var name = "first";
        var workflow = Workflow.Define<Unit>("changed", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        await Database.ForgetFromAsync("A", 3);
        name = "renamed";
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<Unit>("A"));
        Assert.Equal("S0", undone.Text);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(undone.Plain("S0"), Racing.Quick(name));
            throw new TimeoutException("late");
        }
    }

    [Fact]
    public async Task What_an_undecided_race_had_done_by_the_failure_beside_it_is_found_again()
    {
        var workflow = Workflow.Define<Unit>("undecided", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        const string Steps = "0 part, 4 fails failed, 5 Dbos.Fluent.compensating failed, 6 part.compensate";
        Assert.Equal(Steps, await engine.StepsAsync("A"));

        await Database.ForgetFromAsync("A", 6);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("as asked", (await engine.Retrieve<Unit>("A").FailureAsync()).Message);
        Assert.Equal(Steps, await engine.StepsAsync("A"));
        Assert.Equal("part, part", undone.Text);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(
                Step.Any(Step.All(undone.Plain("part"), Racing.Endless("other")), Racing.Endless("slow")),
                Step.Run("fails", async _ =>
                {
                    await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 1, Bounded.Limit);
                    throw new InvalidOperationException("as asked");
                }));
        }
    }

    [Fact]
    public async Task A_childs_undo_is_found_again_with_the_childs_result()
    {
        var child = Workflow.Define<int, string>("child").Return(x => $"child of {x.Input}");
        var workflow = Workflow.Define<Unit>("parent", Body);
        var engine = await LaunchAsync(workflow, child);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        await Database.ForgetFromAsync("A", 6);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, child);

        await engine.Retrieve<Unit>("A").FailureAsync();
        Assert.Equal("child of 8, child of 7, child of 7", undone.Text);
        Assert.Equal(3, await Database.CountAsync("SELECT count(*) FROM workflow_status"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(
                Step.Call(child, 7).CompensateWith(async (_, result) => undone.Add(result)),
                Step.Call(child, 8).CompensateWith(async (_, result) => undone.Add(result)));
            throw new TimeoutException("late");
        }
    }

    private WorkflowBuilder<Unit, int> Undoable(WorkflowBuilder<Unit, int> builder, string name) => builder
        .Step(name, _ => Task.FromResult(counts.Add(name, name))).CompensateWith(async (_, result) => undone.Add(result));

    private Task WaitAsync(StepState<Unit> step)
    {
        counts.Add("waits");
        return new TaskCompletionSource().Task.WaitAsync(step.CancellationToken);
    }
}
