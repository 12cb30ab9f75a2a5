namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Which changes of code a waiting history can go on with: a replay says so, case by case.</summary>
public abstract class AdoptReplaySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<int, int> Child =
        Workflow.Define<int, int>("child").Receive<int>("child").As(out var message).Return(x => x.Get(message));

    private static readonly WorkflowDefinition<int, int> OtherChild = Workflow.Define<int, int>("other child").Return(x => x.Input);

    // What ran before the wait, what the new code yields there, and why that does not go together; null where it does.
    private static readonly (string Name, Func<Step[]> Old, Func<Step[]> New, string? Why)[] Cases =
    [
        ("the same", () => [Run("a"), Run("b"), Wait()], () => [Run("a"), Run("b"), Wait()], null),
        ("one more behind", () => [Run("a"), Wait()], () => [Run("a"), Wait(), Run("new")], null),
        ("one more before", () => [Run("a"), Wait()], () => [Run("new"), Run("a"), Wait()], "yielded 'new' at position 0"),
        ("one more at the end of what is recorded", () => [Run("a"), Wait()], () => [Run("a"), Run("new"), Wait()], null),
        ("one less", () => [Run("a"), Run("b"), Wait()], () => [Run("b"), Wait()], "its history holds 'a'"),
        ("the wait came forward", () => [Run("a"), Wait()], () => [Wait()], "its history holds 'a'"),
        ("another kind", () => [Run("a"), Wait()], () => [Step.Sleep(TimeSpan.Zero), Wait()], "yielded 'DBOS.sleep' at position 0"),
        ("ends sooner", () => [Run("a"), Run("b"), Wait()], () => [Run("a")], "position 1"),
        ("members the other way round", () => [Both("a", "b"), Wait()], () => [Both("b", "a"), Wait()], "at position 0"),
        ("members in a row", () => [Both("a", "b"), Wait()], () => [Run("a"), Run("b"), Wait()], null),
        ("a patch", () => [Run("a"), Wait()], () => [Step.Patch("p"), Run("a"), Wait()], null),
        ("the same child", () => [Step.Call(Child, 7)], () => [Step.Call(Child, 7), Run("new")], null),
        ("another child", () => [Step.Call(Child, 7)], () => [Step.Call(OtherChild, 7)], "yielded 'other child' at position 0"),
    ];

    [Fact]
    public async Task A_history_goes_on_with_code_that_repeats_it_and_with_no_other()
    {
        WorkflowDefinition<Unit, Unit>[] old = [.. Cases.Select(each => Flows.Series(each.Name, each.Old))];
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, [Child, OtherChild, .. old]);
        foreach (var workflow in old)
        {
            await engine.BeginAsync(workflow, default, workflow.Name);
            await Parkable.ParkedAsync(engine, workflow.Name);
        }

        await Parkable.ParkedAsync(engine, "another child-0");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var before = await StepsOfRefusedAsync();
        engine = await LaunchAsync(
            options => (options.ApplicationVersion, options.UnloadAfter) = ("v2", TimeSpan.Zero),
            [Child, OtherChild, .. Cases.Select(each => Flows.Series(each.Name, each.New))]);

        var outcomes = (await engine.Versions.AdoptAsync("v1", Cancel)).ToDictionary(outcome => outcome.WorkflowId);
        Assert.Equal(Cases.Length + 2, outcomes.Count);
        foreach (var (name, _, _, why) in Cases)
        {
            Assert.Equal((name, why is null), (name, outcomes[name].Adopted));
            Assert.Contains(why ?? "", outcomes[name].Why ?? "");
        }

        Assert.Equal(before, await StepsOfRefusedAsync());
        await engine.SendAsync("the same child-0", 7, "child", cancellationToken: Cancel);
        foreach (var (name, _, _, why) in Cases)
        {
            await engine.SendAsync(name, 7, "go", cancellationToken: Cancel);
            if (why is null)
            {
                await engine.ResultAsync<Unit>(name);
            }

            Assert.Equal(why is null ? "v2" : "v1", (await engine.GetStatusAsync(name, Cancel))!.ApplicationVersion);
        }
    }

    private async Task<string> StepsOfRefusedAsync()
    {
        var steps = new List<string>();
        foreach (var (name, _, _, why) in Cases.Where(each => each.Why is not null))
        {
            steps.Add(await Database.StoredStepsAsync(name));
        }

        return string.Join('\n', steps);
    }

    private static RunStep<Unit> Run(string name) => Step.Run(name, _ => Task.CompletedTask);

    private static Step<int> Wait() => Step.Receive<int>("go");

    private static Step<IReadOnlyList<Unit>> Both(string one, string other) => Step.All(Run(one), Run(other));
}
