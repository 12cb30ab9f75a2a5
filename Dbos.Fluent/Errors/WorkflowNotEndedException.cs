using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>Something was asked of a workflow that is possible only when it has ended, such as to rewind it. Nothing was changed.</summary>
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

    /// <summary>The state it was in.</summary>
    public WorkflowState State { get; }

    internal override IReadOnlyDictionary<string, string> Facts =>
        new Dictionary<string, string> { ["workflowId"] = WorkflowId, ["state"] = State.ToString() };
}
