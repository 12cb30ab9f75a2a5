using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>
/// A start's id is in use and the start asked for <see cref="IdReuse.Reject"/>, or a child's generated id belongs to a workflow that its
/// parent has not started.
/// </summary>
public sealed class WorkflowIdInUseException : DbosException
{
    internal WorkflowIdInUseException(string workflowId, string existingName, WorkflowState state)
        : this(
            workflowId,
            existingName,
            state,
            $"The id '{workflowId}' is in use by a workflow '{existingName}' in state {state.ToStored()}. "
            + "Choose another id, or start with IdReuse.ReturnExisting to attach to it.")
    {
    }

    private WorkflowIdInUseException(string workflowId, string existingName, WorkflowState state, string message)
        : base("DBOS2002", message) => (WorkflowId, ExistingName, State) = (workflowId, existingName, state);

    /// <summary>The id was chosen for a fork.</summary>
    internal static WorkflowIdInUseException OfFork(string workflowId, string existingName, WorkflowState state) => new(
        workflowId,
        existingName,
        state,
        $"The id '{workflowId}', chosen for a fork, is in use by a workflow '{existingName}' in state {state.ToStored()}. "
        + "Choose another id, or leave ForkOptions.Id unset to have one made.");

    /// <summary>The id was generated for a child, from its parent's id and its sequence number there.</summary>
    internal static WorkflowIdInUseException OfChild(string workflowId, string parentId, string existingName, WorkflowState state) => new(
        workflowId,
        existingName,
        state,
        $"The id '{workflowId}', which a child of workflow '{parentId}' gets by itself, is in use by a workflow '{existingName}' in state "
        + $"{state.ToStored()} that '{parentId}' has not started. Give the child an id of its own (StartOptions.Id), and call no other "
        + "workflow by the id of one and a number.")
    {
        ParentId = parentId,
    };

    /// <summary>The id in use.</summary>
    public string WorkflowId { get; }

    /// <summary>The name of the definition that has the id.</summary>
    public string ExistingName { get; }

    /// <summary>The state of the workflow that has the id.</summary>
    public WorkflowState State { get; }

    // The parent of the child that was to have the id; null if the id was not for a child.
    private string? ParentId { get; init; }

    internal override IReadOnlyDictionary<string, string> Facts
    {
        get
        {
            var facts = new Dictionary<string, string>
            {
                ["workflowId"] = WorkflowId,
                ["existingName"] = ExistingName,
                ["state"] = State.ToString(),
            };
            if (ParentId is not null)
            {
                facts["parentId"] = ParentId;
            }

            return facts;
        }
    }
}
