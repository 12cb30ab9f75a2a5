using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What a body may read without a step: the same on each run. Scenario DT-09.</summary>
public abstract class DeterminismSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task Moments_ids_and_random_numbers_are_the_same_on_a_replay(Form form)
    {
        var workflow = form.Pick(Workflow.Define<Unit, string>("facts", FactsBody), FluentFacts());
        var engine = await LaunchAsync(workflow);
        var first = await engine.RunAsync(workflow, default, "A");
        var other = await engine.RunAsync(workflow, default, "B");

        engine = await FlipAndRelaunchAsync(engine, ["A", "B"], workflow);

        Assert.Equal(first, await engine.ResultAsync<string>("A"));
        Assert.Equal(other, await engine.ResultAsync<string>("B"));
        Assert.Empty(first.Split('|').Where(fact => fact.Length > 15 && !fact.EndsWith('Z')).Intersect(other.Split('|')));
    }

    [Fact]
    public async Task They_are_the_same_on_a_recovery_in_the_middle()
    {
        var gate = new Probe();
        var seen = new List<string>();
        var workflow = Workflow.Define<Unit, string>("halted", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        engine = await RelaunchAsync(engine, workflow);
        gate.Open();
        await engine.ResultAsync<string>("A");

        Assert.Equal(2, seen.Count);
        Assert.Equal(seen[0], seen[1]);

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("S1", _ => Task.CompletedTask);
            seen.Add(Facts(workflow));
            yield return Step.Run("S2", s => gate.PassAsync(s));
            yield return "done";
        }
    }

    [Fact]
    public async Task A_new_id_is_a_random_uuid()
    {
        var workflow = Workflow.Define<Unit, IReadOnlyList<Guid>>("ids", (_, context) => Ids(context));
        var engine = await LaunchAsync(workflow);

        var ids = await engine.RunAsync(workflow, default, "A");

        Assert.Equal(100, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Equal((4, true), (id.Version, id.Variant is >= 8 and <= 11)));
    }

    [Fact]
    public async Task The_moment_is_that_of_the_latest_outcome_the_body_was_given()
    {
        var workflow = Workflow.Define<Unit, IReadOnlyList<DateTimeOffset>>("moments", Body);
        var engine = await LaunchAsync(workflow);

        var moments = await engine.RunAsync(workflow, default, "A");

        var history = await engine.GetHistoryAsync("A", Cancel);
        Assert.Equal(history.Status.CreatedAt, moments[0]);
        Assert.Equal(history.Status.CreatedAt, moments[1]);
        Assert.Equal(Later(moments[1], history.Checkpoints[0].CompletedAt), moments[2]);
        Assert.Equal(Later(moments[2], history.Checkpoints[1].CompletedAt), moments[3]);

        static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset? other) => one > other ? one : other!.Value;

        async IAsyncEnumerable<StepOr<IReadOnlyList<DateTimeOffset>>> Body(Unit input, WorkflowContext workflow)
        {
            var moments = new List<DateTimeOffset> { workflow.UtcNow, workflow.UtcNow };
            yield return Step.Run("S1", _ => Task.CompletedTask);
            moments.Add(workflow.UtcNow);
            yield return Step.Sleep(TimeSpan.FromMilliseconds(20));
            moments.Add(workflow.UtcNow);
            yield return StepOr.Result<IReadOnlyList<DateTimeOffset>>(moments);
        }
    }

    [Theory]
    [InlineData(Form.Iterator)]
    [InlineData(Form.Fluent)]
    public async Task Replaying_is_told_and_silences_the_logger(Form form)
    {
        var workflow = form.Pick(
            Workflow.Define<Unit, string>("logging", Body),
            Workflow.Define<Unit, string>("logging")
                .If(x => Logged(x.Workflow, "before"), no => no)
                .Step("S1", x => Task.FromResult(x.Workflow.IsReplaying)).As(out var replaying)
                .If(x => Logged(x.Workflow, "after"), no => no)
                .Return(x => $"{x.Get(replaying)} {x.Workflow.IsReplaying} {x.Workflow.Attempt}"));
        var engine = await LaunchAsync(workflow);

        Assert.Equal("False False 1", await engine.RunAsync(workflow, default, "A"));
        Assert.Equal((1, 1), (Logs("before 1"), Logs("after 1")));

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        Assert.Equal("False False 2", await engine.ResultAsync<string>("A"));
        Assert.Equal((0, 1), (Logs("before 2"), Logs("after 2")));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            Logged(workflow, "before");
            yield return Step.Run("S1", _ => Task.FromResult(workflow.IsReplaying)).As(out var replaying);
            Logged(workflow, "after");
            yield return $"{replaying.Result} {workflow.IsReplaying} {workflow.Attempt}";
        }
    }

    [Fact]
    public async Task Replaying_ends_where_the_history_ends()
    {
        var seen = new List<bool>();
        var workflow = Workflow.Define<Unit, int>("told", Body);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");
        Assert.Equal([false, false, false], seen);

        seen.Clear();
        await Database.ForgetFromAsync("A", 1);
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        await engine.ResultAsync<int>("A");
        Assert.Equal([true, false, false], seen);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            seen.Add(workflow.IsReplaying);
            yield return Step.Run("S1", _ => Task.CompletedTask);
            seen.Add(workflow.IsReplaying);
            yield return Step.Run("S2", _ => Task.CompletedTask);
            seen.Add(workflow.IsReplaying);
            yield return 1;
        }
    }

    [Fact]
    public async Task Attempts_of_the_workflow_count_its_runs()
    {
        var seen = new List<int>();
        var workflow = Workflow.Define<Unit, int>("counted", (_, context) => Attempts(context, seen));
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "A");
        for (var i = 0; i < 2; i++)
        {
            engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
            await engine.ResultAsync<int>("A");
        }

        Assert.Equal([1, 2, 3], seen);
        Assert.Equal(3, (await engine.GetStatusAsync("A", Cancel))!.RecoveryAttempts);
    }

    private static WorkflowDefinition<Unit, string> FluentFacts() => Workflow.Define<Unit, string>("facts")
        .Then(x => Keep("before", Facts(x.Workflow))).As(out var before)
        .Sleep(TimeSpan.FromMilliseconds(5))
        .Return(x => $"{x.Get(before)}|{Facts(x.Workflow)}");

    private static async IAsyncEnumerable<StepOr<string>> FactsBody(Unit input, WorkflowContext workflow)
    {
        var before = Facts(workflow);
        yield return Step.Run("S1", _ => Task.CompletedTask);
        yield return Step.Sleep(TimeSpan.FromMilliseconds(5));
        yield return $"{before}|{Facts(workflow)}";
    }

    private static RunStep<string> Keep(string name, string facts) => Step.Run(name, _ => Task.FromResult(facts));

    private static string Facts(WorkflowContext workflow) => string.Join(
        '|',
        workflow.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
        workflow.NewGuid(),
        workflow.NewGuid(),
        workflow.Random.NextInt64(),
        workflow.Random.NextDouble().ToString("R", CultureInfo.InvariantCulture),
        workflow.Random.Next(1000));

    private static bool Logged(WorkflowContext workflow, string place)
    {
        workflow.Logger.LogInformation("{Place} {Attempt}", place, workflow.Attempt);
        return false;
    }

    private int Logs(string text) => Log.Entries.Count(entry => entry.Text == text);

    private static async IAsyncEnumerable<StepOr<IReadOnlyList<Guid>>> Ids(WorkflowContext workflow)
    {
        yield return StepOr.Result<IReadOnlyList<Guid>>([.. Enumerable.Range(0, 100).Select(_ => workflow.NewGuid())]);
    }

    private static async IAsyncEnumerable<StepOr<int>> Attempts(WorkflowContext workflow, List<int> seen)
    {
        seen.Add(workflow.Attempt);
        yield return workflow.Attempt;
    }
}
