namespace Dbos.Fluent;

/// <summary>No workflow has this id in this database.</summary>
public sealed class NonExistentWorkflowException : DbosException
{
    internal NonExistentWorkflowException(string workflowId)
        : base(
            "DBOS5001",
            $"No workflow has the id '{workflowId}'. It was never started in this database and schema, "
            + "or it was deleted; check the id and the connection.") =>
        WorkflowId = workflowId;

    /// <summary>The id that no workflow has.</summary>
    public string WorkflowId { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["workflowId"] = WorkflowId };
}
