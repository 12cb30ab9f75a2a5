using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent;

/// <summary>Reads results and statuses for handles.</summary>
internal sealed class ClientOutcomes(CallGuard calls, Wakeups wakeups, StatusReader reader, PayloadSerializer serializer)
    : IWorkflowOutcomes
{
    public async Task<T> GetResultAsync<T>(string workflowId, CancellationToken cancellationToken)
    {
        calls.ThrowIfStopped("wait for a result");
        var outcome = await calls.UseAsync(
            "continue waiting for a result", token => wakeups.Outcomes.WaitAsync(workflowId, token), cancellationToken)
            .ConfigureAwait(false);
        if (outcome.Row.State != WorkflowState.Success)
        {
            throw OutcomeErrors.ToException(outcome.Row, serializer, outcome.Original);
        }

        try
        {
            return (T)serializer.Decode(outcome.Row.Output, typeof(T))!;
        }
        catch (SerializationFailedException exception)
        {
            throw SerializationFailure.At(exception, workflowId, $"The result of workflow '{workflowId}' cannot be decoded");
        }
    }

    public async Task<WorkflowStatus> GetStatusAsync(string workflowId, CancellationToken cancellationToken) =>
        await calls.UseAsync("read a status", token => reader.ReadAsync(workflowId, token), cancellationToken).ConfigureAwait(false)
            ?? throw new NonExistentWorkflowException(workflowId);
}
