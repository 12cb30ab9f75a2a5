namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows that are one race, in both forms; the result is the winner's index.</summary>
internal static class Racing
{
    public const string Any = "Dbos.Fluent.any";

    public static WorkflowDefinition<Unit, int> Of(Form form, Func<Step[]> members)
    {
        return form.Pick(
            Workflow.Define<Unit, int>("race", Body),
            Workflow.Define<Unit, int>("race").Then(_ => Step.Any(members())).As(out var winner).Return(x => x.Get(winner)));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Any(members()).As(out var winner);
            yield return winner.Result;
        }
    }

    /// <summary>A member that waits at a gate.</summary>
    public static RunStep<string> At(Probe gate, string name) => Step.Run(name, async s =>
    {
        await gate.PassAsync(s);
        return name;
    });

    /// <summary>A member that finishes at once.</summary>
    public static RunStep<string> Quick(string name) => Step.Run(name, _ => Task.FromResult(name));

    /// <summary>A member that never finishes by itself.</summary>
    public static RunStep<string> Endless(string name) => At(new Probe(), name);
}
