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
    /// Starts or enqueues a workflow and returns once it is durable: from then on it runs to its end, whatever happens to this process.
    /// </summary>
    /// <remarks>
    /// Without a queue or delay, an engine runs the workflow at once in this process. A client runs nothing, so the engines of its
    /// application run it; a client without an application name must name a queue. An enqueued workflow need not be registered here:
    /// its row waits for an engine that has registered it.
    /// </remarks>
    /// <param name="definition">The workflow to start. To run at once, it must be registered with this engine.</param>
    /// <param name="input">Its input.</param>
    /// <param name="options">How the workflow is started; null for the defaults.</param>
    /// <param name="cancellationToken">
    /// Cancels the wait. The workflow is then either not started, or started and runs to its end.
    /// </param>
    /// <typeparam name="TIn">The input's type.</typeparam>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>
    /// A handle to the workflow. If a workflow of this definition already has the id, the handle is to that one, whatever its state. If it
    /// did not succeed, awaiting the handle throws; the start does not.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The options contradict each other, lack a required queue, or do not match the queue's partitioning.
    /// </exception>
    /// <exception cref="WorkflowNotRegisteredException">The workflow would run here but is not registered with this engine.</exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to a workflow of another definition.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use, and the options specify <see cref="IdReuse.Reject"/>.</exception>
    /// <exception cref="QueueDeduplicatedException">Another workflow of the queue holds the deduplication id.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task<WorkflowHandle<TOut>> StartAsync<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition, TIn input, StartOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return StartAsync<TOut>(() => starts.Request(definition, input, options ?? new StartOptions()), cancellationToken);
    }

    /// <summary>Enqueues a workflow by its name alone. Its code may be elsewhere, also in another language.</summary>
    /// <remarks>The workflow has no version, so an engine of the latest version takes it.</remarks>
    /// <param name="workflowName">The name under which its code is registered.</param>
    /// <param name="arguments">
    /// The arguments in order. A workflow of this library receives several arguments as the members of its input. Without arguments, its
    /// input is null; a workflow whose input cannot be null then fails.
    /// </param>
    /// <param name="options">How it is started. The format is portable JSON unless they specify another.</param>
    /// <param name="cancellationToken">Cancels the wait; the workflow may or may not have been started.</param>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>A handle, as <see cref="StartAsync{TIn,TOut}"/> returns it.</returns>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long or holds control characters; no queue is named; the options contradict each other; or they
    /// specify MessagePack with more than one argument.
    /// </exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to a workflow of another name.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use, and the options specify <see cref="IdReuse.Reject"/>.</exception>
    /// <exception cref="QueueDeduplicatedException">Another workflow of the queue holds the deduplication id.</exception>
    /// <exception cref="SerializationFailedException">An argument cannot be stored.</exception>
    /// <exception cref="EngineNotRunningException">The engine has stopped.</exception>
    public Task<WorkflowHandle<TOut>> EnqueueAsync<TOut>(
        string workflowName, IReadOnlyList<object?> arguments, StartOptions options, CancellationToken cancellationToken = default)
    {
        return EnqueueAsync<TOut>(new NamedStart(workflowName, arguments, options), cancellationToken);
    }

    /// <summary>
    /// Enqueues a workflow by its name alone, with positional arguments and named ones such as Python's keyword arguments.
    /// </summary>
    /// <remarks>
    /// A workflow of this library receives a named argument as the input member of that name, ignoring case if needed. DBOS for Python
    /// receives it as a keyword argument. DBOS for TypeScript, Go and Java know only positional arguments and ignore it.
    /// </remarks>
    /// <param name="workflowName">The name under which its code is registered.</param>
    /// <param name="arguments">The positional arguments in order; empty for none.</param>
    /// <param name="namedArguments">The additional arguments, by name.</param>
    /// <param name="options">How it is started. The format is portable JSON, the only one with named arguments.</param>
    /// <param name="cancellationToken">Cancels the wait; the workflow may or may not have been started.</param>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>A handle, as <see cref="StartAsync{TIn,TOut}"/> returns it.</returns>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long or holds control characters; no queue is named; the options contradict each other; or they
    /// specify MessagePack with a named argument.
    /// </exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to a workflow of another name.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use, and the options specify <see cref="IdReuse.Reject"/>.</exception>
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

    /// <summary>Enqueues many workflows in one transaction: all of them or none.</summary>
    /// <param name="definition">The workflow to start; it need not be registered here.</param>
    /// <param name="starts">The inputs and options. Each start needs a queue, a delay, or an application that runs it later.</param>
    /// <param name="cancellationToken">Cancels the wait; either all or none are then started.</param>
    /// <typeparam name="TIn">The input's type.</typeparam>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>One handle for each start, in order. A start whose id is in use attaches to that workflow, as in a single start.</returns>
    /// <remarks>None of them runs before all are stored, so without a queue they go through the internal queue.</remarks>
    /// <exception cref="ArgumentException">The options of a start contradict each other or its queue; none was started.</exception>
    /// <exception cref="ConflictingWorkflowException">An id belongs to a workflow of another definition; none was started.</exception>
    /// <exception cref="WorkflowIdInUseException">
    /// An id is in use and its options specify <see cref="IdReuse.Reject"/>; none was started.
    /// </exception>
    /// <exception cref="QueueDeduplicatedException">
    /// Another workflow holds a deduplication id, or two of these starts share one; none was started.
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

    /// <summary>Starts a workflow in the caller's own transaction on the same database. It exists once the transaction commits.</summary>
    /// <remarks>
    /// The workflow waits in its queue or the internal one. The commit notifies engines that listen; after a rollback it does not exist.
    /// Only this method joins a transaction of the caller: other calls ignore a surrounding <c>TransactionScope</c>.
    /// Do not await the workflow before the commit: in an open SQLite transaction that would keep every engine from writing.
    /// </remarks>
    /// <param name="transaction">An open <c>NpgsqlTransaction</c> or <c>SqliteTransaction</c> on the database of this client.</param>
    /// <param name="definition">The workflow to start; it need not be registered here.</param>
    /// <param name="input">Its input.</param>
    /// <param name="options">How it is started.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <typeparam name="TIn">The input's type.</typeparam>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <returns>A handle that can be used once the transaction has committed.</returns>
    /// <exception cref="ArgumentException">
    /// The transaction belongs to another database or has ended; or the options contradict each other, or specify
    /// <see cref="DeduplicationPolicy.ReturnExisting"/>, which a transaction does not support. Nothing was written.
    /// </exception>
    /// <exception cref="InvalidOperationException">PostgreSQL: an earlier statement in the transaction failed.</exception>
    /// <exception cref="ConflictingWorkflowException">The id belongs to another definition. The transaction is still usable.</exception>
    /// <exception cref="WorkflowIdInUseException">The id is in use; the options reject that. The transaction is still usable.</exception>
    /// <exception cref="QueueDeduplicatedException">The deduplication id is taken. The transaction is still usable.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    /// <exception cref="StoreUnavailableException">The connection was lost; nothing is retried inside a transaction.</exception>
    /// <exception cref="DbException">
    /// The driver's own exception: the transaction lost to another one (a deadlock, a serialization failure or a lock timeout). Roll back
    /// and run the transaction again.
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
    /// <param name="priority">The new priority: lower numbers first, 0 before all others.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>True if it was changed; false if the workflow has started, has ended, or does not exist.</returns>
    /// <exception cref="ArgumentException">The id is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The priority is negative.</exception>
    public Task<bool> SetPriorityAsync(string workflowId, int priority, CancellationToken cancellationToken = default)
    {
        Names.CheckId(workflowId, nameof(workflowId));
        ArgumentOutOfRangeException.ThrowIfNegative(priority);
        return queueing.SetPriorityAsync(workflowId, priority, cancellationToken);
    }

    /// <summary>Changes the delay of a delayed start, counted from now by the database's clock.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="delay">The new delay; zero releases the workflow at once.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>
    /// True if it was changed; false if the workflow is not delayed, also if it has started and now waits inside its code.
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

    /// <summary>Changes the time until which a start is delayed.</summary>
    /// <param name="workflowId">The workflow's id.</param>
    /// <param name="until">The time; a time in the past releases the workflow at once.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>
    /// True if it was changed; false if the workflow is not delayed, also if it has started and now waits inside its code.
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
    /// The longest time from the first call to the start. Null, the default: no limit while calls continue.
    /// </param>
    /// <param name="queue">The name of the queue that it enters when it starts; null, the default, for the internal one.</param>
    /// <typeparam name="TIn">The workflow's input type.</typeparam>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>The debouncer; it holds no resources and needs no disposal.</returns>
    /// <exception cref="ArgumentException">The queue's name is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="atMost"/> is zero, negative or too long.</exception>
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

    // Starts that are written together do not run at once: without a queue they go through the internal one.
    private static StartOptions Waiting(StartOptions options) =>
        options.Queue is null && options.Delay is null ? options with { Delay = TimeSpan.Zero } : options;
}
