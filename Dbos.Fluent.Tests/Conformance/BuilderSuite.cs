using static Dbos.Fluent.Tests.Conformance.Parkable;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Members of the builder, run by an engine, and found again on a replay.</summary>
public abstract class BuilderSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();
    private readonly Undone undone = new();

    [Fact]
    public async Task What_it_sends_sets_and_writes_is_there_once_also_after_a_replay()
    {
        var receiver = Workflow.Define<Unit, string>("receiver")
            .Receive<int>("orders").As(out var order)
            .Receive<string>().As(out var note)
            .Return(x => $"{x.Get(order)} {x.Get(note)}");
        var sender = Workflow.Define<int, string>("sender")
            .Step("counted", _ => Task.FromResult(counts.Add("counted"))).As(out var counted)
            .Send(_ => "R", x => x.Input + x.Get(counted), "orders")
            .Send(_ => "R", x => $"order of {x.Workflow.WorkflowId}")
            .SetEvent("seen", x => x.Input)
            .WriteStream("log", x => x.Input)
            .WriteStream("log", x => x.Input + 1)
            .CloseStream("log")
            .Then(_ => Step.ReadStream<int>("S", "log", 2)).As(out var end)
            .Return(x => x.Get(end).HasValue ? "more" : "closed");
        var engine = await LaunchAsync(receiver, sender);
        var received = await engine.BeginAsync(receiver, default, "R");

        Assert.Equal("closed", await engine.RunAsync(sender, 7, "S"));
        Assert.Equal("8 order of S", await received.ResultAsync());
        var stored = await Database.StoredStepsAsync("S");
        engine = await FlipAndRelaunchAsync(engine, ["S"], receiver, sender);

        Assert.Equal("closed", await engine.ResultAsync<string>("S"));
        Assert.Equal(stored, await Database.StoredStepsAsync("S"));
        Assert.Equal(
            "0 counted, 1 DBOS.send, 2 DBOS.send, 3 DBOS.setEvent, 4 DBOS.writeStream, 5 DBOS.writeStream, 6 DBOS.closeStream, "
            + "7 DBOS.readStreamOffset",
            await engine.StepsAsync("S"));
        Assert.Equal([7, 8], await engine.ReadAllAsync<int>("S", "log"));
        Assert.Equal(7, (await engine.GetEventAsync<int>("S", "seen", TimeSpan.Zero, Cancel)).Value);
        Assert.Equal((2, 0, 1), (await Database.MessagesAsync(), await Database.UnreadAsync(), counts["counted"]));
    }

    [Fact]
    public async Task It_sleeps_until_a_computed_moment_and_for_a_computed_time_in_memory_and_out_of_it()
    {
        var workflow = Workflow.Define<TimeSpan, DateTimeOffset>("sleeper")
            .SleepUntil(x => x.Workflow.UtcNow + x.Input)
            .Sleep(x => x.Input * 2)
            .Return(x => x.Workflow.UtcNow);
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var start = time.GetUtcNow();
        foreach (var (id, length) in new[] { ("out", Day), ("in", TimeSpan.FromSeconds(2)) })
        {
            var began = time.GetUtcNow();
            var handle = await engine.BeginAsync(workflow, length, id);
            for (var sleep = 1; sleep <= 2; sleep++)
            {
                await Eventually.TrueAsync(async () => await CheckpointCountAsync(id) == sleep, Bounded.Limit, $"sleep {sleep}");
                await (id == "out" ? ParkedAsync(engine, id) : StateAsync(engine, id, WorkflowState.Pending));
                time.Advance(length * sleep);
            }

            Assert.Equal(began + (length * 3), await handle.ResultAsync());
            Assert.Equal("0 DBOS.sleep, 1 DBOS.sleep", await engine.StepsAsync(id));
        }

        engine = await FlipAndRelaunchAsync(engine, ["out"], workflow);
        Assert.Equal(start + (Day * 3), await engine.ResultAsync<DateTimeOffset>("out"));
    }

    [Fact]
    public async Task Calls_are_undone_newest_first_when_a_later_step_fails_and_a_replay_undoes_nothing_again()
    {
        var child = Workflow.Define<int, string>("child").Step("ship", x => Task.FromResult(counts.Add("ship", $"parcel {x.Input}")))
            .As(out var parcel).Return(x => x.Get(parcel));
        var workflow = Workflow.Define<int, int>("parent")
            .Call(child, x => x.Input).CompensateWith(async (x, result) => undone.Add($"{result} of {x.Input}"))
            .Call(child, x => x.Input + 1).CompensateWith(async x => undone.Add($"second of {x.Input}"))
            .Then(x => Step.Call(child, x.Input + 2)).CompensateWith(async (_, result) => undone.Add(result))
            .Then(x => Step.Call(child, x.Input + 3).CompensateWith(async (_, result) => undone.Add($"own of {result}")))
            .Step<int>("fails", _ => throw new TimeoutException("as asked"))
            .Return(_ => 1);
        var engine = await LaunchAsync(workflow, child);

        Assert.Equal("as asked", (await (await engine.BeginAsync(workflow, 7, "A")).FailureAsync()).Message);
        await Database.ForgetFromAsync("A", 12);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, child);
        var failure = await engine.Retrieve<int>("A").FailureAsync();

        Assert.Equal(("as asked", 0), (failure.Message, failure.Inner.Count));
        const string First = "own of parcel 10, parcel 9, second of 7, parcel 7 of 7";
        Assert.Equal($"{First}, second of 7, parcel 7 of 7", undone.Text);
        Assert.Equal(
            "0 child, 1 DBOS.getResult, 2 child, 3 DBOS.getResult, 4 child, 5 DBOS.getResult, 6 child, 7 DBOS.getResult, "
            + "8 fails failed, 9 Dbos.Fluent.compensating failed, 10 child.compensate, 11 child.compensate, 12 child.compensate, "
            + "13 child.compensate",
            await engine.StepsAsync("A"));
        Assert.Equal((4, 5), (counts["ship"], await Database.WorkflowsAsync()));
    }

    [Fact]
    public async Task Options_of_children_are_computed_and_a_failed_one_may_be_tolerated()
    {
        var child = Workflow.Define<int, int>("child")
            .If(x => x.Input < 0, no => no.Fail(_ => new TimeoutException("below zero"))).Return(x => x.Input);
        var parent = Workflow.Define<int, string>("parent")
            .Call(child, x => x.Input, x => new() { Id = $"called {x.Input}" }).As(out var called)
            .Start(child, x => -x.Input, x => new() { Id = $"started {x.Get(called)}" }).As(out var handle)
            .Await(handle).Try(out var awaited)
            .Call(child, x => -x.Input).Try(out var failed)
            .Return(x => $"{x.Get(handle).Id}: {x.Get(awaited).Error!.Inner[0].Message}, {x.Get(failed).Error!.Inner[0].Message}");
        var engine = await LaunchAsync(parent, child);

        Assert.Equal("started 7: below zero, below zero", await engine.RunAsync(parent, 7, "P"));
        engine = await FlipAndRelaunchAsync(engine, ["P"], parent, child);

        Assert.Equal("started 7: below zero, below zero", await engine.ResultAsync<string>("P"));
        Assert.Equal(
            [["P"], ["P-4"], ["called 7"], ["started 7"]],
            (await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status")).OrderBy(row => row[0], StringComparer.Ordinal));
    }

    [Fact]
    public async Task Modifiers_hold_for_steps_of_its_own_and_for_made_ones()
    {
        var workflow = Workflow.Define<Unit, string>("modified")
            .Step("own", x => EndlessAsync(x.Step)).Retry(attempts: 2, delay: TimeSpan.Zero).Timeout(TimeSpan.FromMilliseconds(20))
                .Try(out var own)
            .Then(_ => Step.Run("made", EndlessAsync)).Timeout(TimeSpan.FromMilliseconds(20)).Try(out var made)
            .Then(_ => Step.Run("again", s => Task.FromResult(s.Attempt < 3 ? throw new TimeoutException() : s.Attempt)))
                .Retry(attempts: 3, delay: TimeSpan.Zero).As(out var again)
                .CompensateWith(async (_, result) => undone.Add($"again {result}"))
            .If(x => x.Get(again) == 3, last => last.Fail(x => new InvalidOperationException(
                $"{Kind(x.Get(own).Error)}, {Kind(x.Get(made).Error)}, {x.Get(again)}")))
            .Return(_ => "");
        var time = new ManualTimeProvider();
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        foreach (var (name, times) in new[] { ("own", 1), ("own", 2), ("made", 1) })
        {
            await Eventually.TrueAsync(
                () => counts[name] == times && time.TimersPending > 0, Bounded.Limit, $"the limit of '{name}' runs");
            time.Advance(TimeSpan.FromMilliseconds(20));
        }

        var failure = await handle.FailureAsync();

        Assert.Equal("MaxStepRetriesExceededException, StepTimeoutException, 3", failure.Message);
        Assert.Equal(("again 3", 2, 1), (undone.Text, counts["own"], counts["made"]));

        static string Kind(RecordedFailure? failure) => failure!.TypeName.Split('.')[^1];
    }

    private Task<int> EndlessAsync(StepContext step)
    {
        counts.Add(step.Attempt > 0 && step.Sequence == 0 ? "own" : "made");
        return new TaskCompletionSource<int>().Task.WaitAsync(step.CancellationToken);
    }
}
