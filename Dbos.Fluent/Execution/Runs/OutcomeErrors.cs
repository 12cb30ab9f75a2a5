using System.Diagnostics;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Makes the exceptions for awaiters of a workflow that did not succeed.</summary>
internal static class OutcomeErrors
{
    public static Exception ToException(WorkflowOutcomeRow outcome, PayloadSerializer serializer, Exception? original)
    {
        switch (outcome.State)
        {
            case null:
                return new NonExistentWorkflowException(outcome.Id);
            case WorkflowState.Error:
                return Failures.ForAwaiter(serializer.DecodeFailure(outcome.Error), outcome.Id, original);
            case WorkflowState.Cancelled:
                return Cancelled(outcome, serializer);
            case WorkflowState.MaxRecoveryAttemptsExceeded:
                return new MaxRecoveryAttemptsExceededException(outcome.Id);
            default:
                throw new UnreachableException($"Workflow '{outcome.Id}' has no outcome in state {outcome.State}.");
        }
    }

    // The row's error holds the reason. A row that another SDK cancelled has no error; its deadline tells whether it timed out.
    private static AwaitedWorkflowCancelledException Cancelled(WorkflowOutcomeRow outcome, PayloadSerializer serializer)
    {
        if (outcome.Error.Text is not null
            && Failures.ForAwaiterOfCancelled(serializer.DecodeFailure(outcome.Error)) is { } recorded)
        {
            return new AwaitedWorkflowCancelledException(outcome.Id, recorded.Reason);
        }

        return new AwaitedWorkflowCancelledException(
            outcome.Id, outcome.DeadlinePassed ? CancellationReason.DeadlineExceeded : CancellationReason.Cancelled);
    }
}
