namespace Dbos.Fluent.Benchmarks;

/// <summary>The workflows that are measured.</summary>
internal static class StepWorkflows
{
    /// <summary>As many steps as the input says, one after the other, each with a small result.</summary>
    public static readonly WorkflowDefinition<int, int> Steps = Workflow.Define<int, int>("steps", RunSteps);

    /// <summary>
    /// As many steps as its input says, and one more that stands still until the process is killed, or reports that it was reached.
    /// </summary>
    public static readonly WorkflowDefinition<int, int> Held = Workflow.Define<int, int>("held", RunHeld);

    /// <summary>What the last step of <see cref="Held"/> does.</summary>
    public static Func<CancellationToken, Task> AtTheEnd { get; set; } = _ => Task.CompletedTask;

    private static async IAsyncEnumerable<StepOr<int>> RunSteps(int count, WorkflowContext workflow)
    {
        var sum = 0;
        for (var i = 0; i < count; i++)
        {
            var number = i;
            yield return Step.Run("step", _ => Task.FromResult(number)).As(out var step);
            sum += step.Result;
        }

        yield return sum;
    }

    private static async IAsyncEnumerable<StepOr<int>> RunHeld(int count, WorkflowContext workflow)
    {
        var sum = 0;
        for (var i = 0; i < count; i++)
        {
            var number = i;
            yield return Step.Run("step", _ => Task.FromResult(number)).As(out var step);
            sum += step.Result;
        }

        yield return Step.Run("end", s => AtTheEnd(s.CancellationToken));
        yield return sum;
    }
}
