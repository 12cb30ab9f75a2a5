using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>Everything that can be done with workflows from outside one. An engine is one too. Safe for concurrent use.</summary>
/// <remarks>
/// Calls wait for the database, however long it is away, until their token is cancelled: give them one with a limit, and give a start an
/// <see cref="StartOptions.Id"/>, so that it can be repeated after that. Calls that throw <see cref="StoreUnavailableException"/> name it.
/// </remarks>
public partial class WorkflowClient : IAsyncDisposable
{
    private readonly ClientMessages messages;
    private readonly ClientWaiting starts;
    private readonly ClientManagement management;

    internal WorkflowClient(ClientCore core)
    {
        Core = core;
        messages = new ClientMessages(core);
        starts = new ClientWaiting(core);
        management = new ClientManagement(core);
        Queues = new QueueClient(core);
        Schedules = new ScheduleClient(core);
        Versions = new VersionClient(core);
        core.Client = this;
    }

    /// <summary>Queues at run time.</summary>
    public QueueClient Queues { get; }

    /// <summary>Schedules at run time.</summary>
    public ScheduleClient Schedules { get; }

    internal ClientCore Core { get; }

    /// <summary>Connects a client: it starts, awaits and manages workflows, and runs none.</summary>
    /// <remarks>
    /// It changes no table: on a database that another SDK has made it works for all that needs none of this library's own tables. Dispose
    /// it to close its connections.
    /// </remarks>
    /// <param name="configure">Names the database, and the application whose workflows it starts without a queue.</param>
    /// <param name="cancellationToken">Gives up the connecting.</param>
    /// <returns>The client.</returns>
    /// <exception cref="ArgumentException">An option is invalid.</exception>
    /// <exception cref="StoreUnavailableException">The database cannot be reached.</exception>
    /// <exception cref="StoreSchemaException">It is no database of this kind, or it is behind this version.</exception>
    public static async Task<WorkflowClient> ConnectAsync(Action<ClientOptions> configure, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new ClientOptions();
        configure(options);
        return await ClientConnect.RunAsync(options, cancellationToken).ConfigureAwait(false);
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

    /// <summary>
    /// Cancels workflows that have not ended, wherever they run, and those that were given up. Those that have succeeded or failed, and
    /// unknown ones, are left alone.
    /// </summary>
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
    /// that still runs somewhere is interrupted and goes on from its last checkpoint, here or elsewhere; what the interrupted one does from
    /// then on is written nowhere. Nothing happens to workflows that have succeeded or failed: fork or rewind those.
    /// </remarks>
    /// <param name="workflowIds">The workflows' ids; all are resumed in one transaction, or none.</param>
    /// <param name="queue">The queue they go through; null, the default, for the internal one, which has no limits.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the workflows are enqueued.</returns>
    /// <exception cref="ArgumentException">
    /// An id or the queue's name is blank, too long or holds control characters; or the queue has limits for each partition, and one of
    /// them was started without a partition.
    /// </exception>
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

    /// <summary>Throws once no more work is taken on.</summary>
    private protected virtual void ThrowIfStopping(string doing) => Core.ThrowIfStopped(doing);

    private protected virtual ValueTask CloseAsync() => Core.DisposeAsync();
}
