using System.Collections.Immutable;

namespace Dbos.Fluent.Definitions;

/// <summary>The results of one run of a fluent definition: for each step, the descriptor that ran last.</summary>
/// <remarks>Concurrent branches share it; each stores the results of its own steps only.</remarks>
internal sealed class FlowResults
{
    private readonly string workflowName;
    private readonly ImmutableArray<StepKey> steps;
    private readonly Step?[] latest;

    public FlowResults(string workflowName, ImmutableArray<StepKey> steps)
        : this(workflowName, steps, new Step?[steps.Length])
    {
    }

    private FlowResults(string workflowName, ImmutableArray<StepKey> steps, Step?[] latest) =>
        (this.workflowName, this.steps, this.latest) = (workflowName, steps, latest);

    public void Keep(StepKey key, Step step) => Volatile.Write(ref latest[key.Ordinal], step);

    /// <summary>A copy of the current results, which later results do not change.</summary>
    public FlowResults Copy() => new(workflowName, steps, [.. latest]);

    public T Get<T>(ResultOf<T> result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var key = result.Key;
        if (key.Ordinal >= steps.Length || steps[key.Ordinal] != key)
        {
            throw new InvalidOperationException(
                $"Workflow '{workflowName}' reads the result of step '{key.Title}', which belongs to another definition "
                + $"('{key.WorkflowName}'): a definition reads only results of its own steps.");
        }

        return Volatile.Read(ref latest[key.Ordinal]) is { } step
            ? result.Read(step)
            : throw new InvalidOperationException(
                $"Workflow '{workflowName}' reads the result of step '{key.Title}', which has not run: "
                + "read it after that step, and only on paths on which it runs.");
    }
}
