using Dbos.Fluent.Errors;

namespace Dbos.Fluent;

/// <summary>A step failed on each of the attempts it was allowed.</summary>
public sealed class MaxStepRetriesExceededException : StepFailedException
{
    internal MaxStepRetriesExceededException(string workflowId, int sequence, string stepName, IReadOnlyList<RecordedFailure> attempts)
        : base(
            "DBOS4002",
            Describe(workflowId, sequence, stepName, attempts),
            workflowId,
            sequence,
            stepName,
            Summarize(workflowId, sequence, stepName, attempts)) =>
        Attempts = attempts;

    /// <summary>The failure of each attempt, in order.</summary>
    public IReadOnlyList<RecordedFailure> Attempts { get; }

    internal override IReadOnlyList<RecordedFailure> InnerFailures => Attempts;

    private static string Describe(string workflowId, int sequence, string stepName, IReadOnlyList<RecordedFailure> attempts) =>
        $"Step '{stepName}' ({sequence}) of workflow '{workflowId}' failed on each of its {attempts.Count} attempts; the last: "
        + FailureText.Of(
            attempts[^1],
            "Fix the cause; rewind the workflow to this step if it may have had its effect, and fork it from there otherwise. "
            + "Or allow more attempts.");

    private static RecordedFailure Summarize(string workflowId, int sequence, string stepName, IReadOnlyList<RecordedFailure> attempts) =>
        new(typeof(MaxStepRetriesExceededException).FullName!, "DBOS4002: " + Describe(workflowId, sequence, stepName, attempts))
        {
            Inner = attempts,
        };
}
