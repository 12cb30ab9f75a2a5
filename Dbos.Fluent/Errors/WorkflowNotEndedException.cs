using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>
/// An operation that needs an ended workflow, such as a rewind, was called on one that has not ended. Nothing was changed.
/// </summary>
public sealed class WorkflowNotEndedException : DbosException
{
    internal WorkflowNotEndedException(string workflowId, WorkflowState state)
        : base(
            "DBOS2006",
            $"The workflow '{workflowId}' has not ended: it is {state.ToStored()}, and only an ended workflow can be rewound. "
            + "Cancel it first, or fork it, which leaves it as it is.") =>
        (WorkflowId, State) = (workflowId, state);

    /// <summary>The workflow's id.</summary>
    public string WorkflowId { get; }

    /// <summary>The state of the workflow.</summary>
    public WorkflowState State { get; }

    internal override IReadOnlyDictionary<string, string> Facts =>
        new Dictionary<string, string> { ["workflowId"] = WorkflowId, ["state"] = State.ToString() };
}
