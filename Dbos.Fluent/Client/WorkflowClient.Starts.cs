using System.Data.Common;
using System.Runtime.CompilerServices;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

public partial class WorkflowClient
{
    /// <summary>
    /// Starts a workflow, or puts it into a queue, and returns once it is durable: from then on it will be finished, whatever happens to
    /// this process.
    /// </summary>
    /// <remarks>
    /// Without a queue and a delay an engine runs it at once, in this process. A client, which runs nothing, leaves it to the engines of
    /// its application; a client without an application's name must name a queue. A workflow that is enqueued need not be registered here:
    /// its row waits for an engine that has registered it.
    /// </remarks>
    /// <param name="definition">What to start; it must be registered with this engine if it is to run at once.</param>
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
    /// <exception cref="ArgumentException">
    /// The options do not go together, need a queue, or do not name a partition as the queue asks.
    /// </exception>
    /// <exception cref="WorkflowNotRegisteredException">It would run here, and is not registered with this engine.</exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to a workflow of another definition.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use, and the options say <see cref="IdReuse.Reject"/>.</exception>
    /// <exception cref="QueueDeduplicatedException">Another workflow of the queue holds the deduplication id.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task<WorkflowHandle<TOut>> StartAsync<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, TIn input, StartOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return StartAsync<TOut>(() => starts.Request(definition, input, options ?? new StartOptions()), cancellationToken);
    }

    /// <summary>Puts a workflow into a queue by its name alone, for code that lives elsewhere, perhaps in another language.</summary>
    /// <remarks>Its version is left open: an engine of the latest one takes it.</remarks>
    /// <param name="workflowName">The name under which its code is registered.</param>
    /// <param name="arguments">
    /// Its arguments in their order. Code of this library that takes several takes them as the members of its input. Without any, its input
    /// is null; a workflow whose input cannot be null fails then.
    /// </param>
    /// <param name="options">How it is started. The format is portable JSON unless they say otherwise.</param>
    /// <param name="cancellationToken">Gives up the waiting; the workflow is then started or not.</param>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>A handle, as <see cref="StartAsync{TIn,TOut}"/> gives it.</returns>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long or holds control characters; no queue is named; the options do not go together; or MessagePack is asked
    /// for with more than one argument.
    /// </exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to a workflow of another name.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use, and the options say <see cref="IdReuse.Reject"/>.</exception>
    /// <exception cref="QueueDeduplicatedException">Another workflow of the queue holds the deduplication id.</exception>
    /// <exception cref="SerializationFailedException">An argument cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task<WorkflowHandle<TOut>> EnqueueAsync<TOut>(
        string workflowName, IReadOnlyList<object?> arguments, StartOptions options, CancellationToken cancellationToken = default)
    {
        return EnqueueAsync<TOut>(new NamedStart(workflowName, arguments, options), cancellationToken);
    }

    /// <summary>
    /// Puts a workflow into a queue by its name alone, with arguments some of which are given by name, as Python's keyword arguments are.
    /// </summary>
    /// <remarks>
    /// Code of this library takes a named argument as the member of its input of that name, exactly or but for its case. DBOS for Python
    /// takes it as a keyword argument; DBOS for TypeScript, Go and Java know positional arguments only and pass it over.
    /// </remarks>
    /// <param name="workflowName">The name under which its code is registered.</param>
    /// <param name="arguments">Its positional arguments in their order; empty for none.</param>
    /// <param name="namedArguments">Its arguments by name, besides those.</param>
    /// <param name="options">How it is started. The format is portable JSON, which alone has names for arguments.</param>
    /// <param name="cancellationToken">Gives up the waiting; the workflow is then started or not.</param>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>A handle, as <see cref="StartAsync{TIn,TOut}"/> gives it.</returns>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long or holds control characters; no queue is named; the options do not go together; or MessagePack is asked
    /// for beside a named argument.
    /// </exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to a workflow of another name.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use, and the options say <see cref="IdReuse.Reject"/>.</exception>
    /// <exception cref="QueueDeduplicatedException">Another workflow of the queue holds the deduplication id.</exception>
    /// <exception cref="SerializationFailedException">An argument cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    [OverloadResolutionPriority(-1)]
    public Task<WorkflowHandle<TOut>> EnqueueAsync<TOut>(
        string workflowName,
        IReadOnlyList<object?> arguments,
        IReadOnlyDictionary<string, object?> namedArguments,
        StartOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(namedArguments);
        return EnqueueAsync<TOut>(new NamedStart(workflowName, arguments, options) { NamedArguments = namedArguments }, cancellationToken);
    }

    /// <summary>Puts many workflows into queues in one transaction: all of them, or none.</summary>
    /// <param name="definition">What to start; it need not be registered here.</param>
    /// <param name="starts">Their inputs and options. Each needs a queue, or a delay, or an application to run it later.</param>
    /// <param name="cancellationToken">Gives up the waiting; all are then started, or none.</param>
    /// <typeparam name="TIn">The input's type.</typeparam>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>A handle for each, in their order; those whose id was in use are attached to, as by a single start.</returns>
    /// <remarks>None of them runs before all are stored, so without a queue they go through the internal one.</remarks>
    /// <exception cref="ArgumentException">The options of one do not go together, or with its queue; none was started.</exception>
    /// <exception cref="ConflictingWorkflowException">An id belongs to a workflow of another definition; none was started.</exception>
    /// <exception cref="WorkflowIdInUseException">
    /// An id is in use whose options say <see cref="IdReuse.Reject"/>; none was started.
    /// </exception>
    /// <exception cref="QueueDeduplicatedException">
    /// Another workflow holds a deduplication id, or two of these share one; none was started.
    /// </exception>
    /// <exception cref="SerializationFailedException">An input cannot be stored; none was started.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public async Task<IReadOnlyList<WorkflowHandle<TOut>>> StartManyAsync<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition,
        IEnumerable<(TIn Input, StartOptions? Options)> starts,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(starts);
        ThrowIfStopping("start workflows");
        var requests = starts
            .Select(start => this.starts.Request(definition, start.Input, Waiting(start.Options ?? new StartOptions())))
            .ToArray();
        var ids = await queueing.StartManyAsync(requests, cancellationToken).ConfigureAwait(false);
        return [.. ids.Select(id => new WorkflowHandle<TOut>(id, Core.Outcomes))];
    }

    /// <summary>Starts a workflow as part of the caller's own transaction on the same database: it exists once that commits.</summary>
    /// <remarks>
    /// It waits in its queue or the internal one, and an engine that is listening hears of it with the commit. Rolled back, it never was.
    /// This is the only way into a transaction of the caller's: a <c>TransactionScope</c> around any other call is not joined.
    /// Do not await it before the commit: in an open SQLite transaction that would keep every engine from writing.
    /// </remarks>
    /// <param name="transaction">An open <c>NpgsqlTransaction</c> or <c>SqliteTransaction</c> on the database of this client.</param>
    /// <param name="definition">What to start; it need not be registered here.</param>
    /// <param name="input">Its input.</param>
    /// <param name="options">How it is started.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <typeparam name="TIn">The input's type.</typeparam>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>A handle, good once the transaction has committed.</returns>
    /// <exception cref="ArgumentException">
    /// The transaction is another database's, or has ended; or the options do not go together, or ask for
    /// <see cref="DeduplicationPolicy.ReturnExisting"/>, which a transaction does not support. Nothing was written.
    /// </exception>
    /// <exception cref="InvalidOperationException">PostgreSQL: an earlier statement in the transaction failed.</exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to another definition. The transaction is still good.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use and may not be. The transaction is still good.</exception>
    /// <exception cref="QueueDeduplicatedException">The deduplication id is held. The transaction is still good.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    /// <exception cref="StoreUnavailableException">The database was lost meanwhile; nothing is repeated inside a transaction.</exception>
    /// <exception cref="DbException">
    /// The database ended the transaction over another one (a deadlock, a serialization failure, a lock that was not had in time): the
    /// driver's own exception. Roll back and run the transaction again.
    /// </exception>
    public async Task<WorkflowHandle<TOut>> StartInTransactionAsync<TIn, TOut>(
        DbTransaction transaction,
        WorkflowDefinition<TIn, TOut> definition,
        TIn input,
        StartOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(options);
        if (options.DeduplicationPolicy == DeduplicationPolicy.ReturnExisting)
        {
            throw new ArgumentException(
                "Inside a transaction of the caller's the holder of a deduplication id is not returned, as it may end before the commit: "
                + "use DeduplicationPolicy.Reject and catch QueueDeduplicatedException, or start the workflow outside of the transaction.",
                nameof(options));
        }

        ThrowIfStopping("start a workflow");
        var request = starts.Request(definition, input, Waiting(options));
        var id = await queueing.StartInTransactionAsync(transaction, request, cancellationToken).ConfigureAwait(false);
        return new WorkflowHandle<TOut>(id, Core.Outcomes);
    }

    /// <summary>Changes the priority of a workflow that waits in a queue, or is delayed.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="priority">Its new priority: lower numbers first, 0 before all others.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>True if it applied; false if the workflow has been started, has ended, or does not exist.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The priority is negative.</exception>
    public Task<bool> SetPriorityAsync(string workflowId, int priority, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        ArgumentOutOfRangeException.ThrowIfNegative(priority);
        return queueing.SetPriorityAsync(workflowId, priority, cancellationToken);
    }

    /// <summary>Changes how long a delayed start is held back, counted from now on the database's clock.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="delay">The new delay; zero lets it go at once.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>
    /// True if it applied; false if the workflow is not delayed: also if it has started and now waits for something of its own.
    /// </returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative or longer than a hundred years.</exception>
    public Task<bool> SetDelayAsync(string workflowId, TimeSpan delay, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        StartOptions.CheckDelay(delay, nameof(delay));
        var end = new DelayEnd((long)Math.Ceiling(delay.TotalMilliseconds), null);
        return queueing.SetDelayAsync(workflowId, end, cancellationToken);
    }

    /// <summary>Changes until when a delayed start is held back.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="until">The moment; one that has passed lets it go at once.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>
    /// True if it applied; false if the workflow is not delayed: also if it has started and now waits for something of its own.
    /// </returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    public Task<bool> SetDelayAsync(string workflowId, DateTimeOffset until, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        return queueing.SetDelayAsync(workflowId, new DelayEnd(null, EpochMs.NotBefore(until)), cancellationToken);
    }

    /// <summary>Makes a debouncer: a burst of calls with one key starts one workflow, with the input of the last call.</summary>
    /// <param name="definition">What to start; it need not be registered here if a queue is named.</param>
    /// <param name="atMost">
    /// How long after its first call a workflow starts at the latest. Null, the default: as long as calls continue.
    /// </param>
    /// <param name="queue">The queue it enters when it starts, by name; null, the default, for the internal one.</param>
    /// <typeparam name="TIn">The workflow's input type.</typeparam>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>The debouncer; it holds nothing and needs no disposing.</returns>
    /// <exception cref="ArgumentException">The queue's name is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="atMost"/> is not longer than zero, or too long.</exception>
    public Debouncer<TIn, TOut> Debounce<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, TimeSpan? atMost = null, string? queue = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return new Debouncer<TIn, TOut>(this, definition, atMost, queue);
    }

    internal async Task<string> DebounceAsync(
        WorkflowDefinition definition, object? input, StartOptions options, DebounceCall call, CancellationToken cancellationToken)
    {
        ThrowIfStopping("start a workflow");
        var request = Debouncing.Request(starts, definition, input, options, call);
        return await queueing.DebounceAsync(request, call.AtMostMs, cancellationToken).ConfigureAwait(false);
    }

    private Task<WorkflowHandle<TOut>> EnqueueAsync<TOut>(NamedStart start, CancellationToken cancellationToken)
    {
        start.Check();
        return StartAsync<TOut>(() => start.Request(Core.Serializer), cancellationToken);
    }

    private async Task<WorkflowHandle<TOut>> StartAsync<TOut>(Func<StartRequest> make, CancellationToken cancellationToken)
    {
        ThrowIfStopping("start a workflow");
        cancellationToken.ThrowIfCancellationRequested();
        var request = make();
        try
        {
            var result = await starts.StartAsync(request, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
            return new WorkflowHandle<TOut>(StartRefusals.IdOf(result, request), Core.Outcomes);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Core.Calls.NotRunning(
                $"know whether workflow '{request.Options.Id}' was started", "Start it again under the same id to find out. ");
        }
    }

    // Starts that are written together do not run from the moment they are written: without a queue they go through the internal one.
    private static StartOptions Waiting(StartOptions options) =>
        options.Queue is null && options.Delay is null ? options with { Delay = TimeSpan.Zero } : options;
}
