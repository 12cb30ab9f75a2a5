namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Step.Any on a replay: the row that names the winner is looked at first, and the body sees what it saw before.</summary>
public abstract class AnyReplaySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();
    private readonly ManualTimeProvider time = new();

    [Fact]
    public async Task A_replay_restores_the_winner_alone_and_runs_nothing()
    {
        var workflow = Workflow.Define<Unit, string>("replayed", Body);
        var engine = await LaunchAsync(workflow);
        var first = await engine.RunAsync(workflow, default, "A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        Assert.StartsWith("1 quick, before, ", first);
        Assert.Equal((1, 1), (counts["slow"], counts["quick"]));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var slowIsHere = new TaskCompletionSource();
            var slow = Step.Run("slow", async s =>
            {
                counts.Add("slow");
                slowIsHere.SetResult();
                await new TaskCompletionSource().Task.WaitAsync(s);
                return "slow";
            });
            var quick = Step.Run("quick", async _ =>
            {
                await slowIsHere.Task;
                return counts.Add("quick", "quick");
            });
            yield return Step.Any(slow, quick).As(out var winner);
            yield return $"{winner.Result} {quick.Result}, {Unread(slow)}, {workflow.UtcNow:O}, {workflow.NewGuid()}";
        }
    }

    // The loser's receive would stand before it in the line for the topic, and would never take a message.
    [Fact]
    public async Task A_receive_beside_a_race_that_is_decided_gets_its_message_after_a_replay()
    {
        var workflow = Workflow.Define<Unit, int>("approval", Body);
        var engine = await LaunchAsync(
            options => (options.TimeProvider, options.UnloadAfter) = (time, TimeSpan.Zero), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await Parkable.ParkedAsync(engine, "A");

        time.Advance(TimeSpan.FromHours(1));
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE function_name = 'Dbos.Fluent.any'") == 1,
            Bounded.Limit,
            "the race is decided");
        await Parkable.ParkedAsync(engine, "A");
        await engine.SendAsync("A", 7, "t", cancellationToken: Cancel);

        Assert.Equal(7, await handle.ResultAsync());

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(
                Step.Any(Step.Sleep(TimeSpan.FromHours(1)), Step.Receive<int>("t", TimeSpan.FromDays(1))),
                Step.Receive<int>("t", TimeSpan.FromDays(1)).As(out var another));
            yield return another.Result.Value;
        }
    }

    [Fact]
    public async Task The_row_that_names_the_winner_counts_although_the_winners_own_is_gone()
    {
        var workflow = Racing.Of(Form.Iterator, () => [Counted("S0"), Step.Run("S1", async s =>
        {
            counts.Add("S1");
            await new TaskCompletionSource().Task.WaitAsync(s);
        })]);
        var engine = await LaunchAsync(workflow);
        Assert.Equal(0, await engine.RunAsync(workflow, default, "A"));
        var raced = counts["S1"];

        await Database.ForgetAsync("A", 0);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal(0, await engine.ResultAsync<int>("A"));
        Assert.Equal((2, raced), (counts["S0"], counts["S1"]));
        Assert.Equal("0 S0, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_recorded_winner_that_the_code_does_not_have_is_another_step()
    {
        var two = Racing.Of(Form.Iterator, () => [Racing.Endless("S0"), Racing.Quick("S1")]);
        var engine = await LaunchAsync(two);
        Assert.Equal(1, await engine.RunAsync(two, default, "A"));
        await Database.ExecuteAsync("UPDATE operation_outputs SET output = '2' WHERE function_name = 'Dbos.Fluent.any'");
        var before = await Database.StoredStepsAsync("A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], two);

        var unexpected = await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<int>("A"));
        Assert.Equal(2, unexpected.Sequence);
        Assert.Equal(before, await Database.StoredStepsAsync("A"));
    }

    [Fact]
    public async Task A_race_with_another_list_of_members_is_another_step_and_none_of_them_runs()
    {
        var workflow = Racing.Of(Form.Iterator, () => [Racing.Endless("S0"), Racing.Quick("S1")]);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");

        engine = await FlipAndRelaunchAsync(
            engine, ["A"], Racing.Of(Form.Iterator, () => [Counted("new"), Racing.Endless("S0"), Racing.Quick("S1")]));

        await Assert.ThrowsAsync<UnexpectedStepException>(() => engine.ResultAsync<int>("A"));
        Assert.Equal(0, counts["new"]);
    }

    [Fact]
    public async Task A_sleep_that_ends_while_the_winner_is_being_written_does_not_move_the_clock()
    {
        var notes = new CommitNotes();
        var hold = notes.Hold("quick");
        var slept = new Probe();
        var workflow = Workflow.Define<Unit, string>("clock", Body);
        var engine = await LaunchAsync(Configure, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 1, Bounded.Limit);
        slept.Open();
        await hold.ReachedAsync();
        time.Advance(TimeSpan.FromSeconds(5));
        hold.Open();
        var first = await handle.ResultAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        engine = await LaunchAsync(Configure, workflow);

        Assert.Equal(first, await engine.ResultAsync<string>("A"));

        void Configure(EngineOptions options)
        {
            notes.Wrap(options);
            options.TimeProvider = time;
        }

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Any(Step.Sleep(TimeSpan.FromSeconds(5)), Racing.At(slept, "quick"));
            yield return $"{workflow.UtcNow:O}";
        }
    }

    [Fact]
    public async Task What_a_losing_group_had_done_by_then_is_undone_on_a_replay_as_on_the_first_run()
    {
        var workflow = Workflow.Define<Unit, string>("undone", Body);
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        const string Steps =
            "0 part, 2 winner, 3 Dbos.Fluent.any, 4 Dbos.Fluent.compensating failed, 5 winner.compensate, 6 part.compensate";
        Assert.Equal(Steps, await engine.StepsAsync("A"));

        await Database.ForgetFromAsync("A", 6);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("too late", (await engine.Retrieve<string>("A").FailureAsync()).Message);
        Assert.Equal(Steps, await engine.StepsAsync("A"));
        Assert.Equal((2, 1), (counts["undo part"], counts["undo winner"]));

        await Database.ForgetFromAsync("A", 4);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        await engine.Retrieve<string>("A").FailureAsync();
        Assert.Equal(Steps, await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var part = Racing.Quick("part").CompensateWith(async (_, result) => counts.Add("undo " + result));
            var winner = Step.Run("winner", _ => RecordedAsync("A")).CompensateWith(async _ => counts.Add("undo winner"));
            yield return Step.Any(Step.All(part, Racing.Endless("other")), winner);
            throw new TimeoutException("too late");
        }
    }

    [Fact]
    public async Task A_tolerated_failure_inside_a_race_keeps_no_sibling_of_the_race_from_going_on()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, string>("siblings", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 2, Bounded.Limit);

        engine = await RelaunchAsync(engine, workflow);
        gate.Open();

        Assert.Equal("1", await engine.ResultAsync<string>("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var fails = Step.Run<int>("fails", async _ => throw new InvalidOperationException("as asked")).Try(out _);
            yield return Step.All(Step.Any(Racing.Endless("slow"), fails).As(out var winner), Racing.At(gate, "beside"));
            yield return $"{winner.Result}";
        }
    }

    private RunStep<string> Counted(string name) => Step.Run(name, _ => Task.FromResult(counts.Add(name, name)));

    private Task RecordedAsync(string id) =>
        Eventually.TrueAsync(async () => await CheckpointCountAsync(id) > 0, Bounded.Limit, "something is recorded");

    private static string Unread(Step<string> step)
    {
        try
        {
            return step.Result;
        }
        catch (InvalidOperationException exception) when (exception.Message.Contains("before"))
        {
            return "before";
        }
    }
}
