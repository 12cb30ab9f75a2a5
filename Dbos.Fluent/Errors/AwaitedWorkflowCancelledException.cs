namespace Dbos.Fluent;

/// <summary>An awaited workflow was cancelled, or its deadline passed.</summary>
public sealed class AwaitedWorkflowCancelledException : DbosException
{
    internal AwaitedWorkflowCancelledException(string workflowId, CancellationReason reason)
        : base(
            "DBOS5002",
            reason == CancellationReason.DeadlineExceeded
                ? $"{Subject(workflowId)} was cancelled because its deadline passed. "
                  + "Resume it to give it a whole new timeout, or start it with a longer one."
                : $"{Subject(workflowId)} was cancelled. Resume it to go on from its last checkpoint.") =>
        (WorkflowId, Reason) = (workflowId, reason);

    /// <summary>The cancelled workflow.</summary>
    public string WorkflowId { get; }

    /// <summary><see cref="CancellationReason.Cancelled"/> or <see cref="CancellationReason.DeadlineExceeded"/>.</summary>
    public CancellationReason Reason { get; }

    internal override IReadOnlyDictionary<string, string> Facts =>
        new Dictionary<string, string> { ["workflowId"] = WorkflowId, ["reason"] = Reason.ToString() };

    // A record shared by the cancellation of many workflows names none of them.
    private static string Subject(string workflowId) => workflowId.Length == 0 ? "The workflow" : $"Workflow '{workflowId}'";
}
