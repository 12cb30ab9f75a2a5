using Dbos.Fluent.Errors;

namespace Dbos.Fluent;

/// <summary>A step failed on each of the attempts it was allowed.</summary>
public sealed class MaxStepRetriesExceededException : StepFailedException
{
    private const string OwnCode = "DBOS4002";

    internal MaxStepRetriesExceededException(
        string workflowId, int sequence, string stepName, IReadOnlyList<RecordedFailure> attempts, int count)
        : this(workflowId, sequence, stepName, new RecordedFailure(
            typeof(MaxStepRetriesExceededException).FullName!,
            $"{OwnCode}: " + Describe(workflowId, sequence, stepName, attempts[^1], count))
        {
            Inner = attempts,
        })
    {
    }

    // As it was recorded: only the text still tells how many attempts there were, where not each of them is stored.
    internal MaxStepRetriesExceededException(string workflowId, int sequence, string stepName, RecordedFailure failure)
        : base(OwnCode, WithoutCode(failure.Message), workflowId, sequence, stepName, failure) => Attempts = failure.Inner;

    /// <summary>
    /// The failure of each attempt, in order; of more than a hundred attempts the first and the last fifty. Less is there where they were
    /// too large to be stored whole.
    /// </summary>
    public IReadOnlyList<RecordedFailure> Attempts { get; }

    internal override IReadOnlyList<RecordedFailure> InnerFailures => Attempts;

    private static string WithoutCode(string message) =>
        message.StartsWith($"{OwnCode}: ", StringComparison.Ordinal) ? message[(OwnCode.Length + 2)..] : message;

    private static string Describe(string workflowId, int sequence, string stepName, RecordedFailure last, int count) =>
        $"Step '{stepName}' ({sequence}) of workflow '{workflowId}' failed on each of its {count} attempts; the last: "
        + FailureText.Of(
            last,
            "Fix the cause; rewind the workflow to this step if it may have had its effect, and fork it from there otherwise. "
            + "Or allow more attempts.");
}
