namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What others give to a workflow and it cannot decode: a failure of the step that asked for it, the same on a replay.</summary>
public abstract class GivenValueSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();
    private readonly WorkflowDefinition<Unit, string> writer = Workflow.Define<Unit, string>("writer", WriteAsync);
    private WorkflowEngine? engine;

    public static TheoryData<string> Ways() => ["message", "message in time", "event", "stream", "outcome", "child"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_step_that_tolerates_it_fails_and_the_workflow_goes_on_also_on_a_replay(string way)
    {
        var workflow = Workflow.Define<Unit, string>("reader", Body);
        await LaunchAndGiveAsync(workflow);

        var seen = await (await BeginAsync(workflow)).ResultAsync();

        Assert.Matches("^True DBOS1005: What step [01] 'DBOS", seen);
        Assert.Contains(" of workflow 'A' was given cannot be decoded. ", seen);
        var stored = await Database.StoredStepsAsync("A");
        engine = await FlipAndRelaunchAsync(engine!, ["A"], workflow, writer);
        Assert.Equal(seen, await engine.ResultAsync<string>("A"));
        Assert.Equal((1, stored), (counts["after"], await Database.StoredStepsAsync("A")));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Asking(way, tolerant: true, out var error);
            yield return Step.Run("after", async _ => counts.Add("after"));
            yield return $"{error()!.Is<SerializationFailedException>()} {error()!.Message} {error()!.StackTrace}";
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Where_nobody_tolerates_it_the_workflow_undoes_what_it_did_and_ends(string way)
    {
        var workflow = Workflow.Define<Unit, int>("reader", Body);
        await LaunchAndGiveAsync(workflow);

        var failure = await (await BeginAsync(workflow)).FailureAsync();

        Assert.True(failure.Is<SerializationFailedException>());
        Assert.Contains(" of workflow 'A' was given cannot be decoded. ", failure.Message);
        Assert.Equal(1, counts["undo"]);
        Assert.Equal(WorkflowState.Error, await engine!.StateOfAsync("A"));
        Assert.EndsWith(" reserve.compensate", await engine!.StepsAsync("A"), StringComparison.Ordinal);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("reserve", async _ => counts.Add("reserve")).CompensateWith(async _ => counts.Add("undo"));
            yield return Asking(way, tolerant: false, out _);
            yield return 0;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task In_a_group_a_replay_starts_no_sibling_that_it_had_cancelled(string way)
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, bool>("reader", Body);
        await LaunchAndGiveAsync(workflow);

        Assert.True(await (await BeginAsync(workflow)).ResultAsync());
        var begun = counts["sibling"];
        var stored = await Database.StoredStepsAsync("A");
        gate.Open();
        engine = await FlipAndRelaunchAsync(engine!, ["A"], workflow, writer);

        Assert.True(await engine.ResultAsync<bool>("A"));
        Assert.Equal((begun, stored), (counts["sibling"], await Database.StoredStepsAsync("A")));

        async IAsyncEnumerable<StepOr<bool>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(
                [
                    Step.Run("sibling", async s =>
                    {
                        counts.Add("sibling");
                        await gate.PassAsync(s);
                    }),
                    Asking(way, tolerant: false, out _),
                ]).Try(out var all);
            yield return Step.Run("after", async _ => counts.Add("after"));
            yield return all.Error!.Is<SerializationFailedException>();
        }
    }

    [Fact]
    public async Task The_child_of_a_loser_whose_result_nobody_can_decode_breaks_no_replay()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, int>("reader", Body);
        await LaunchAndGiveAsync(workflow);
        var handle = await engine!.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(() => Database.HasStepAsync("A", 1), Bounded.Limit, "the child's result is stored");
        gate.Open();

        Assert.Equal(1, await handle.ResultAsync());
        engine = await FlipAndRelaunchAsync(engine!, ["A"], workflow, writer);

        Assert.Equal((1, 0), (await engine.ResultAsync<int>("A"), counts["undo"]));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            var called = Step.Call(Workflow.Declare<Unit, int>("writer"), default, new() { Queue = "q" })
                .CompensateWith(async _ => counts.Add("undo"))
                .Try(out _);
            var loser = Step.All([called, Step.Run("never", s => new TaskCompletionSource().Task.WaitAsync(s))]);
            yield return Step.Any(loser, Step.Run("wins", s => gate.PassAsync(s))).As(out var first);
            yield return first.Result;
        }
    }

    /// <summary>Gives text where a number is asked for.</summary>
    private static async IAsyncEnumerable<StepOr<string>> WriteAsync(Unit input, WorkflowContext workflow)
    {
        yield return Step.SetEvent("k", "text");
        yield return Step.WriteStream("s", "text");
        yield return "text";
    }

    private async Task LaunchAndGiveAsync(WorkflowDefinition reader)
    {
        engine = await LaunchAsync(options => options.Add(new WorkflowQueue("q")), reader, writer);
        await engine.RunAsync(writer, default, "W");
    }

    private async Task<WorkflowHandle<T>> BeginAsync<T>(WorkflowDefinition<Unit, T> reader)
    {
        var handle = await engine!.BeginAsync(reader, default, "A");
        await engine!.SendAsync("A", "text", "t", cancellationToken: Cancel);
        return handle;
    }

    /// <summary>Asks for a number.</summary>
    private Step Asking(string way, bool tolerant, out Func<RecordedFailure?> error)
    {
        return way switch
        {
            "message" => Of(Step.Receive<int>("t"), out error),
            "message in time" => Of(Step.Receive<int>("t", TimeSpan.FromDays(1)), out error),
            "event" => Of(Step.GetEvent<int>("W", "k", TimeSpan.FromDays(1)), out error),
            "stream" => Of(Step.ReadStream<int>("W", "s", 0), out error),
            "outcome" => Of(Step.Await(engine!.Retrieve<int>("W")), out error),
            _ => Of(Step.Call(Workflow.Declare<Unit, int>("writer"), default, new() { Queue = "q" }), out error),
        };

        Step Of<T>(Step<T> step, out Func<RecordedFailure?> error)
        {
            var asking = tolerant ? step.Try(out step) : step;
            error = () => step.Error;
            return asking;
        }
    }
}
