using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Reads from the row why an execution no longer owns its workflow. Its steps are told that reason.</summary>
internal sealed class LostReasons(IWorkflowStore store, CancellationToken stopped)
{
    // A deleted workflow continues nowhere, which is a cancellation to its steps.
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
            // The workflow is known to be lost; only the reason is unknown.
            return CancellationReason.Shutdown;
        }
    }
}
