namespace Dbos.Fluent.Model;

/// <summary>
/// The part of a client that a handle needs; it is narrow, so that definitions can make handles without knowing the client.
/// </summary>
internal interface IWorkflowOutcomes
{
    Task<T> GetResultAsync<T>(string workflowId, CancellationToken cancellationToken);

    Task<WorkflowStatus> GetStatusAsync(string workflowId, CancellationToken cancellationToken);
}
