namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Changes of code that runs. Scenario VP-03.</summary>
public abstract class PatchSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task New_runs_go_the_new_way_with_a_marker_and_old_histories_the_old_way_without(Form form)
    {
        var before = Old();
        var engine = await LaunchAsync(before);
        await engine.RunAsync(before, 1, "begun");
        await engine.RunAsync(before, 1, "not begun");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ForgetFromAsync("begun", 1);
        await Database.ForgetFromAsync("not begun", 0);
        await Database.FlipAsync("begun");
        await Database.FlipAsync("not begun");

        var after = New(form);
        engine = await LaunchAsync(after);

        Assert.Equal("S1 S2", await engine.ResultAsync<string>("begun"));
        Assert.Equal("0 S1, 1 S2", await engine.StepsAsync("begun"));
        Assert.Equal("S3 S2", await engine.ResultAsync<string>("not begun"));
        Assert.Equal("S3 S2", await engine.RunAsync(after, 1, "new"));
        Assert.Equal("0 DBOS.patch-v2, 1 S3, 2 S2", await engine.StepsAsync("new"));
        var marker = Assert.Single(await Database.QueryAsync(
            "SELECT output, error, serialization, child_workflow_id FROM operation_outputs "
            + "WHERE workflow_uuid = 'new' AND function_id = 0"));
        Assert.All(marker, Assert.Null);

        // A replay finds the marker, wherever it was cut.
        for (var cut = 3; cut >= 1; cut--)
        {
            await Database.ForgetFromAsync("new", cut);
            engine = await FlipAndRelaunchAsync(engine, ["new", "begun"], after);
            Assert.Equal("S3 S2", await engine.ResultAsync<string>("new"));
            Assert.Equal("0 DBOS.patch-v2, 1 S3, 2 S2", await engine.StepsAsync("new"));
            Assert.Equal("S1 S2", await engine.ResultAsync<string>("begun"));
        }

        // Then the old way goes from the code, and at last the marker goes from new histories.
        var settled = Settled(form);
        engine = await FlipAndRelaunchAsync(engine, ["new"], settled);
        Assert.Equal("S3 S2", await engine.ResultAsync<string>("new"));
        Assert.Equal("S3 S2", await engine.RunAsync(settled, 1, "newer"));
        Assert.Equal("0 S3, 1 S2", await engine.StepsAsync("newer"));

        // And code without the patch and the deprecation refuses what still holds the marker.
        engine = await FlipAndRelaunchAsync(engine, ["new"], before);
        var refused = await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<string>("new"));
        Assert.Equal(("S1", "DBOS.patch-v2"), (refused.ExpectedStep, refused.RecordedStep));
    }

    // What is copied decides, not the code that wrote it: the marker goes along, and where an old history is copied none comes in.
    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task Forks_go_the_way_of_the_history_they_copy(Form form)
    {
        var before = Old();
        var engine = await LaunchAsync(before);
        await engine.RunAsync(before, 1, "old");
        var after = New(form);
        engine = await RelaunchAsync(engine, after);
        await engine.RunAsync(after, 1, "new");
        const string OldWay = "S1 S2: 0 S1, 1 S2";
        const string NewWay = "S3 S2: 0 DBOS.patch-v2, 1 S3, 2 S2";

        Assert.Equal([NewWay, NewWay, NewWay, NewWay], await ForksAsync("new", 3));
        Assert.Equal([NewWay, OldWay, OldWay], await ForksAsync("old", 2));

        // A fork of a fork, and one of what was rewound, are no different.
        Assert.Equal(OldWay, await ForkAsync("old from 1", 2));
        Assert.Equal(NewWay, await ForkAsync("new from 2", 1));
        await engine.RewindAsync("old", 1, Cancel);
        Assert.Equal("S1 S2", await engine.ResultAsync<string>("old"));
        Assert.Equal("0 S1, 1 S2", await engine.StepsAsync("old"));
        await engine.RewindAsync("old", 0, Cancel);
        Assert.Equal("S3 S2", await engine.ResultAsync<string>("old"));

        async Task<string[]> ForksAsync(string id, int last)
        {
            var forks = new List<string>();
            for (var from = 0; from <= last; from++)
            {
                forks.Add(await ForkAsync(id, from));
            }

            return [.. forks];
        }

        async Task<string> ForkAsync(string id, int from)
        {
            var fork = await engine.ForkAsync(id, from, new() { Id = $"{id} from {from}" }, Cancel);
            return $"{await engine.ResultAsync<string>(fork)}: {await engine.StepsAsync(fork)}";
        }
    }

    [Fact]
    public async Task An_old_history_in_which_the_next_number_is_free_goes_the_old_way()
    {
        var never = new Probe();
        var patched = false;
        var workflow = Workflow.Define<int, int>("racing", Body);
        var engine = await LaunchAsync(workflow);
        Assert.Equal(1, await engine.RunAsync(workflow, 1, "A"));
        Assert.Equal("1 fast, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));

        patched = true;
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal(1, await engine.ResultAsync<int>("A"));
        Assert.Equal("1 fast, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));
        Assert.Equal(101, await engine.RunAsync(workflow, 1, "B"));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext workflow)
        {
            var more = 0;
            if (patched)
            {
                yield return Step.Patch("later").As(out var later);
                more = later.Result ? 100 : 0;
            }

            var slow = Step.Run("slow", async step => await never.PassAsync(step));
            yield return Step.Any(slow, Step.Run("fast", async _ => { })).As(out var first);
            yield return first.Result + more;
        }
    }

    [Fact]
    public async Task Branches_may_be_patched_and_groups_may_not()
    {
        var workflow = Workflow.Define<int, string>("branches")
            .Parallel(
                ("a", a => a.Patch("p", now => now.Step("a1", _ => Task.CompletedTask)).Step("a2", _ => Task.CompletedTask)),
                ("b", b => b.Step("b1", _ => Task.CompletedTask)))
            .Return(x => "done");
        var grouped = Workflow.Define<int, int>("grouped", Grouped);
        var engine = await LaunchAsync(workflow, grouped);

        Assert.Equal("done", await engine.RunAsync(workflow, 1, "A"));
        Assert.Equal("0 DBOS.patch-p, 1 b1, 2 a1, 4 a2", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, grouped);
        Assert.Equal("done", await engine.ResultAsync<string>("A"));
        var failure = await (await engine.BeginAsync(grouped, 1, "B")).FailureAsync();
        Assert.True(failure.Is<InvalidOperationException>());
        Assert.Contains("DBOS.patch-p was given to All as a member", failure.Message);
        Assert.Empty(await engine.StepsAsync("B"));

        static async IAsyncEnumerable<StepOr<int>> Grouped(int input, WorkflowContext workflow)
        {
            yield return Step.All(Step.Run("s", async _ => input == 1), Step.Patch("p"));
        }
    }

    private static WorkflowDefinition<int, string> Old() => Workflow.Define<int, string>("patched", Unpatched);

    private static WorkflowDefinition<int, string> New(Form form)
    {
        ResultOf<string>? third = null;
        return form.Pick(
            Workflow.Define<int, string>("patched", Patched),
            Workflow.Define<int, string>("patched")
                .Patch(
                    "v2",
                    now => now.Step("S3", _ => Task.FromResult("S3")).As(out third),
                    then => then
                        .Step("S1", _ => Task.FromResult("S1")).As(out var first)
                        .Then(_ => Step.Run("S2", async _ => "S2")).As(out var last)
                        .ReturnEarly(x => $"{x.Get(first)} {x.Get(last)}"))
                .Step("S2", _ => Task.FromResult("S2")).As(out var second)
                .Return(x => $"{x.Get(third!)} {x.Get(second)}"));
    }

    private static WorkflowDefinition<int, string> Settled(Form form) => form.Pick(
        Workflow.Define<int, string>("patched", Deprecated),
        Workflow.Define<int, string>("patched")
            .Then(_ => Step.DeprecatePatch("v2"))
            .Step("S3", _ => Task.FromResult("S3")).As(out var third)
            .Step("S2", _ => Task.FromResult("S2")).As(out var second)
            .Return(x => $"{x.Get(third)} {x.Get(second)}"));

    private static async IAsyncEnumerable<StepOr<string>> Unpatched(int input, WorkflowContext workflow)
    {
        yield return Step.Run("S1", async _ => "S1").As(out var one);
        yield return Step.Run("S2", async _ => "S2").As(out var two);
        yield return $"{one.Result} {two.Result}";
    }

    private static async IAsyncEnumerable<StepOr<string>> Patched(int input, WorkflowContext workflow)
    {
        yield return Step.Patch("v2").As(out var patch);
        var step = patch.Result ? Step.Run("S3", async _ => "S3") : Step.Run("S1", async _ => "S1");
        yield return step;
        yield return Step.Run("S2", async _ => "S2").As(out var two);
        yield return $"{step.Result} {two.Result}";
    }

    private static async IAsyncEnumerable<StepOr<string>> Deprecated(int input, WorkflowContext workflow)
    {
        yield return Step.DeprecatePatch("v2");
        yield return Step.Run("S3", async _ => "S3").As(out var three);
        yield return Step.Run("S2", async _ => "S2").As(out var two);
        yield return $"{three.Result} {two.Result}";
    }
}
