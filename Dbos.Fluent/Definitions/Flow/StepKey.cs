namespace Dbos.Fluent.Definitions;

/// <summary>Which step of a fluent definition: its place in a run's results, and what people call it.</summary>
/// <remarks>Compared by reference: modifiers of one step share the key, and two steps at one place of two continuations do not.</remarks>
internal sealed class StepKey(int ordinal, string title, string workflowName)
{
    /// <summary>Its place among the steps of its own definition, in the order in which that was written.</summary>
    public int Ordinal { get; } = ordinal;

    public string Title { get; } = title;

    public string WorkflowName { get; } = workflowName;
}
