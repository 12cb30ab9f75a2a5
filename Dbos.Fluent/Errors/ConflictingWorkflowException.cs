namespace Dbos.Fluent;

/// <summary>The id of a start belongs to a workflow of another definition.</summary>
public sealed class ConflictingWorkflowException : DbosException
{
    internal ConflictingWorkflowException(string workflowId, string startedName, string existingName)
        : base(
            "DBOS2001",
            $"Workflow '{startedName}' was started with the id '{workflowId}', which belongs to a workflow '{existingName}'. "
            + "Make ids unique across definitions, for example by beginning them with the definition's name.") =>
        (WorkflowId, StartedName, ExistingName) = (workflowId, startedName, existingName);

    /// <summary>The id both claim.</summary>
    public string WorkflowId { get; }

    /// <summary>The name of the definition that was to be started.</summary>
    public string StartedName { get; }

    /// <summary>The name of the definition that has the id.</summary>
    public string ExistingName { get; }

    internal override IReadOnlyDictionary<string, string> Facts =>
        new Dictionary<string, string> { ["workflowId"] = WorkflowId, ["startedName"] = StartedName, ["existingName"] = ExistingName };
}
