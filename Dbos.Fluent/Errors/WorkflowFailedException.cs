using Dbos.Fluent.Errors;

namespace Dbos.Fluent;

/// <summary>
/// An awaited workflow ended with a failure. Thrown to the caller that awaits it, inside or outside a workflow, in any process.
/// </summary>
public sealed class WorkflowFailedException : DbosException
{
    internal WorkflowFailedException(string workflowId, RecordedFailure failure, Exception? original = null)
        : base(
            "DBOS4004",
            $"Workflow '{workflowId}' failed: "
            + FailureText.Of(
                failure,
                "Fix the cause; rewind the workflow to the step that failed if that may have had its effect, and fork it from there "
                + "otherwise. Where steps were undone, start it again under a new id."),
            original) =>
        (WorkflowId, Failure) = (workflowId, failure);

    /// <summary>The workflow that failed.</summary>
    public string WorkflowId { get; }

    /// <summary>
    /// The recorded failure that ended it: the exception of the workflow's or the step's code. After retries, or if a child failed, it is
    /// the library's own, with that exception in <see cref="RecordedFailure.Inner"/>.
    /// </summary>
    /// <remarks>Use <see cref="RecordedFailure.Is{TException}"/>, which checks every depth, instead of comparing type names.</remarks>
    public RecordedFailure Failure { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["workflowId"] = WorkflowId };

    internal override IReadOnlyList<RecordedFailure> InnerFailures => [Failure];
}
