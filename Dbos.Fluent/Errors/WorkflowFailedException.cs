using Dbos.Fluent.Errors;

namespace Dbos.Fluent;

/// <summary>An awaited workflow ended with a failure. Thrown to whoever awaits it, inside or outside a workflow, in any process.</summary>
public sealed class WorkflowFailedException : DbosException
{
    internal WorkflowFailedException(string workflowId, RecordedFailure failure, Exception? original = null)
        : base(
            "DBOS4004",
            $"Workflow '{workflowId}' failed: "
            + FailureText.Of(
                failure, "Mend the cause and fork the workflow from the step that failed; where steps were undone, start it anew."),
            original) =>
        (WorkflowId, Failure) = (workflowId, failure);

    /// <summary>The workflow that failed.</summary>
    public string WorkflowId { get; }

    /// <summary>The failure that ended it, in recorded form: the user's own type, not a wrapper.</summary>
    public RecordedFailure Failure { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["workflowId"] = WorkflowId };

    internal override IReadOnlyList<RecordedFailure> InnerFailures => [Failure];
}
