using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that waits for the first of several workflows to end (<c>DBOS.waitFirst</c>).</summary>
/// <remarks>Its result is the winner's index in the list; what is stored is the winner's id.</remarks>
internal interface IAwaitAnyStep
{
    /// <summary>At least one.</summary>
    IReadOnlyList<string> WorkflowIds { get; }
}

/// <summary>Waits for the first of several workflows to end.</summary>
internal sealed class AwaitAnyStep(IReadOnlyList<string> workflowIds) : Step<int>(BuiltInNames.WaitFirst), IAwaitAnyStep
{
    public IReadOnlyList<string> WorkflowIds { get; } = workflowIds;
}
