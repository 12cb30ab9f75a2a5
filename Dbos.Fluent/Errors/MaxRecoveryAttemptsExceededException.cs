namespace Dbos.Fluent;

/// <summary>
/// A workflow was recovered more often than allowed and is not tried again: it may be what kills the processes that run it.
/// </summary>
public sealed class MaxRecoveryAttemptsExceededException : DbosException
{
    internal MaxRecoveryAttemptsExceededException(string workflowId)
        : base(
            "DBOS5003",
            $"Workflow '{workflowId}' was recovered more often than allowed and is not tried again. Find out what ended the processes "
            + "that ran it, fix that, and resume it: a resume gives it a whole new budget of attempts.") => WorkflowId = workflowId;

    /// <summary>The workflow that is not tried again.</summary>
    public string WorkflowId { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["workflowId"] = WorkflowId };
}
