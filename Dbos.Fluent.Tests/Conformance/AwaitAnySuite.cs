namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Waiting for the first of several workflows to end. Scenario CH-06.</summary>
public abstract class AwaitAnySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int Children = 5;

    private readonly Probe[] gates = [new(), new(), new(), new(), new()];
    private readonly Counts counts = new();
    private Func<string, WorkflowHandle<int>> handleOf = null!;

    [Fact]
    public async Task The_first_to_end_is_recorded_by_its_id_and_a_replay_does_not_ask_again()
    {
        var (parent, child) = Family();
        var engine = await LaunchAsync(parent, child);
        handleOf = engine.Retrieve<int>;
        var handle = await engine.BeginAsync(parent, default, "P");
        foreach (var gate in gates[..3])
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
    public async Task Children_are_taken_in_the_order_in_which_they_end_and_a_replay_or_a_fork_takes_them_in_the_same()
    {
        var (parent, child) = Taking();
        var engine = await LaunchAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        for (var last = Children - 1; last >= 0; last--)
        {
            await TakenAsync(engine, last, Children - last);
        }

        Assert.Equal("4 3 2 1 0", await handle.ResultAsync());
        var stored = await Database.StoredStepsAsync("P");
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);
        Assert.Equal("4 3 2 1 0", await engine.ResultAsync<string>("P"));
        Assert.Equal(stored, await Database.StoredStepsAsync("P"));

        // What a fork has copied is not asked again; what it asks anew has all ended, and the first in the list counts.
        var lastWait = Children + (2 * (Children - 1));
        await engine.ForkAsync("P", lastWait, new() { Id = "F" }, Cancel);
        await engine.ForkAsync("P", lastWait - 4, new() { Id = "G" }, Cancel);
        Assert.Equal(("4 3 2 1 0", "4 3 0 1 2"), (await engine.ResultAsync<string>("F"), await engine.ResultAsync<string>("G")));
        Assert.Equal(
            "\"P-4\" \"P-3\" \"P-2\" \"P-1\" \"P-0\"",
            string.Join(' ', (await engine.GetHistoryAsync("F", Cancel)).Checkpoints
                .Where(row => row.Name == "DBOS.waitFirst").Select(row => row.Output)));
        Assert.Equal(Children, counts["child"]);
    }

    // When the parent's process dies one has ended without a row that says so, or with a row but without its result; three others run.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_crash_between_two_takes_loses_no_child_and_takes_none_twice(int rowsOfTaken)
    {
        var (parent, child) = Taking();
        var engine = await LaunchAsync(parent, child);
        await engine.BeginAsync(parent, default, "P");
        await TakenAsync(engine, 3, 1);
        await TakenAsync(engine, 1, 2);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ForgetFromAsync("P", Children + rowsOfTaken);

        engine = await LaunchAsync(parent, child);
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("P") == Children + 4, Bounded.Limit);
        await TakenAsync(engine, 4, 3);
        await TakenAsync(engine, 0, 4);
        await TakenAsync(engine, 2, 5);

        Assert.Equal("3 1 4 0 2", await engine.ResultAsync<string>("P"));
        Assert.Equal(6, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_is_delayed_or_waits_in_a_queue_has_not_ended(bool leavesMemory)
    {
        var time = new ManualTimeProvider();
        var child = Workflow.Define<int, int>("child").Step("count", _ => Task.FromResult(counts.Add("child"))).Return(x => x.Input);
        var parent = Workflow.Define<Unit, string>("parent", Body);
        var engine = await LaunchAsync(
            options => (options.TimeProvider, options.UnloadAfter) = (time, leavesMemory ? TimeSpan.Zero : Timeout.InfiniteTimeSpan),
            parent,
            child);
        var handle = await engine.BeginAsync(parent, default, "P");
        await Eventually.TrueAsync(
            async () => leavesMemory ? (await engine.GetStatusAsync("P", Cancel))!.Parked : engine.Core.Wakeups.Outcomes.Count == 3,
            Bounded.Limit,
            "it waits");
        Assert.Equal((3, 0), (await CheckpointCountAsync("P"), counts["child"]));

        time.Advance(TimeSpan.FromHours(1));
        await engine.Queues.RegisterAsync(new WorkflowQueue("later"), cancellationToken: Cancel);

        Assert.Equal("1 0,1,2", await handle.ResultAsync());

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, [0, 1, 2], i => i switch
            {
                0 => new() { Delay = TimeSpan.FromHours(2) },
                1 => new() { Delay = TimeSpan.FromHours(1) },
                _ => new() { Queue = "later", Delay = TimeSpan.FromHours(2) },
            }).As(out var handles);
            yield return Step.AwaitAny(handles.Result).As(out var winner);
            yield return Step.Run("advance", _ => Task.Run(() => time.Advance(TimeSpan.FromHours(1))));
            yield return Step.AwaitAll(handles.Result).As(out var all);
            yield return $"{winner.Result} {string.Join(',', all.Result)}";
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

    // Lets a child end, and waits until the parent has taken it and recorded that.
    private async Task TakenAsync(WorkflowEngine engine, int number, int taken)
    {
        await gates[number].ReachedAsync();
        gates[number].Open();
        await Eventually.TrueAsync(
            async () => await CheckpointCountAsync("P") == Children + (2 * taken), Bounded.Limit, $"{number} is taken");
        Assert.Equal(number, await engine.ResultAsync<int>($"P-{number}"));
    }

    // A parent that takes the results of its children in the order in which they end.
    private (WorkflowDefinition<Unit, string> Parent, WorkflowDefinition<int, int> Child) Taking()
    {
        var child = Workflow.Define<int, int>("child").Step("begin", _ => Task.FromResult(counts.Add("child")))
            .Step("wait", x => gates[x.Input].PassAsync(x.CancellationToken)).Return(x => x.Input);
        return (Workflow.Define<Unit, string>("parent", Body), child);

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
