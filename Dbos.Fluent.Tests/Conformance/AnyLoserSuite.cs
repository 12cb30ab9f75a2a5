namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What a body sees of the members of a race that did not win: what they had stored by then, on each run the same.</summary>
public abstract class AnyLoserSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task What_a_losing_group_had_done_by_then_can_be_read_and_nothing_else_of_it()
    {
        var workflow = Workflow.Define<Unit, string>("parts", Body);
        var engine = await LaunchAsync(workflow);
        var first = await engine.RunAsync(workflow, default, "A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("1 part, True, False, slept False, inner False", first[..first.IndexOf(" at ", StringComparison.Ordinal)]);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        Assert.Equal("0 part, 1 DBOS.sleep, 3 winner, 4 Dbos.Fluent.any", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var part = Racing.Quick("part");
            var other = Racing.Endless("other");
            var slept = Step.Sleep(TimeSpan.Zero);
            var inner = Step.All(part, slept);
            yield return Step.Any(Step.All(inner, other), Step.Run("winner", _ => RecordedAsync("A", 2))).As(out var winner);
            yield return $"{winner.Result} {part.Result}, {part.Succeeded}, {other.Succeeded}, slept {slept.Succeeded}, "
                + $"inner {inner.Succeeded} at {workflow.UtcNow:O}";
        }
    }

    // Both approvals are needed within the hour: who has given the first must not be asked again.
    [Fact]
    public async Task A_message_that_a_losing_group_has_received_is_not_lost()
    {
        var workflow = Workflow.Define<Unit, string>("approvals", Body);
        var time = new ManualTimeProvider();
        var engine = await LaunchAsync(Parked, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await engine.SendAsync("A", "yes", "legal", cancellationToken: Cancel).Within(Bounded.Limit);
        await Eventually.TrueAsync(async () => await Database.CountAsync(Received) == 1, Bounded.Limit, "the message is taken");
        await Parkable.ParkedAsync(engine, "A");

        time.Advance(Hour);
        Assert.Equal("1: yes and nothing", await handle.ResultAsync());

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        engine = await LaunchAsync(Parked, workflow);
        Assert.Equal("1: yes and nothing", await engine.ResultAsync<string>("A"));

        void Parked(EngineOptions options) => (options.TimeProvider, options.UnloadAfter) = (time, TimeSpan.Zero);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Any(
                Step.All(Step.Receive<string>("legal").As(out var legal), Step.Receive<string>("finance").As(out var finance)),
                Step.Sleep(Hour)).As(out var first);
            yield return $"{first.Result}: {Said(legal)} and {Said(finance)}";
        }
    }

    [Fact]
    public async Task A_failure_that_a_losing_group_tolerated_and_a_child_it_started_can_be_read()
    {
        var child = Workflow.Define<Unit, string>("child").Return(_ => "of the child");
        var workflow = Workflow.Define<Unit, string>("kinds", Body);
        var engine = await LaunchAsync(workflow, child);
        var first = await engine.RunAsync(workflow, default, "A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, child);

        Assert.Equal("1: as asked, A-1, of the child, inner race 1", first);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var fails = Step.Run<int>("fails", async _ => throw new InvalidOperationException("as asked")).Try(out _);
            var start = Step.Start(child, default);
            var call = Step.Call(child, default);
            var race = Step.Any(Step.Sleep(Hour), Step.Sleep(TimeSpan.Zero));
            yield return Step.Any(
                Step.All(fails, start, call, race, Racing.Endless("other")),
                Step.Run("winner", _ => RecordedAsync("A", 7))).As(out var winner);
            yield return $"{winner.Result}: {fails.Error!.Message}, {start.Result.Id}, {call.Result}, inner race {race.Result}";
        }
    }

    [Fact]
    public async Task Of_a_loser_whose_row_was_stored_by_a_run_that_crashed_the_result_can_be_read()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, string>("crashed", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await RecordedAsync("A", 1);

        engine = await RelaunchAsync(engine, workflow);
        gate.Open();

        Assert.Equal("1 part", await engine.ResultAsync<string>("A"));
        Assert.Equal("0 part, 2 winner, 3 Dbos.Fluent.any", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var part = Racing.Quick("part");
            yield return Step.Any(Step.All(part, Racing.Endless("other")), Racing.At(gate, "winner")).As(out var winner);
            yield return $"{winner.Result} {part.Result}";
        }
    }

    private const string Received = "SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.recv'";

    private static string Said(Step<string> answer) => answer.Succeeded ? answer.Result : "nothing";

    private Task RecordedAsync(string id, int count) =>
        Eventually.TrueAsync(async () => await CheckpointCountAsync(id) >= count, Bounded.Limit, "so much is recorded");
}
