namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// The last step of a definition goes into the database with the workflow's outcome, in one write instead of two, and is as safe as any.
/// </summary>
public abstract class LastStepSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly CommitNotes notes = new();
    private readonly Counts counts = new();

    [Fact]
    public async Task Only_a_start_and_an_end_are_written_of_a_single_step()
    {
        var workflow = Single();
        var engine = await LaunchAsync(notes.Wrap, workflow);
        var before = notes.Count;

        Assert.Equal(3, await engine.RunAsync(workflow, 3, "A"));

        Assert.Equal(2, notes.Count - before);
        var step = Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints);
        Assert.Equal(("only", 0), (step.Name, step.Sequence));
    }

    [Fact]
    public async Task The_end_of_a_loop_or_of_a_way_is_no_last_step_where_more_may_follow()
    {
        var workflow = Workflow.Define<int, int>("ways")
            .While(_ => counts["in the loop"] < 2, loop => loop.Step("in the loop", x => Counted("in the loop", x.Input)))
            .If(_ => true, then => then.Step("on the way", x => Counted("on the way", x.Input)))
            .Step("last", x => Counted("last", x.Input))
            .Return(x => x.Input);
        var engine = await LaunchAsync(notes.Wrap, workflow);
        var before = notes.Count;

        await engine.RunAsync(workflow, 3, "A");

        Assert.Equal(5, notes.Count - before);
        Assert.Equal(4, await CheckpointCountAsync("A"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_that_is_lost_is_repeated_and_its_step_is_not(bool afterEffect)
    {
        var workflow = Single();
        notes.FailOnce("only", afterEffect);
        var engine = await LaunchAsync(notes.Wrap, workflow);

        Assert.Equal(3, await engine.RunAsync(workflow, 3, "A"));

        Assert.Equal(1, counts["only"]);
        Assert.Equal(1, await CheckpointCountAsync("A"));
    }

    [Fact]
    public async Task A_result_that_cannot_be_made_leaves_the_step_recorded_and_undoes_what_was_done_before()
    {
        var workflow = Workflow.Define<int, int>("single")
            .Step("first", x => Counted("first", x.Input)).CompensateWith(_ => Counted("undone", 0))
            .Step("last", x => Counted("last", x.Input)).As(out var last)
            .Return(x => x.Get(last) / (x.Input - x.Input));
        var engine = await LaunchAsync(notes.Wrap, workflow);

        var failure = await (await engine.BeginAsync(workflow, 3, "A")).FailureAsync();

        Assert.True(failure.Is<DivideByZeroException>());
        Assert.Equal((1, 1, 1), (counts["first"], counts["last"], counts["undone"]));
        Assert.Equal(
            ["first", "last", "Dbos.Fluent.compensating", "first.compensate"],
            (await engine.GetHistoryAsync("A", Cancel)).Checkpoints.Select(step => step.Name));
    }

    // It must stand before it may be undone.
    [Fact]
    public async Task One_that_can_be_undone_is_written_by_itself()
    {
        var workflow = Workflow.Define<int, int>("undoable")
            .Step("last", x => Counted("last", x.Input)).As(out var last).CompensateWith(_ => Counted("undone", 0))
            .Return(x => x.Get(last));
        var engine = await LaunchAsync(notes.Wrap, workflow);
        var before = notes.Count;

        Assert.Equal(3, await engine.RunAsync(workflow, 3, "A"));

        Assert.Equal(3, notes.Count - before);
    }

    [Fact]
    public async Task One_that_has_run_is_not_run_again_by_a_resume_after_a_cancel_that_came_too_late_for_it()
    {
        var workflow = Single();
        var held = notes.Hold("only");
        var engine = await LaunchAsync(notes.Wrap, workflow);
        var handle = await engine.BeginAsync(workflow, 3, "A");
        await held.ReachedAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);
        held.Open();
        await Assert.ThrowsAsync<AwaitedWorkflowCancelledException>(() => handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        await engine.ResumeAsync("A", cancellationToken: Cancel);

        // The write came after the cancel, so the step counts as not run: at least once, as any step whose outcome was not stored.
        Assert.Equal(3, await engine.Retrieve<int>("A").ResultAsync());
        Assert.Equal((2, 1), (counts["only"], (int)await CheckpointCountAsync("A")));
    }

    private WorkflowDefinition<int, int> Single() => Workflow.Define<int, int>("single")
        .Step("only", x => Counted("only", x.Input)).As(out var only)
        .Return(x => x.Get(only));

    private Task<int> Counted(string name, int result)
    {
        counts.Add(name);
        return Task.FromResult(result);
    }
}
