namespace Dbos.Fluent.Tests.Conformance;

/// <summary>The kinds of step that may race: messages, events, sleeps, children, and groups of steps.</summary>
public abstract class AnyMemberSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task A_losing_receive_consumes_nothing_although_its_message_comes_before_the_winner_is_written()
    {
        var notes = new CommitNotes();
        var hold = notes.Hold("winner");
        var workflow = Workflow.Define<Unit, string>("receiver", Body);
        var engine = await LaunchAsync(notes.Wrap, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await hold.ReachedAsync();

        var other = await LaunchAsync(options => options.ExecutorId = "executor-2");
        await other.SendAsync("A", "hello", "t", cancellationToken: Cancel).Within(Bounded.Limit);
        hold.Open();

        Assert.Equal("1 hello", await handle.ResultAsync());
        Assert.Equal("1 DBOS.sleep, 2 winner, 3 Dbos.Fluent.any, 4 DBOS.recv", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Any(Step.Receive<string>("t", Hour), Step.Run("winner", _ => RowsAsync("A", 1))).As(out var winner);
            yield return Step.Receive<string>("t").As(out var message);
            yield return $"{winner.Result} {message.Result}";
        }
    }

    [Fact]
    public async Task Two_racing_receives_take_one_message_the_first_in_the_list()
    {
        var workflow = Workflow.Define<Unit, string>("receivers", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        await engine.SendAsync("A", "one", "t", cancellationToken: Cancel).Within(Bounded.Limit);
        await engine.SendAsync("A", "two", "t", cancellationToken: Cancel).Within(Bounded.Limit);

        Assert.Equal("0 one, then two", await handle.ResultAsync());

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Any(Step.Receive<string>("t").As(out var first), Step.Receive<string>("t")).As(out var winner);
            yield return Step.Receive<string>("t").As(out var second);
            yield return $"{winner.Result} {first.Result}, then {second.Result}";
        }
    }

    [Theory]
    [InlineData("sleep", "0 DBOS.sleep, 2 Dbos.Fluent.any")]
    [InlineData("receive", "0 DBOS.recv, 1 DBOS.sleep, 3 Dbos.Fluent.any")]
    [InlineData("receive times out", "0 DBOS.recv, 1 DBOS.sleep, 3 Dbos.Fluent.any")]
    [InlineData("event", "0 DBOS.getEvent, 1 DBOS.sleep, 3 Dbos.Fluent.any")]
    [InlineData("event times out", "0 DBOS.getEvent, 1 DBOS.sleep, 3 Dbos.Fluent.any")]
    [InlineData("call", "0 child, 1 DBOS.getResult, 3 Dbos.Fluent.any")]
    [InlineData("start", "0 child, 2 Dbos.Fluent.any")]
    [InlineData("all", "0 S0, 1 S1, 3 Dbos.Fluent.any")]
    [InlineData("any", "1 S1, 2 Dbos.Fluent.any, 4 Dbos.Fluent.any")]
    [InlineData("send", "0 DBOS.send, 2 Dbos.Fluent.any")]
    [InlineData("set event", "0 DBOS.setEvent, 2 Dbos.Fluent.any")]
    [InlineData("stream", "0 DBOS.writeStream, 2 Dbos.Fluent.any")]
    public async Task A_member_of_each_kind_can_win_and_is_restored(string kind, string steps)
    {
        var child = Workflow.Define<Unit, string>("child").Return(_ => "of the child");
        var sender = Workflow.Define<Unit, int>("sender").SetEvent("key", _ => "set").Return(_ => 1);
        var workflow = Workflow.Define<Unit, string>("winner", Body);
        var engine = await LaunchAsync(workflow, child, sender);
        await engine.RunAsync(sender, default, "sender");
        var handle = await engine.BeginAsync(workflow, default, "A");
        if (kind == "receive")
        {
            await engine.SendAsync("A", "sent", "t", cancellationToken: Cancel).Within(Bounded.Limit);
        }

        var first = await handle.ResultAsync();
        Assert.Equal(steps, await engine.StepsAsync("A"));
        var stored = await Database.StoredStepsAsync("A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, child, sender);

        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        Assert.Equal(stored, await Database.StoredStepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var (member, read) = Member(kind, child);
            yield return Step.Any(member, Racing.Endless("slow")).As(out var winner);
            yield return $"{winner.Result} {read()} {workflow.UtcNow:O}";
        }
    }

    [Fact]
    public async Task Races_in_a_race_name_their_winners_in_one_write()
    {
        var notes = new CommitNotes();
        var workflow = Racing.Of(
            Form.Iterator,
            () => [Racing.Endless("S0"), Step.Any(Racing.Endless("S1"), Step.Any(Racing.Quick("S2"), Racing.Endless("S3")))]);
        var engine = await LaunchAsync(notes.Wrap, workflow);

        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));

        Assert.Equal(["S2 + Dbos.Fluent.any + Dbos.Fluent.any + Dbos.Fluent.any"], notes.With(Racing.Any));
        Assert.Equal("2 S2, 4 Dbos.Fluent.any, 5 Dbos.Fluent.any, 6 Dbos.Fluent.any", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal(1, await engine.ResultAsync<int>("A"));
    }

    [Fact]
    public async Task Races_at_once_are_numbered_as_listed()
    {
        var workflow = Workflow.Define<Unit, string>("races", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal("1,0", await engine.RunAsync(workflow, default, "A"));

        Assert.Equal("1 b, 2 Dbos.Fluent.any, 3 c, 5 Dbos.Fluent.any", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("1,0", await engine.ResultAsync<string>("A"));

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(
                Step.Any(Racing.Endless("a"), Racing.Quick("b")), Step.Any(Racing.Quick("c"), Racing.Endless("d"))).As(out var winners);
            yield return string.Join(',', winners.Result);
        }
    }

    [Fact]
    public async Task A_race_in_a_branch_is_numbered_in_the_branchs_numbers()
    {
        ResultOf<int> winner = null!;
        var workflow = Workflow.Define<Unit, int>("branches")
            .Parallel(
                ("race", b => b.Then(_ => Step.Any(Racing.Endless("S0"), Racing.Quick("S2"))).As(out winner)
                    .Step("S6", _ => Task.CompletedTask)),
                ("other", b => b.Step("S1", _ => Task.CompletedTask).Step("S3", _ => Task.CompletedTask)))
            .Return(x => x.Get(winner));
        var engine = await LaunchAsync(workflow);

        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));

        Assert.Equal("1 S1, 2 S2, 3 S3, 4 Dbos.Fluent.any, 6 S6", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal(1, await engine.ResultAsync<int>("A"));
    }

    [Fact]
    public async Task A_child_that_a_loser_started_runs_on()
    {
        var gate = new Probe();
        var child = Workflow.Define<Unit, string>("child")
            .Step("at the gate", x => gate.PassAsync(x.CancellationToken)).Return(_ => "done");
        var workflow = Racing.Of(Form.Iterator, () => [Step.Call(child, default), Step.Run("winner", _ => gate.ReachedAsync())]);
        var engine = await LaunchAsync(workflow, child);

        Assert.Equal(1, await engine.RunAsync(workflow, default, "A"));
        gate.Open();

        Assert.Equal("done", await engine.ResultAsync<string>("A-0"));
        Assert.Equal("0 child, 2 winner, 3 Dbos.Fluent.any", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_child_of_a_race_that_crashed_is_attached_to_and_not_started_again()
    {
        var gate = new Probe();
        var child = Workflow.Define<Unit, string>("child")
            .Step("at the gate", x => gate.PassAsync(x.CancellationToken)).Return(_ => "done");
        var workflow = Racing.Of(Form.Iterator, () => [Racing.Endless("slow"), Step.Call(child, default)]);
        var engine = await LaunchAsync(workflow, child);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        engine = await RelaunchAsync(engine, workflow, child);
        gate.Open();

        Assert.Equal(1, await engine.ResultAsync<int>("A"));
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
        Assert.Equal("1 child, 2 DBOS.getResult, 3 Dbos.Fluent.any", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task A_race_of_waits_leaves_memory_and_is_won_by_the_message_that_comes()
    {
        var workflow = Workflow.Define<Unit, string>("parked", Body);
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, workflow);
        await engine.BeginAsync(workflow, default, "A");
        await StateAsync(engine, "A", WorkflowState.Delayed);

        await engine.SendAsync("A", "hello", "t", cancellationToken: Cancel).Within(Bounded.Limit);

        Assert.Equal("1 hello", await engine.ResultAsync<string>("A"));
        Assert.Equal("0 DBOS.sleep, 1 DBOS.recv, 2 DBOS.sleep, 3 Dbos.Fluent.any", await engine.StepsAsync("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Any(Step.Sleep(Hour), Step.Receive<string>("t", Hour).As(out var message)).As(out var winner);
            yield return $"{winner.Result} {message.Result.Value}";
        }
    }

    private static (Step Member, Func<string> Read) Member(string kind, WorkflowDefinition<Unit, string> child)
    {
        switch (kind)
        {
            case "sleep":
                return (Step.Sleep(TimeSpan.FromMilliseconds(5)), () => "slept");
            case "receive":
                return (Step.Receive<string>("t", Hour).As(out var message), () => $"{message.Result}");
            case "receive times out":
                return (Step.Receive<string>("t", TimeSpan.FromMilliseconds(5)).As(out var none), () => $"{none.Result}");
            case "event":
                return (Step.GetEvent<string>("sender", "key", Hour).As(out var set), () => $"{set.Result}");
            case "event times out":
                return (Step.GetEvent<string>("sender", "other", TimeSpan.Zero).As(out var unset), () => $"{unset.Result}");
            case "call":
                return (Step.Call(child, default).As(out var called), () => called.Result);
            case "start":
                return (Step.Start(child, default).As(out var started), () => started.Result.Id);
            case "all":
                return (Step.All(Racing.Quick("S0"), Racing.Quick("S1")).As(out var all), () => string.Join(',', all.Result));
            case "any":
                return (Step.Any(Racing.Endless("S0"), Racing.Quick("S1")).As(out var any), () => $"{any.Result}");
            case "send":
                return (Step.Send("sender", "to nobody"), () => "sent");
            case "set event":
                return (Step.SetEvent("mine", 1), () => "set");
            default:
                return (Step.WriteStream("stream", 1), () => "written");
        }
    }

    private Task RowsAsync(string id, int count) =>
        Eventually.TrueAsync(async () => await CheckpointCountAsync(id) >= count, Bounded.Limit, "so much is recorded");
}
