namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Waiting for the first of several workflows to end. Scenario CH-06.</summary>
public abstract class AwaitAnySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private Func<string, WorkflowHandle<int>> handleOf = null!;
    private readonly Probe[] gates = [new(), new(), new()];

    [Fact]
    public async Task The_first_to_end_is_recorded_by_its_id_and_a_replay_does_not_ask_again()
    {
        var (parent, child) = Family();
        var engine = await LaunchAsync(parent, child);
        handleOf = engine.Retrieve<int>;
        var handle = await engine.BeginAsync(parent, default, "P");
        foreach (var gate in gates)
        {
            await gate.ReachedAsync();
        }

        gates[2].Open();
        Assert.Equal("2 of P-2", await handle.ResultAsync());
        Assert.Equal("0 child, 1 child, 2 child, 3 DBOS.waitFirst, 4 DBOS.getResult", await engine.StepsAsync("P"));
        Assert.Equal("\"P-2\"", (await engine.GetHistoryAsync("P", Cancel)).Checkpoints[3].Output);
        var stored = await Database.StoredStepsAsync("P");

        // By now all have ended, and asked again it would be the first.
        gates[0].Open();
        gates[1].Open();
        await engine.ResultAsync<int>("P-0");
        await engine.ResultAsync<int>("P-1");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);

        Assert.Equal("2 of P-2", await engine.ResultAsync<string>("P"));
        Assert.Equal(stored, await Database.StoredStepsAsync("P"));
    }

    [Fact]
    public async Task Children_are_taken_in_the_order_in_which_they_end_and_a_replay_takes_them_in_the_same()
    {
        const int Children = 5;
        var gates = Enumerable.Range(0, Children).Select(_ => new Probe()).ToArray();
        var child = Workflow.Define<int, int>("child")
            .Step("wait", x => gates[x.Input].PassAsync(x.CancellationToken)).Return(x => x.Input);
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        for (var last = Children - 1; last >= 0; last--)
        {
            await gates[last].ReachedAsync();
            gates[last].Open();
            await engine.ResultAsync<int>($"P-{last}");
            await Eventually.TrueAsync(async () => await CheckpointCountAsync("P") == Children + (2 * (Children - last)), Bounded.Limit);
        }

        Assert.Equal("4 3 2 1 0", await handle.ResultAsync());
        var stored = await Database.StoredStepsAsync("P");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);
        Assert.Equal("4 3 2 1 0", await engine.ResultAsync<string>("P"));
        Assert.Equal(stored, await Database.StoredStepsAsync("P"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [.. Enumerable.Range(0, Children)]).As(out var started);
            var (left, ended) = (started.Result.ToList(), new List<int>());
            while (left.Count > 0)
            {
                yield return Step.AwaitAny(left).As(out var first);
                yield return Step.Await(left[first.Result]).As(out var result);
                left.RemoveAt(first.Result);
                ended.Add(result.Result);
            }

            yield return string.Join(' ', ended);
        }
    }

    [Fact]
    public async Task Of_several_that_have_ended_the_first_in_the_list_counts()
    {
        var quick = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var workflow = Workflow.Define<Unit, string>("looks", Body);
        var engine = await LaunchAsync(workflow, quick);
        handleOf = engine.Retrieve<int>;
        for (var i = 0; i < 20; i++)
        {
            await engine.RunAsync(quick, i, $"Q{i}");
        }

        for (var round = 0; round < 10; round++)
        {
            Assert.Equal("0,0,0", await engine.RunAsync(workflow, default, $"A{round}"));
        }

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var won = new List<int>();
            foreach (var order in (IEnumerable<int>[])[Enumerable.Range(0, 20), Enumerable.Range(0, 20).Reverse(), [7, 3, 11]])
            {
                yield return Step.AwaitAny([.. order.Select(i => handleOf($"Q{i}"))]).As(out var winner);
                won.Add(winner.Result);
            }

            yield return string.Join(',', won);
        }
    }

    [Fact]
    public async Task One_that_has_ended_wins_over_those_that_run()
    {
        var (parent, child) = Family();
        var quick = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var workflow = Workflow.Define<Unit, int>("mixed", Body);
        var engine = await LaunchAsync(workflow, parent, child, quick);
        handleOf = engine.Retrieve<int>;
        await engine.BeginAsync(child, 0, "running");
        await engine.RunAsync(quick, 1, "ended");

        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.AwaitAny([handleOf("running"), handleOf("ended")]).As(out var winner);
            yield return winner.Result;
        }
    }

    [Fact]
    public async Task One_that_failed_or_was_cancelled_has_ended_too()
    {
        var (_, child) = Family();
        var failing = Workflow.Define<int, int>("failing").Fail(_ => new TimeoutException("as asked")).Return(x => x.Input);
        var workflow = Workflow.Define<string, int>("awaits", Body);
        var engine = await LaunchAsync(workflow, child, failing);
        handleOf = engine.Retrieve<int>;
        await engine.BeginAsync(child, 0, "running");
        await engine.BeginAsync(child, 1, "cancelled");
        await engine.CancelAsync("cancelled", cancellationToken: Cancel);
        await (await engine.BeginAsync(failing, 1, "failed")).FailureAsync();

        Assert.Equal(1, await engine.RunAsync(workflow, "failed", "A"));
        Assert.Equal(1, await engine.RunAsync(workflow, "cancelled", "B"));

        async IAsyncEnumerable<StepOr<int>> Body(string id, WorkflowContext workflow)
        {
            yield return Step.AwaitAny([handleOf("running"), handleOf(id)]).As(out var winner);
            yield return winner.Result;
        }
    }

    [Fact]
    public async Task A_crash_before_anyone_ended_waits_again()
    {
        var (parent, child) = Family();
        var engine = await LaunchAsync(parent, child);
        handleOf = engine.Retrieve<int>;
        await engine.BeginAsync(parent, default, "P");
        await gates[1].ReachedAsync();

        engine = await RelaunchAsync(engine, parent, child);
        gates[1].Open();

        Assert.Equal("1 of P-1", await engine.ResultAsync<string>("P"));
    }

    [Fact]
    public async Task A_recorded_winner_that_the_code_does_not_list_is_another_step()
    {
        var quick = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var awaited = "Q1";
        var workflow = Workflow.Define<Unit, int>("changed", Body);
        var engine = await LaunchAsync(workflow, quick);
        handleOf = engine.Retrieve<int>;
        await engine.RunAsync(quick, 1, "Q1");
        await engine.RunAsync(workflow, default, "A");

        awaited = "Q2";
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, quick);

        await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<int>("A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.AwaitAny([handleOf(awaited)]).As(out var winner);
            yield return winner.Result;
        }
    }

    // A parent of three children that wait at the gates, and what it says of the first to end.
    private (WorkflowDefinition<Unit, string> Parent, WorkflowDefinition<int, int> Child) Family()
    {
        var child = Workflow.Define<int, int>("child")
            .Step("at the gate", x => gates[x.Input].PassAsync(x.CancellationToken)).Return(x => x.Input);
        return (Workflow.Define<Unit, string>("parent", Body), child);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [0, 1, 2]).As(out var handles);
            yield return Step.AwaitAny(handles.Result).As(out var winner);
            yield return Step.Await(handles.Result[winner.Result]).As(out var result);
            yield return $"{result.Result} of {handles.Result[winner.Result].Id}";
        }
    }
}
