using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>Everything that can be done with workflows from outside one. An engine is one too. Safe for concurrent use.</summary>
/// <remarks>Calls wait out an outage of the database unless their token is cancelled.</remarks>
public partial class WorkflowClient : IAsyncDisposable
{
    private readonly ClientMessages messages;

    internal WorkflowClient(ClientCore core)
    {
        Core = core;
        messages = new ClientMessages(core);
        core.Client = this;
    }

    internal ClientCore Core { get; }

    /// <summary>
    /// Starts a workflow and returns once it is durable: from then on it will be finished, whatever happens to this process.
    /// </summary>
    /// <param name="definition">What to start; it must be registered with this engine.</param>
    /// <param name="input">Its input.</param>
    /// <param name="options">How it is started; null for the defaults.</param>
    /// <param name="cancellationToken">
    /// Gives up the waiting. The workflow is then either not started, or started and run to its end.
    /// </param>
    /// <typeparam name="TIn">The input's type.</typeparam>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>
    /// A handle to the workflow. If the id was in use by a workflow of this definition, a handle to that one, whatever its state; its
    /// outcome is thrown by awaiting the handle, never by the start.
    /// </returns>
    /// <exception cref="WorkflowNotRegisteredException">The definition is not registered with this engine.</exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to a workflow of another definition.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use, and the options say <see cref="IdReuse.Reject"/>.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task<WorkflowHandle<TOut>> StartAsync<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, TIn input, StartOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return StartCoreAsync(definition, input, options ?? new StartOptions(), cancellationToken);
    }

    /// <summary>A handle to a workflow that was started before, here or elsewhere. Nothing is read until the handle is used.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>The handle; an id that nothing has shows when it is awaited.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public WorkflowHandle<TOut> Retrieve<TOut>(string workflowId) => new(Names.CheckId(workflowId, nameof(workflowId)), Core);

    /// <summary>Reads what is known of a workflow now.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <returns>Its status, or null if no workflow has this id.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public Task<WorkflowStatus?> GetStatusAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        return Core.UseAsync("read a status", token => Core.Reader.ReadAsync(workflowId, token), cancellationToken);
    }

    /// <summary>Reads a workflow and its checkpoints.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <returns>The history as it is now; printed, it is the same on every store.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    public async Task<WorkflowHistory> GetHistoryAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        var history = await Core.UseAsync(
            "read a history", token => Core.Reader.ReadHistoryAsync(workflowId, token), cancellationToken).ConfigureAwait(false);
        return history ?? throw new NonExistentWorkflowException(workflowId);
    }

    /// <inheritdoc cref="CancelAsync(IEnumerable{string}, bool, CancellationToken)"/>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="children">True to cancel its descendants too; false by default.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    public Task CancelAsync(string workflowId, bool children = false, CancellationToken cancellationToken = default) =>
        CancelAsync([workflowId], children, cancellationToken);

    /// <summary>Cancels workflows that have not ended, wherever they run. Ended and unknown ones are left alone.</summary>
    /// <remarks>
    /// A running step's token fires, at once in this process and within a second in another. What is cancelled is never compensated.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all are cancelled in one transaction.</param>
    /// <param name="children">
    /// True to cancel their children too, and theirs, also below a workflow that has ended; false, the default, leaves children alone.
    /// </param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the cancellation is durable.</returns>
    /// <exception cref="ArgumentException">An id is blank, too long or holds control characters.</exception>
    public Task CancelAsync(
        IEnumerable<string> workflowIds, bool children = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(workflowIds);
        string[] ids = [.. workflowIds.Select(id => Names.CheckId(id, nameof(workflowIds))).Distinct(StringComparer.Ordinal)];
        return Core.CancelAsync(ids, children, cancellationToken);
    }

    /// <inheritdoc cref="ResumeAsync(IEnumerable{string}, string?, CancellationToken)"/>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="queue">The queue it goes through; null, the default, for the internal one, which has no limits.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    public Task ResumeAsync(string workflowId, string? queue = null, CancellationToken cancellationToken = default) =>
        ResumeAsync([workflowId], queue, cancellationToken);

    /// <summary>Lets workflows go on from their last checkpoint: cancelled and given-up ones, and those that wait in a queue.</summary>
    /// <remarks>
    /// Recovery attempts start at zero again. A deadline is cleared; a timeout stays, and begins anew when the workflow is taken up. One
    /// that still runs somewhere goes on elsewhere, and what the first run does from then on is written nowhere. Workflows that have
    /// succeeded or failed are left alone.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all are resumed in one transaction, or none.</param>
    /// <param name="queue">The queue they go through; null, the default, for the internal one, which has no limits.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the workflows are enqueued.</returns>
    /// <exception cref="ArgumentException">An id or the queue's name is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">One of them does not exist; nothing was resumed.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task ResumeAsync(IEnumerable<string> workflowIds, string? queue = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(workflowIds);
        string[] ids = [.. workflowIds.Select(id => Names.CheckId(id, nameof(workflowIds))).Distinct(StringComparer.Ordinal)];
        return Core.ResumeAsync(ids, queue is null ? null : Names.CheckName(queue, nameof(queue)), cancellationToken);
    }

    /// <summary>Closes the connection to the database. Whoever still waits is thrown <see cref="EngineNotRunningException"/>.</summary>
    /// <returns>A task that completes when everything is closed.</returns>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    internal virtual Task<WorkflowHandle<TOut>> StartCoreAsync<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, TIn input, StartOptions options, CancellationToken cancellationToken) =>
        throw new ArgumentException("A client starts workflows on a named queue.", nameof(options));

    private protected virtual ValueTask CloseAsync() => Core.DisposeAsync();
}
