namespace Dbos.Fluent.Model;

/// <summary>
/// What a handle needs of the client that made it; narrow, so that definitions can make handles without knowing the client.
/// </summary>
internal interface IWorkflowOutcomes
{
    Task<T> GetResultAsync<T>(string workflowId, CancellationToken cancellationToken);

    Task<WorkflowStatus> GetStatusAsync(string workflowId, CancellationToken cancellationToken);
}
