using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Step.Any: who wins, what is written, and what becomes of the others.</summary>
public abstract class AnySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task The_result_is_the_index_of_the_first_to_finish(Form form)
    {
        var gates = new[] { new Probe(), new Probe(), new Probe() };
        var workflow = Racing.Of(form, () => [.. gates.Select((gate, i) => Racing.At(gate, $"S{i}"))]);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await ReachedAsync(gates);

        gates[1].Open();

        Assert.Equal(1, await handle.ResultAsync());
        Assert.Equal("1 S1, 3 Dbos.Fluent.any", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal(1, await engine.ResultAsync<int>("A"));
        Assert.Equal("1 S1, 3 Dbos.Fluent.any", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task The_winner_and_the_row_that_names_it_are_one_write()
    {
        var notes = new CommitNotes();
        var workflow = Racing.Of(Form.Iterator, () => [Racing.Endless("slow"), Racing.Quick("quick")]);
        var engine = await LaunchAsync(notes.Wrap, workflow);

        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));

        Assert.Equal(["quick + Dbos.Fluent.any"], notes.With(Racing.Any));
        Assert.Equal(3, notes.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_of_the_winner_that_is_lost_is_repeated_and_no_other_member_wins_meanwhile(bool afterEffect)
    {
        var notes = new CommitNotes();
        notes.FailOnce("first", afterEffect);
        var second = new Probe();
        var hold = notes.Hold("first");
        var workflow = Racing.Of(Form.Iterator, () => [Racing.Quick("first"), Deaf(second, "second")]);
        var engine = await LaunchAsync(notes.Wrap, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await hold.ReachedAsync();

        second.Open();
        hold.Open();

        Assert.Equal(0, await handle.ResultAsync());
        Assert.Equal("0 first, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task The_others_are_told_and_awaited_and_not_recorded()
    {
        var here = new Meeting(2);
        var reasons = new ConcurrentQueue<CancellationReason>();
        var told = -1;
        var workflow = Workflow.Define<Unit, int>("told", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));

        Assert.Equal(2, told);
        Assert.Equal([CancellationReason.Cancelled, CancellationReason.Cancelled], reasons);
        Assert.Equal("1 winner, 3 Dbos.Fluent.any, 4 after", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Any(Step.Run("throws", s => WaitAsync(s, fails: true)), Step.Run("winner", _ => here.AllAreHere),
                Step.Run("returns", s => WaitAsync(s, fails: false))).As(out var winner);
            told = reasons.Count;
            yield return Racing.Quick("after");
            yield return winner.Result;
        }

        async Task WaitAsync(StepContext step, bool fails)
        {
            here.Arrive();
            await new TaskCompletionSource().Task.WaitAsync(step).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            reasons.Enqueue(step.CancellationReason);
            if (fails)
            {
                throw new InvalidOperationException("of the loser");
            }
        }
    }

    [Fact]
    public async Task A_loser_that_ignores_its_token_is_awaited_and_its_result_goes_nowhere()
    {
        var deaf = new Probe();
        var begun = new TaskCompletionSource();
        var ended = false;
        var endedBefore = false;
        var workflow = Workflow.Define<Unit, string>("deaf", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await deaf.ReachedAsync();
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 2, Bounded.Limit);
        deaf.Open();

        Assert.Equal("1 not run", await handle.ResultAsync());
        Assert.True(endedBefore);
        Assert.Equal("1 quick, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var loser = Step.Run("deaf", async _ =>
            {
                begun.SetResult();
                await deaf.PassAsync(CancellationToken.None);
                ended = true;
                return "late";
            });
            var quick = Step.Run("quick", async _ =>
            {
                await begun.Task.Within(Bounded.Limit);
                return "quick";
            });
            yield return Step.Any(loser, quick).As(out var winner);
            endedBefore = ended;
            yield return $"{winner.Result} {(loser.Succeeded || loser.Error is not null ? "run" : "not run")}";
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task A_member_that_fails_first_fails_the_race(Form form)
    {
        var workflow = Racing.Of(form, () => [Racing.Endless("slow"), Failing()]);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.Equal("as asked", failure.Message);
        Assert.Equal("1 fails failed, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("as asked", (await engine.Retrieve<int>("A").FailureAsync()).Message);
    }

    [Fact]
    public async Task A_tolerated_failure_wins_like_a_result()
    {
        var workflow = Workflow.Define<Unit, string>("tolerant", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal("1 as asked", await engine.RunAsync(workflow, default, "A"));

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("1 as asked", await engine.ResultAsync<string>("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Any(Racing.Endless("slow"), Failing().Try(out var fails)).As(out var winner);
            yield return $"{winner.Result} {fails.Error!.Message}";
        }
    }

    [Fact]
    public async Task Exhausted_retries_win_and_a_loser_is_not_retried()
    {
        var counts = new Counts();
        var workflow = Racing.Of(Form.Iterator, () =>
        [
            Step.Run("patient", async _ => await Task.FromException(new TimeoutException(counts.Add("patient", "again"))))
                .Retry(attempts: 3, delay: TimeSpan.FromHours(1)),
            Step.Run("hasty", async _ => await Task.FromException(new TimeoutException(counts.Add("hasty", "no"))))
                .Retry(attempts: 2, delay: TimeSpan.Zero),
        ]);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.True(failure.Is<MaxStepRetriesExceededException>());
        Assert.Equal("1 hasty failed, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));
        Assert.Equal(2, counts["hasty"]);
        Assert.InRange(counts["patient"], 0, 1);
    }

    [Fact]
    public async Task One_member_races_alone()
    {
        var workflow = Racing.Of(Form.Iterator, () => [Racing.Quick("only")]);
        var engine = await LaunchAsync(workflow);

        Assert.Equal(0, await engine.RunAsync(workflow, default, "A"));
        Assert.Equal("0 only, 1 Dbos.Fluent.any", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_descriptor_listed_twice_is_two_members_and_its_result_is_the_winners()
    {
        var entered = 0;
        var bothAreHere = new TaskCompletionSource();
        var workflow = Workflow.Define<Unit, string>("twice", Body);
        var engine = await LaunchAsync(workflow);

        var first = await engine.RunAsync(workflow, default, "A");

        Assert.Equal("0 done at 0", first);
        Assert.Equal("0 both, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        Assert.Equal(2, entered);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var both = Step.Run("both", async s =>
            {
                if (Interlocked.Increment(ref entered) == 2)
                {
                    bothAreHere.SetResult();
                }

                await (s.Sequence == 0 ? bothAreHere.Task : new TaskCompletionSource().Task.WaitAsync(s));
                return $"done at {s.Sequence}";
            });
            yield return Step.Any(both, both).As(out var winner);
            yield return $"{winner.Result} {both.Result}";
        }
    }

    [Fact]
    public async Task A_cancel_ends_the_race_without_a_winner()
    {
        var gate = new Probe();
        var workflow = Racing.Of(Form.Iterator, () => [Racing.At(gate, "S0"), Step.Receive<int>("t"), Racing.At(gate, "S1")]);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await gate.ReachedAsync();

        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal(0, await CheckpointCountAsync("A"));
    }

    [Fact]
    public async Task A_crash_before_anyone_has_won_races_again()
    {
        var (left, right) = (new Probe(), new Probe());
        var workflow = Racing.Of(Form.Iterator, () => [Racing.At(left, "left"), Racing.At(right, "right")]);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await ReachedAsync([left, right]);

        engine = await RelaunchAsync(engine, workflow);
        await ReachedAsync([left, right]);
        right.Open();

        Assert.Equal(1, await engine.ResultAsync<int>("A"));
        Assert.Equal("1 right, 2 Dbos.Fluent.any", await engine.StepsAsync("A"));
    }

    private static RunStep<int> Failing() => Step.Run<int>("fails", async _ => throw new InvalidOperationException("as asked"));

    private static RunStep<string> Deaf(Probe gate, string name) => Step.Run(name, async _ =>
    {
        await gate.PassAsync(CancellationToken.None);
        return name;
    });

    private static async Task ReachedAsync(IEnumerable<Probe> gates)
    {
        foreach (var gate in gates)
        {
            await gate.ReachedAsync();
        }
    }
}
