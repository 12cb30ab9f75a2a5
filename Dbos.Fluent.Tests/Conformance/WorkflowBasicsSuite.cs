namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Ids, attaching, results: what a start means. Scenarios WB.</summary>
public abstract class WorkflowBasicsSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_finished_id_gives_its_recorded_result_without_entering_the_body(Form form)
    {
        var counts = new Counts();
        var workflow = form.Pick(AddOne(counts), FluentAddOne(counts));
        var engine = await LaunchAsync(workflow);

        var first = await (await engine.StartAsync(workflow, 1, new() { Id = "A" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);
        var second = await (await engine.StartAsync(workflow, 1, new() { Id = "A" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);
        var third = await (await engine.StartAsync(workflow, 1, cancellationToken: Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);

        Assert.Equal((2, 2, 2), (first, second, third));
        Assert.Equal((2, 2), (counts["body"], counts["step"]));
        var status = await engine.GetStatusAsync("A", Cancel);
        Assert.Equal((WorkflowState.Success, 1), (status!.State, status.RecoveryAttempts));
    }

    [Fact]
    public async Task A_second_start_of_a_running_id_attaches()
    {
        var counts = new Counts();
        var gate = new Probe();
        var workflow = Workflow.Define<int, int>("gated", Body);
        var engine = await LaunchAsync(workflow);

        var first = await engine.StartAsync(workflow, 1, new() { Id = "A" }, Cancel);
        await gate.ReachedAsync();
        var second = await engine.StartAsync(workflow, 2, new() { Id = "A" }, Cancel);
        gate.Open();

        Assert.Equal(1, await first.GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(1, await second.GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(1, counts["body"]);
        var status = await engine.GetStatusAsync("A", Cancel);
        Assert.Equal((WorkflowState.Success, 1, "1"), (status!.State, status.RecoveryAttempts, status.Input));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            counts.Add("body");
            yield return Step.Run("wait", async _ => await gate.PassAsync());
            yield return input;
        }
    }

    [Fact]
    public async Task The_same_id_for_another_definition_is_refused()
    {
        var one = AddOne(new Counts());
        var other = Workflow.Define<int, int>("other", Nothing);
        var engine = await LaunchAsync(one, other);
        await (await engine.StartAsync(one, 1, new() { Id = "A" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);

        var refused = await Assert.ThrowsAsync<ConflictingWorkflowException>(() => engine.StartAsync(other, 1, new() { Id = "A" }, Cancel));

        Assert.Equal(("A", "other", "add one"), (refused.WorkflowId, refused.StartedName, refused.ExistingName));
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Fact]
    public async Task The_same_id_for_another_definition_disturbs_nothing_while_the_first_runs()
    {
        var gate = new Probe();
        var counts = new Counts();
        var first = Workflow.Define<Unit, int>("first").Step("wait", _ => gate.PassAsync()).Return(_ => 1);
        var second = Workflow.Define<Unit, int>("second").Return(_ => counts.Add("second"));
        var engine = await LaunchAsync(first, second);
        var handle = await engine.StartAsync(first, default, new() { Id = "A" }, Cancel);
        await gate.ReachedAsync();

        await Assert.ThrowsAsync<ConflictingWorkflowException>(() => engine.StartAsync(second, default, new() { Id = "A" }, Cancel));
        gate.Open();

        Assert.Equal(1, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(0, counts["second"]);
        Assert.Equal("first", (await engine.GetStatusAsync("A", Cancel))!.Name);
    }

    [Fact]
    public async Task An_id_in_use_is_refused_where_the_start_asks_for_it()
    {
        var workflow = AddOne(new Counts());
        var engine = await LaunchAsync(workflow);
        await (await engine.StartAsync(workflow, 1, new() { Id = "A" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit);

        var refused = await Assert.ThrowsAsync<WorkflowIdInUseException>(
            () => engine.StartAsync(workflow, 1, new() { Id = "A", IdReuse = IdReuse.Reject }, Cancel));

        Assert.Equal(("A", WorkflowState.Success), (refused.WorkflowId, refused.State));
    }

    [Fact]
    public async Task A_recorded_null_is_a_result()
    {
        var counts = new Counts();
        var workflow = Workflow.Define<Unit, string?>("null", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Null(
            await (await engine.StartAsync(workflow, default, new() { Id = "A" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Null(await engine.Retrieve<string?>("A").GetResultAsync(Cancel).Within(Bounded.Limit));

        Assert.Equal((2, 1), (counts["body"], counts["step"]));
        Assert.Equal(2, (await engine.GetStatusAsync("A", Cancel))!.RecoveryAttempts);

        async IAsyncEnumerable<StepOr<string?>> Body(Unit input, WorkflowContext workflow)
        {
            counts.Add("body");
            yield return Step.Run<string?>("null step", _ => Task.FromResult(counts.Add<string?>("step", null))).As(out var step);
            yield return step.Result;
        }
    }

    private static WorkflowDefinition<int, int> FluentAddOne(Counts counts) => Workflow.Define<int, int>("add one")
        .If(_ => counts.Add("body") == 0, never => never)
        .Step("add", x => Task.FromResult(counts.Add("step", x.Input + 1))).As(out var sum)
        .Return(x => x.Get(sum));

    private static WorkflowDefinition<int, int> AddOne(Counts counts)
    {
        return Workflow.Define<int, int>("add one", Body);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            counts.Add("body");
            yield return Step.Run("add", _ => Task.FromResult(counts.Add("step", input + 1))).As(out var sum);
            yield return sum.Result;
        }
    }

    private static async IAsyncEnumerable<StepOr<int>> Nothing(int input, WorkflowContext workflow)
    {
        yield return input;
    }
}
