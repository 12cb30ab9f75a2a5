using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Why an execution no longer owns its workflow, as the row tells: what its steps are told.</summary>
internal sealed class LostReasons(IWorkflowStore store, CancellationToken stopped)
{
    // What was deleted goes on nowhere, which is what a cancellation is to a step.
    public static CancellationReason Of(LostExecution lost) =>
        lost.State is null ? CancellationReason.Cancelled
        : lost.State != WorkflowState.Cancelled ? CancellationReason.Shutdown
        : lost.DeadlinePassed ? CancellationReason.DeadlineExceeded
        : CancellationReason.Cancelled;

    public async Task<CancellationReason> ReadAsync(Ownership execution)
    {
        try
        {
            var found = await store.ReadLostAsync([execution], stopped).ConfigureAwait(false);
            return found is [var lost] ? Of(lost) : CancellationReason.Shutdown;
        }
        catch (Exception exception) when (exception is DbosException or OperationCanceledException)
        {
            // That it is lost is known; only the reason is not.
            return CancellationReason.Shutdown;
        }
    }
}
