using System.Runtime.CompilerServices;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>
/// Refers to a workflow that runs, or ran, in any process. It holds no resource and may be kept, dropped and made again by id.
/// </summary>
public abstract class WorkflowHandle
{
    private protected WorkflowHandle(string id, IWorkflowOutcomes outcomes) => (Id, Outcomes) = (id, outcomes);

    /// <summary>The workflow's id.</summary>
    public string Id { get; }

    private protected IWorkflowOutcomes Outcomes { get; }

    /// <summary>Reads the workflow's current status.</summary>
    /// <param name="cancellationToken">Cancels the read, not the workflow.</param>
    /// <returns>The status at the moment it was read.</returns>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="EngineNotRunningException">The engine or client that the handle comes from has stopped.</exception>
    public Task<WorkflowStatus> GetStatusAsync(CancellationToken cancellationToken = default) =>
        Outcomes.GetStatusAsync(Id, cancellationToken);
}

/// <summary>Refers to a workflow with a result; awaiting the handle gives the result, whatever processes or restarts lie between.</summary>
/// <typeparam name="TOut">The result's type.</typeparam>
public sealed class WorkflowHandle<TOut> : WorkflowHandle
{
    internal WorkflowHandle(string id, IWorkflowOutcomes outcomes)
        : base(id, outcomes)
    {
    }

    /// <summary>Waits for the workflow to end and returns its result. It holds no thread and no connection while it waits.</summary>
    /// <param name="cancellationToken">Cancels the wait, not the workflow.</param>
    /// <returns>The result, decoded from its recorded form.</returns>
    /// <exception cref="WorkflowFailedException">The workflow ended with a failure.</exception>
    /// <exception cref="UnexpectedStepException">The workflow's code and its history disagreed.</exception>
    /// <exception cref="AwaitedWorkflowCancelledException">The workflow was cancelled, or its deadline passed.</exception>
    /// <exception cref="MaxRecoveryAttemptsExceededException">The workflow was recovered more often than allowed.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="SerializationFailedException">The recorded result is not a <typeparamref name="TOut"/>.</exception>
    /// <exception cref="EngineNotRunningException">
    /// The handle's engine or client has stopped, before the call or during it. The workflow is unharmed: retrieve it elsewhere.
    /// </exception>
    public Task<TOut> GetResultAsync(CancellationToken cancellationToken = default) => Outcomes.GetResultAsync<TOut>(Id, cancellationToken);

    /// <summary>Makes the handle itself awaitable: <c>await handle</c> is <see cref="GetResultAsync"/>.</summary>
    /// <returns>The awaiter of the result.</returns>
    public TaskAwaiter<TOut> GetAwaiter() => GetResultAsync().GetAwaiter();

    /// <summary>Configures how an await on the result continues.</summary>
    /// <param name="continueOnCapturedContext">False to continue on the thread pool.</param>
    /// <returns>The configured awaitable.</returns>
    public ConfiguredTaskAwaitable<TOut> ConfigureAwait(bool continueOnCapturedContext) =>
        GetResultAsync().ConfigureAwait(continueOnCapturedContext);
}
