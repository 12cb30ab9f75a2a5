namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Many children at once: started and awaited in groups, found again on a replay. Scenarios CH.</summary>
public abstract class ChildGroupSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task Children_started_and_awaited_in_groups_are_found_again_on_a_replay()
    {
        var counts = new Counts();
        var child = Workflow.Define<int, int>("child")
            .Step("S", x => Task.FromResult(counts.Add("S", x.Input + 1))).As(out var s).Return(x => x.Get(s));
        var parent = Workflow.Define<int, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        Assert.Equal("P-0,P-1,P-2 1,2,3", await engine.RunAsync(parent, 3, "P"));

        await Database.ForgetAsync("P", 4);
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);

        Assert.Equal("P-0,P-1,P-2 1,2,3", await engine.ResultAsync<string>("P"));
        Assert.Equal(3, counts["S"]);
        Assert.Equal(
            "0 child, 1 child, 2 child, 3 DBOS.getResult, 4 DBOS.getResult, 5 DBOS.getResult", await engine.StepsAsync("P"));

        async IAsyncEnumerable<StepOr<string>> Body(int count, WorkflowContext workflow)
        {
            yield return Step.All(Enumerable.Range(0, count).Select(i => Step.Start(child, i))).As(out var started);
            yield return Step.All(started.Result.Select(handle => Step.Await(handle))).As(out var results);
            yield return $"{string.Join(',', started.Result.Select(handle => handle.Id))} {string.Join(',', results.Result)}";
        }
    }

    [Fact]
    public async Task A_parent_of_many_waiting_children_goes_on_when_they_end()
    {
        const int Count = 100;
        var here = new Meeting(Count);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var child = Workflow.Define<int, int>("child", Child);
        var parent = Workflow.Define<int, int>("parent")
            .Then(x => Step.All(Enumerable.Range(0, x.Input).Select(i => (Step<int>)Step.Call(child, i)))).As(out var all)
            .Return(x => x.Get(all).Sum());
        var engine = await LaunchAsync(parent, child);

        var handle = await engine.BeginAsync(parent, Count, "P");
        await here.AllAreHere.Within(Bounded.Limit);
        gate.SetResult();

        Assert.Equal(Count * (Count - 1) / 2, await handle.ResultAsync());
        Assert.Equal(2 * Count, await CheckpointCountAsync("P"));

        async IAsyncEnumerable<StepOr<int>> Child(int input, WorkflowContext workflow)
        {
            yield return Step.Run("wait", async s =>
            {
                here.Arrive();
                await gate.Task.WaitAsync(s);
            });
            yield return input;
        }
    }
}
