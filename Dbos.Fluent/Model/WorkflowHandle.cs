using System.Runtime.CompilerServices;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>
/// Refers to a workflow that runs, or ran, somewhere. It holds no resource and may be kept, dropped and made again by id.
/// </summary>
public abstract class WorkflowHandle
{
    private protected WorkflowHandle(string id, IWorkflowOutcomes outcomes) => (Id, Outcomes) = (id, outcomes);

    /// <summary>The workflow's id.</summary>
    public string Id { get; }

    private protected IWorkflowOutcomes Outcomes { get; }

    /// <summary>Reads the workflow's status now.</summary>
    /// <param name="cancellationToken">Stops the reading, not the workflow.</param>
    /// <returns>What is known of it.</returns>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="EngineNotRunningException">The engine or client that the handle comes from has stopped.</exception>
    public Task<WorkflowStatus> GetStatusAsync(CancellationToken cancellationToken = default) =>
        Outcomes.GetStatusAsync(Id, cancellationToken);
}

/// <summary>Refers to a workflow with a result; awaiting it gives that result, however many processes or restarts lie between.</summary>
/// <typeparam name="TOut">The result's type.</typeparam>
public sealed class WorkflowHandle<TOut> : WorkflowHandle
{
    internal WorkflowHandle(string id, IWorkflowOutcomes outcomes)
        : base(id, outcomes)
    {
    }

    /// <summary>Waits for the workflow to end and returns its result. It holds no thread and no connection while it waits.</summary>
    /// <param name="cancellationToken">Stops the waiting, not the workflow.</param>
    /// <returns>The result, decoded from its recorded form.</returns>
    /// <exception cref="WorkflowFailedException">It ended with a failure.</exception>
    /// <exception cref="UnexpectedStepException">Its code and its history disagreed.</exception>
    /// <exception cref="AwaitedWorkflowCancelledException">It was cancelled, or its deadline passed.</exception>
    /// <exception cref="MaxRecoveryAttemptsExceededException">It was recovered more often than allowed.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="SerializationFailedException">The recorded result is not a <typeparamref name="TOut"/>.</exception>
    /// <exception cref="EngineNotRunningException">
    /// The engine or client that the handle comes from has stopped, before or meanwhile. The workflow is unharmed: retrieve it elsewhere.
    /// </exception>
    public Task<TOut> GetResultAsync(CancellationToken cancellationToken = default) => Outcomes.GetResultAsync<TOut>(Id, cancellationToken);

    /// <summary>Makes the handle itself awaitable: <c>await handle</c> is <see cref="GetResultAsync"/>.</summary>
    /// <returns>The awaiter of the result.</returns>
    public TaskAwaiter<TOut> GetAwaiter() => GetResultAsync().GetAwaiter();

    /// <summary>Awaits the result with the given choice of context.</summary>
    /// <param name="continueOnCapturedContext">False to continue on the thread pool.</param>
    /// <returns>The configured awaitable.</returns>
    public ConfiguredTaskAwaitable<TOut> ConfigureAwait(bool continueOnCapturedContext) =>
        GetResultAsync().ConfigureAwait(continueOnCapturedContext);
}
