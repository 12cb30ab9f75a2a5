namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// What a body sees of a group that failed, or was undone, is the same on each run, whenever its sleeps ended and whatever clock reads
/// them.
/// </summary>
public abstract class GroupReplaySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();
    private readonly CommitNotes notes = new();

    [Fact]
    public async Task A_sleep_that_ends_while_a_failure_beside_it_is_being_written_says_nothing()
    {
        var hold = notes.Hold("fails");
        var workflow = Workflow.Define<Unit, string>("sleeping", Body);
        var engine = await LaunchAsync(Virtual, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await hold.ReachedAsync();
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "it sleeps");
        time.Advance(Hour);
        hold.Open();
        var first = await handle.ResultAsync();

        Assert.StartsWith("slept False, nested False, part True", first);
        engine = await ReplayAsync(engine, workflow);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var sleep = Step.Sleep(Hour);
            var part = Racing.Quick("part");
            var nested = Step.All(part, Step.Sleep(TimeSpan.Zero));
            var fails = Step.Run<string>("fails", async _ =>
            {
                await RecordedAsync("A", 2);
                throw new InvalidOperationException("as asked");
            });
            yield return Step.All(sleep, nested, fails).Try(out _);
            yield return $"slept {sleep.Succeeded}, nested {nested.Succeeded}, part {part.Succeeded} at {workflow.UtcNow:O}";
        }
    }

    [Fact]
    public async Task A_race_that_a_failure_beside_it_stopped_shows_what_it_had_stored()
    {
        var workflow = Workflow.Define<Unit, string>("racing", Body);
        var engine = await LaunchAsync(Virtual, workflow);
        var first = await engine.RunAsync(workflow, default, "A");

        Assert.StartsWith("inner a,b, slept False", first);
        engine = await ReplayAsync(engine, workflow);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var inner = Step.All(Racing.Quick("a"), Racing.Quick("b"));
            var sleep = Step.Sleep(TimeSpan.Zero);
            var fails = Step.Run<string>("fails", async _ =>
            {
                await RecordedAsync("A", 3);
                throw new InvalidOperationException("as asked");
            });
            var race = Step.Any(Step.All(inner, sleep, Racing.Endless("slow")), Racing.Endless("slower"));
            yield return Step.All(race, fails).Try(out _);
            yield return $"inner {string.Join(',', inner.Result)}, slept {sleep.Succeeded} at {workflow.UtcNow:O}";
        }
    }

    // A list of results needs each of them: the inner group failed, and stopped the members beside it, which no row says.
    [Fact]
    public async Task Members_that_a_tolerated_failure_stopped_do_not_begin_on_a_replay()
    {
        const int Beside = 20;
        var workflow = Workflow.Define<Unit, string>("typed", Body);
        var engine = await LaunchAsync(Virtual, workflow);
        var first = await engine.RunAsync(workflow, default, "A");
        Assert.Equal("0: as asked", first);

        engine = await ReplayAsync(engine, workflow);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        Assert.Equal(Beside, counts["beside"]);
        Assert.Equal("20 fails failed, 21 b", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var fails = Step.Run<string>("fails", async _ => throw new InvalidOperationException("as asked")).Try(out _);
            var beside = Enumerable.Range(0, Beside).Select(i => Step.Run($"beside {i}", async s =>
            {
                if (counts.Add("beside") <= Beside)
                {
                    await new TaskCompletionSource().Task.WaitAsync(s);
                }

                return i;
            })).ToArray();
            var b = Step.Run("b", async _ =>
            {
                await Eventually.TrueAsync(() => counts["beside"] == Beside, Bounded.Limit, "the members beside have begun");
                return "b";
            });
            yield return Step.All([.. beside, (Step)Step.All(fails, b)]).Try(out var all);
            yield return $"{beside.Count(step => step.Succeeded)}: {all.Error!.Message}";
        }
    }

    [Fact]
    public async Task Undoing_goes_on_where_the_clock_is_behind_the_one_that_slept()
    {
        var undone = new Undone();
        var workflow = Workflow.Define<Unit>("saga", Body);
        var engine = await LaunchAsync(Virtual, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "it sleeps");
        time.Advance(Hour);
        await handle.FailureAsync();
        Assert.Equal("charge, reserve", undone.Text);

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ForgetFromAsync("A", 4);
        await Database.FlipAsync("A");
        var behind = await LaunchAsync(options => options.TimeProvider = new ManualTimeProvider(), workflow);

        Assert.Equal("as asked", (await behind.Retrieve<Unit>("A").FailureAsync()).Message);
        Assert.Equal("charge, reserve, charge, reserve", undone.Text);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return undone.Plain("reserve");
            yield return Step.Sleep(Hour);
            yield return undone.Plain("charge");
            throw new InvalidOperationException("as asked");
        }
    }

    [Fact]
    public async Task A_race_that_a_sleep_won_is_restored_although_the_clock_was_set_back_before_its_row_was_made()
    {
        var workflow = Racing.Of(Form.Iterator, () => [Step.Sleep(TimeSpan.FromMilliseconds(5)), Racing.Endless("slow")]);
        var engine = await LaunchAsync(workflow);
        Assert.Equal(0, await engine.RunAsync(workflow, default, "A"));
        await Database.ExecuteAsync(
            "UPDATE operation_outputs SET completed_at_epoch_ms = completed_at_epoch_ms - 60000 WHERE function_name = 'Dbos.Fluent.any'");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal(0, await engine.ResultAsync<int>("A"));
    }

    private void Virtual(EngineOptions options)
    {
        notes.Wrap(options);
        options.TimeProvider = time;
    }

    private async Task<WorkflowEngine> ReplayAsync(WorkflowEngine engine, WorkflowDefinition workflow)
    {
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        time.Advance(Hour + Hour);
        return await LaunchAsync(Virtual, workflow);
    }

    private Task RecordedAsync(string id, int count) =>
        Eventually.TrueAsync(async () => await CheckpointCountAsync(id) >= count, Bounded.Limit, "so much is recorded");
}
