using static Dbos.Fluent.Tests.Conformance.Parkable;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Groups that end beside a long wait: what comes after them goes on at once.</summary>
public abstract class GroupUnloadSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();

    [Theory]
    [InlineData("all")]
    [InlineData("one")]
    [InlineData("outcomes")]
    [InlineData("nested")]
    [InlineData("calls")]
    [InlineData("handles")]
    public async Task Group_wins_over_a_sleep_of_a_day_as_soon_as_it_has_ended(string group)
    {
        var child = Workflow.Define<int, int>("child").Step("c", x => Task.FromResult(counts.Add("c") * x.Input)).Return(x => x.Input);
        var workflow = Workflow.Define<Unit, int>("racing", Body);
        var engine = await LaunchAsync(child, workflow);

        var handle = await engine.StartAsync(workflow, default, new() { Id = "A" }, Cancel);

        Assert.Equal(0, await handle.ResultAsync());
        Assert.All(["a", "b", "c"], step => Assert.InRange(counts[step], 0, step == "c" ? 2 : 1));
        Assert.Equal(1, (await engine.GetStatusAsync("A", Cancel))!.RecoveryAttempts);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.StartMany(child, group == "handles" ? [1, 2] : []).As(out var handles);
            Step member = group switch
            {
                "all" => Step.All(Counted("a"), Counted("b")),
                "one" => Step.All(Counted("a")),
                "outcomes" => Step.AllOutcomes([Counted("a"), Counted("b")]),
                "nested" => Step.All(Step.All(Counted("a")), Step.All(Counted("b"))),
                "calls" => Step.All(Step.Call(child, 1), Step.Call(child, 2)),
                _ => Step.AwaitAll(handles.Result),
            };
            yield return Step.Any(member, Step.Sleep(TimeSpan.FromDays(1))).As(out var winner);
            yield return winner.Result;
        }
    }

    [Theory]
    [InlineData("items")]
    [InlineData("branches")]
    [InlineData("steps")]
    [InlineData("no items")]
    [InlineData("no steps")]
    public async Task Step_behind_a_group_runs_once_beside_a_sleep_of_a_day(string group)
    {
        var workflow = Workflow.Define<int, string>("charging")
            .Parallel(
                ("pay", branch => Group(branch.Step("before", _ => ReminderSleepsAsync()), group)
                    .Step("charge", _ => Task.FromResult(counts.Add("charge")))),
                ("reminder", branch => branch.Sleep(TimeSpan.FromDays(1))))
            .Return(_ => "done");
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);

        var handle = await engine.BeginAsync(workflow, 0, "A");
        await ParkedAsync(engine, "A");

        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE function_name = 'charge'"));
        time.Advance(TimeSpan.FromDays(1));
        Assert.Equal("done", await handle.ResultAsync());
        Assert.Equal(1, counts["charge"]);
    }

    [Fact]
    public async Task Bodies_beside_a_receive_run_once_however_soon_waits_leave_memory()
    {
        var workflow = Workflow.Define<int, int>("busy")
            .Parallel(("work", branch => Group(Group(Group(branch, "items"), "branches"), "steps")
                    .Step("last", x => Task.FromResult(counts.Add($"last of {x.Input}")))),
                ("told", branch => branch.Receive<int>("t", TimeSpan.FromDays(1))))
            .Return(x => x.Input);
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, workflow);

        var handles = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => engine.BeginAsync(workflow, number, $"{number}")));
        foreach (var (number, handle) in handles.Index())
        {
            await engine.SendAsync(handle.Id, 1, "t", cancellationToken: Cancel);
            Assert.Equal(number, await handle.ResultAsync());
            Assert.Equal(1, counts[$"last of {number}"]);
        }
    }

    private Task ReminderSleepsAsync() => Eventually.TrueAsync(
        async () => await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'") == 1,
        Bounded.Limit);

    private Step<int> Counted(string name) => Step.Run(name, _ => Task.FromResult(counts.Add(name)));

    private static WorkflowBuilder<int, T> Group<T>(WorkflowBuilder<int, T> branch, string group) => group switch
    {
        "items" => branch.ForEach(_ => new[] { 1, 2 }, "item", (item, _) => Task.FromResult(item), maxParallel: 2),
        "no items" => branch.ForEach(_ => Array.Empty<int>(), "item", (item, _) => Task.FromResult(item), maxParallel: 2),
        "no steps" => branch.Then(_ => Step.All()),
        "branches" => branch.Parallel(("x", x => x.Step("x", _ => Task.FromResult(1))), ("y", y => y.Step("y", _ => Task.FromResult(2)))),
        _ => branch.Then(_ => Step.All(Step.Run("p", _ => Task.FromResult(1)), Step.Run("q", _ => Task.FromResult(2)))),
    };
}
