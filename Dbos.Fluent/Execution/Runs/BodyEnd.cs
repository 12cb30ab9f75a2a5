using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Execution;

/// <summary>How the body of a workflow ended, before that is stored.</summary>
internal sealed record BodyEnd(bool IsStopped, object? Result, RecordedFailure? Failure, Exception? Exception)
{
    /// <summary>The encoded result after a success, or the encoded input of the next generation.</summary>
    public Payload Output { get; init; }

    /// <summary>The step that takes the workflow to its next generation; null after any other end.</summary>
    public ContinueAsNewStep? Again { get; private init; }

    public bool IsSuccess => !IsStopped && Failure is null && Again is null;

    public static BodyEnd Stopped { get; } = new(true, null, null, null);

    public static BodyEnd Succeeded(object? result) => new(false, result, null, null);

    public static BodyEnd Continued(ContinueAsNewStep again) => new(false, null, null, null) { Again = again };

    public static BodyEnd FailedBy(RecordedFailure failure, Exception exception) => new(false, null, failure, exception);

    /// <summary>The end of a workflow by a step that failed.</summary>
    /// <remarks>For debugging, an awaiter in this process gets the exception itself; the record is what counts.</remarks>
    public static BodyEnd FailedBy(Step step, RunScope run)
    {
        var (failure, exception) = (step.RecordedError!, step.RecordedException!);
        return FailedBy(
            exception is DbosException and not StepFailedException ? Failures.Record(exception) : failure,
            run.Original is { } original && ReferenceEquals(original.Failure, failure) ? original.Exception : exception);
    }
}
