using Dbos.Fluent.Model;

namespace Dbos.Fluent.Tests.Definitions;

/// <summary>Stands behind handles that nobody awaits.</summary>
internal sealed class NoOutcomes : IWorkflowOutcomes
{
    public static NoOutcomes Instance { get; } = new();

    public Task<T> GetResultAsync<T>(string workflowId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<WorkflowStatus> GetStatusAsync(string workflowId, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
