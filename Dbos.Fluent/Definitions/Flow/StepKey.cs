namespace Dbos.Fluent.Definitions;

/// <summary>Identifies a step of a fluent definition: its index in a run's results, and its title for people.</summary>
/// <remarks>
/// Compared by reference: modifiers of one step share the key, while steps at the same place of two continuations have different keys.
/// </remarks>
internal sealed class StepKey(int ordinal, string title, string workflowName)
{
    /// <summary>The step's index in its definition, in the order written.</summary>
    public int Ordinal { get; } = ordinal;

    public string Title { get; } = title;

    public string WorkflowName { get; } = workflowName;
}
