using System.Globalization;
using Dbos.Fluent.Errors;

namespace Dbos.Fluent;

/// <summary>A step failed. Thrown, with the recorded failure, where the result of the step is read.</summary>
public class StepFailedException : DbosException
{
    internal StepFailedException(string workflowId, int sequence, string stepName, RecordedFailure failure)
        : this(
            "DBOS4001",
            $"Step '{stepName}' ({sequence}) of workflow '{workflowId}' failed: "
            + FailureText.Of(
                failure,
                "Fix the cause; rewind the workflow to this step if it may have had its effect, and fork it from there otherwise. "
                + "Or let the workflow go on without it (Try)."),
            workflowId,
            sequence,
            stepName,
            failure)
    {
    }

    private protected StepFailedException(
        string code, string message, string workflowId, int sequence, string stepName, RecordedFailure failure)
        : base(code, message) => (WorkflowId, Sequence, StepName, Failure) = (workflowId, sequence, stepName, failure);

    /// <summary>The workflow the step belongs to.</summary>
    public string WorkflowId { get; }

    /// <summary>The step's sequence number.</summary>
    public int Sequence { get; }

    /// <summary>The step's name.</summary>
    public string StepName { get; }

    /// <summary>The recorded failure.</summary>
    public RecordedFailure Failure { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string>
    {
        ["workflowId"] = WorkflowId,
        ["sequence"] = Sequence.ToString(CultureInfo.InvariantCulture),
        ["stepName"] = StepName,
    };

    internal override IReadOnlyList<RecordedFailure> InnerFailures => [Failure];
}
