using System.Collections.Immutable;

namespace Dbos.Fluent.Definitions;

/// <summary>The results of one run of a fluent definition: for each step the descriptor that ran last.</summary>
internal sealed class FlowResults(string workflowName, ImmutableArray<StepKey> steps)
{
    private readonly Step?[] latest = new Step?[steps.Length];

    public void Keep(StepKey key, Step step) => latest[key.Ordinal] = step;

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

        return latest[key.Ordinal] is { } step
            ? result.Read(step)
            : throw new InvalidOperationException(
                $"Workflow '{workflowName}' reads the result of step '{key.Title}', which has not run: "
                + "read it after that step, and only on paths on which it runs.");
    }
}
