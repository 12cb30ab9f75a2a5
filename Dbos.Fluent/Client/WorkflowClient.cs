using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Recovery;

namespace Dbos.Fluent;

/// <summary>Starts, awaits and manages workflows from outside. An engine is a client too. Safe for concurrent use.</summary>
/// <remarks>
/// While the database is unavailable, calls wait until their token is cancelled. Give them a token with a time limit, and give a start an
/// <see cref="StartOptions.Id"/>, so that it can be repeated. Calls that can throw <see cref="StoreUnavailableException"/> document it.
/// </remarks>
public partial class WorkflowClient : IAsyncDisposable
{
    private readonly ClientMessages messages;
    private readonly ClientQueueing queueing;
    private readonly ClientManagement management;
    private readonly IStarts starts;

    internal WorkflowClient(ClientCore core, IStarts starts, Adoption? adoption)
    {
        (Core, this.starts) = (core, starts);
        messages = new ClientMessages(core);
        queueing = new ClientQueueing(core, starts);
        management = new ClientManagement(core);
        Queues = new QueueClient(core);
        Schedules = new ScheduleClient(core);
        Versions = new VersionClient(core, adoption);
    }

    /// <summary>Manages queues at run time.</summary>
    public QueueClient Queues { get; }

    /// <summary>Manages schedules at run time.</summary>
    public ScheduleClient Schedules { get; }

    /// <summary>Manages the versions of this application's code.</summary>
    public VersionClient Versions { get; }

    internal ClientCore Core { get; }

    /// <summary>Connects a client: it starts, awaits and manages workflows, and runs none.</summary>
    /// <remarks>
    /// Connecting changes no table. On a database of another SDK, only calls that need none of this library's own tables work. Dispose the
    /// client to close its connections.
    /// </remarks>
    /// <param name="configure">Names the database, and the application whose workflows it starts without a queue.</param>
    /// <param name="cancellationToken">Cancels the connection attempt.</param>
    /// <returns>The client.</returns>
    /// <exception cref="ArgumentException">An option is invalid.</exception>
    /// <exception cref="StoreUnavailableException">The database cannot be reached.</exception>
    /// <exception cref="StoreSchemaException">The database has no DBOS tables, or they are behind this version.</exception>
    public static async Task<WorkflowClient> ConnectAsync(Action<ClientOptions> configure, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new ClientOptions();
        configure(options);
        return await ClientConnect.RunAsync(options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The SQL that migrates an empty or older Postgres database to the current state, for a role with DDL rights.</summary>
    /// <remarks>
    /// Run it with <c>psql --single-transaction</c> or any driver, and launch engines with <see cref="EngineOptions.Migrate"/> off. Their
    /// role then needs to read and write the tables, but needs no DDL rights. The script can be run repeatedly and leaves a newer database
    /// unchanged. On large tables it blocks writers while it builds indexes; an engine that migrates by itself does not. It needs no
    /// extension.
    /// </remarks>
    /// <param name="schema">The schema of the tables, unquoted; <c>dbos</c> by default.</param>
    /// <returns>The statements, as one string.</returns>
    /// <exception cref="ArgumentException">The schema is not a name that Postgres accepts.</exception>
    public static string MigrationScript(string schema = "dbos") => Storage.Postgres.MigrationSql.Of(schema);

    /// <summary>A handle to a workflow that was started before, here or elsewhere. The call itself reads nothing.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>The handle. An unknown id is reported when the handle is awaited.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public WorkflowHandle<TOut> Retrieve<TOut>(string workflowId) => new(Names.CheckId(workflowId, nameof(workflowId)), Core.Outcomes);

    /// <summary>Reads the current status of a workflow.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>Its status, or null if no workflow has this id.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public Task<WorkflowStatus?> GetStatusAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        return Core.Calls.UseAsync("read a status", token => Core.Reader.ReadAsync(workflowId, token), cancellationToken);
    }

    /// <summary>Reads a workflow and its checkpoints.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The current history. Its printed form is the same on every store.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public async Task<WorkflowHistory> GetHistoryAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        var history = await Core.Calls.UseAsync(
            "read a history", token => Core.Reader.ReadHistoryAsync(workflowId, token), cancellationToken).ConfigureAwait(false);
        return history ?? throw new NonExistentWorkflowException(workflowId);
    }

    /// <summary>Explains the state of a workflow: what it waits for, what blocks it, who runs it, or how it ended.</summary>
    /// <remarks>
    /// Only the engine that runs a workflow knows what it waits for in memory; other processes report where it runs. The answer is a
    /// snapshot: the workflow may continue meanwhile.
    /// </remarks>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The reason: a word for programs and a sentence for people.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer within 30 s, three times in a row.</exception>
    public Task<WorkflowExplanation> ExplainAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        return Core.Calls.RepeatInTimeAsync(
            "explain a workflow", (_, token) => Core.Explainer.ExplainAsync(workflowId, token), cancellationToken);
    }

    /// <summary>Closes the connection to the database. Waiting callers get an <see cref="EngineNotRunningException"/>.</summary>
    /// <returns>A task that completes when everything is closed.</returns>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Throws if no more work is accepted.</summary>
    private protected virtual void ThrowIfStopping(string doing) => Core.Calls.ThrowIfStopped(doing);

    private protected virtual ValueTask CloseAsync() => Core.DisposeAsync();
}
