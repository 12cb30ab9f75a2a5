namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What a group that lost a race has stored, where the code has changed its type since: it matters only to who reads it.</summary>
public abstract class LoserTypeSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Counts counts = new();

    public static TheoryData<string> Readers() => ["body", "swallowing body", "list", "step"];

    [Fact]
    public async Task Where_nobody_reads_it_the_workflow_goes_on()
    {
        var workflow = Raced<string>("nobody");
        var engine = await LaunchAsync(workflow);
        Assert.Equal("1 True True False", await engine.RunAsync(workflow, default, "A"));

        engine = await FlipAndRelaunchAsync(engine, ["A"], Raced<int>("nobody"));

        Assert.Equal("1 True True False", await engine.ResultAsync<string>("A"));
        Assert.Equal((1, 1), (counts["part"], counts["after"]));
    }

    [Theory]
    [MemberData(nameof(Readers))]
    public async Task Reading_it_ends_the_workflow_and_leaves_its_history_as_it_was(string reader)
    {
        var workflow = Raced<string>(reader);
        var engine = await LaunchAsync(workflow);
        Assert.Equal("1 True True False", await engine.RunAsync(workflow, default, "A"));
        await Database.ForgetFromAsync("A", 5);
        var before = await Database.StoredStepsAsync("A");

        engine = await FlipAndRelaunchAsync(engine, ["A"], Raced<int>(reader));

        var failure = await engine.Retrieve<string>("A").FailureAsync();
        Assert.True(failure.Is<SerializationFailedException>());
        Assert.StartsWith("DBOS1005: The recorded result of step 0 'part' of workflow 'A' cannot be decoded.", failure.Message);
        Assert.Equal(before, await Database.StoredStepsAsync("A"));

        // The old code reads it again, and goes on.
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("1 True True False", await engine.ResultAsync<string>("A"));
    }

    [Fact]
    public async Task A_branch_that_reads_it_ends_the_workflow_by_that_whatever_it_throws_itself()
    {
        var workflow = Branched<string>();
        var engine = await LaunchAsync(workflow);
        Assert.Equal("read", await engine.RunAsync(workflow, default, "A"));
        await Database.ForgetFromAsync("A", 4);

        engine = await FlipAndRelaunchAsync(engine, ["A"], Branched<int>());

        Assert.StartsWith("DBOS1005", (await engine.Retrieve<string>("A").FailureAsync()).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_is_undone_where_the_undo_does_not_ask_for_it(bool asks)
    {
        var workflow = Failing<string>(asks);
        var engine = await LaunchAsync(workflow);
        await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();
        Assert.Equal(1, counts["undo"]);
        await Database.ForgetFromAsync("A", 4);

        engine = await FlipAndRelaunchAsync(engine, ["A"], Failing<int>(asks));

        var failure = await engine.Retrieve<string>("A").FailureAsync();
        Assert.Equal(asks, failure.Is<SerializationFailedException>());
        Assert.Equal(asks ? 1 : 2, counts["undo"]);
        const string Begun = "0 part, 2 winner, 3 Dbos.Fluent.any, 4 Dbos.Fluent.compensating failed";
        Assert.Equal(asks ? Begun : Begun + ", 5 part.compensate", await engine.StepsAsync("A"));
    }

    private WorkflowDefinition<Unit, string> Raced<T>(string reader)
    {
        return Workflow.Define<Unit, string>("raced", Body);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var part = Part<T>();
            var inner = Step.All([part]);
            var other = Racing.Endless("other");
            yield return Step.Any(Step.All(inner, other), Winner(), Racing.Endless("third")).As(out var winner);
            Read(reader, part, inner);
            yield return Step.Run("after", async _ =>
            {
                counts.Add("after");
                return reader == "step" ? $"{part.Result}" : "";
            });
            yield return $"{winner.Result} {part.Succeeded} {inner.Succeeded} {other.Succeeded}";
        }
    }

    private WorkflowDefinition<Unit, string> Branched<T>()
    {
        Step<T>? part = null;
        return Workflow.Define<Unit, string>("branched")
            .Then(_ => Step.Any(Step.All(part = Part<T>(), Racing.Endless("other")), Winner()))
            .Parallel(
                ("reads", branch => branch.If(_ => IsRead(part!), yes => yes.Step("reader", _ => Task.CompletedTask))),
                ("works", branch => branch.Step("work", _ => Task.CompletedTask)))
            .Return(_ => "read");
    }

    private static bool IsRead<T>(Step<T> part)
    {
        try
        {
            return part.Result is not null;
        }
        catch (SerializationFailedException exception)
        {
            throw new TimeoutException("of the branch's own", exception);
        }
    }

    private WorkflowDefinition<Unit, string> Failing<T>(bool asks)
    {
        return Workflow.Define<Unit, string>("failing", Body);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var part = asks
                ? Part<T>().CompensateWith(async (_, result) => counts.Add("undo", result))
                : Part<T>().CompensateWith(async _ => counts.Add("undo"));
            yield return Step.Any(Step.All(part, Racing.Endless("other")), Winner());
            throw new TimeoutException("too late");
        }
    }

    private RunStep<T> Part<T>() => Step.Run("part", async _ => counts.Add("part", (T)(object)"of old"));

    private RunStep<Unit> Winner() => Step.Run("winner", _ =>
        Eventually.TrueAsync(async () => await CheckpointCountAsync("A") > 0, Bounded.Limit, "the part is recorded"));

    private static void Read<T>(string reader, Step<T> part, Step<IReadOnlyList<T>> list)
    {
        try
        {
            _ = reader switch
            {
                "body" or "swallowing body" => part.Result as object,
                "list" => list.Result,
                _ => null,
            };
        }
        catch (SerializationFailedException) when (reader == "swallowing body")
        {
            // What is caught has been read all the same.
        }
    }
}
