using Dbos.Fluent.Errors;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Recovery;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>What a client and an engine have in common: the store, the payloads, and the waiting for outcomes.</summary>
internal sealed class ClientCore : IWorkflowOutcomes, IAsyncDisposable
{
    // As often as an engine sweeps.
    private static readonly TimeSpan EndsInterval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource stopped = new();
    private readonly RunningWorkflows? running;
    private Task signals = Task.CompletedTask;
    private int disposed;

    public ClientCore(IStore store, PayloadSerializer serializer, StoreClock clock, ILoggerFactory loggers, RunningWorkflows? running)
    {
        this.running = running;
        Store = store;
        Clock = clock;
        Serializer = serializer;
        Logger = new GuardedLogger(loggers.CreateLogger("Dbos.Fluent"));
        Stopped = stopped.Token;
        Wakeups = new Wakeups(store, id => running?.Contains(id) == true, Stopped);
        Write = WriteAsync;
        Reader = new StatusReader(store.Workflows, serializer);
        Explainer = new WorkflowExplainer(store, serializer, clock, running);
        Sender = new SignalSender(store.Signals, Logger, Stopped);
        Book = new QueueBook(store, Stopped);
        Starts = new QueuedStarts(() => Identity, serializer, Book, unit => Write(unit), Written);
    }

    public IStore Store { get; }

    /// <summary>In whose name it acts.</summary>
    public StarterIdentity Identity { get; init; } = new(null);

    public PayloadSerializer Serializer { get; }

    public StoreClock Clock { get; }

    public ILogger Logger { get; }

    /// <summary>Everything that is waited for here.</summary>
    public Wakeups Wakeups { get; }

    /// <summary>Writes a unit; an engine does it with everything else that its workflows write.</summary>
    public Func<CommitUnit, Task<CommitResult>> Write { get; set; }

    /// <summary>Starts workflows; an engine's own starts may run at once.</summary>
    public IStarts Starts { get; set; }

    /// <summary>What the queues are.</summary>
    public QueueBook Book { get; }

    /// <summary>What runs here; null for a client.</summary>
    public RunningWorkflows? Running => running;

    public StatusReader Reader { get; }

    public SignalSender Sender { get; }

    /// <summary>Fires when everything that waits for the database must give up.</summary>
    public CancellationToken Stopped { get; }

    /// <summary>The client or engine of which this is the core; set when it is made.</summary>
    public WorkflowClient? Client { get; set; }

    /// <summary>Takes over the work of other versions; null for a client, which has the code of none.</summary>
    public Adoption? Adoption { get; set; }

    /// <summary>Says why a workflow is where it is.</summary>
    public WorkflowExplainer Explainer { get; }

    /// <summary>What wakes this process beyond the outcomes it awaits.</summary>
    public Action<StoreSignal> Signalled { get; set; } = _ => { };

    public void Listen() => signals = Task.WhenAll(
        Task.Run(ListenAsync),
        Task.Run(() => CoverAsync(Store.Capabilities.PollInterval, StoreSignal.Anything)),

        // Other SDKs announce no end of a workflow. An engine looks at what is awaited with each of its sweeps.
        running is null ? Task.Run(() => CoverAsync(EndsInterval, new StoreSignal(StoreSignalKind.Completed, ""))) : Task.CompletedTask);

    /// <summary>Tells of a unit that was written here: those who wait in this process at once, others by a signal.</summary>
    public void Written(CommitUnit unit)
    {
        switch (unit)
        {
            case SendUnit send:
                foreach (var message in send.Messages)
                {
                    Wakeups.Inboxes.Complete(new InboxKey(message.DestinationId, message.Topic), true);
                }

                break;
            case EventUnit set:
                Wakeups.Events.Complete(new EventKey(set.Owner.WorkflowId, set.Key), set.Value);
                break;
            case StreamUnit write:
                Wakeups.Streams.LookAtSignal(Wakeups.SignalOf(write.Owner.WorkflowId, write.Key));
                break;
        }

        foreach (var signal in StoreSignals.Of(unit))
        {
            Signalled(signal);
            Send(signal);
        }
    }

    /// <summary>Tells of a change that was made here: those who wait in this process at once, others by a signal.</summary>
    public void Announce(StoreSignal signal)
    {
        // Not every store brings our own signals back to us.
        Route(signal);
        Send(signal);
    }

    public async Task<T> GetResultAsync<T>(string workflowId, CancellationToken cancellationToken)
    {
        ThrowIfStopped("wait for a result");
        var outcome = await UseAsync(
            "go on waiting for a result", token => Wakeups.Outcomes.WaitAsync(workflowId, token), cancellationToken).ConfigureAwait(false);
        if (outcome.Row.State != WorkflowState.Success)
        {
            throw OutcomeErrors.ToException(outcome.Row, Serializer, outcome.Original);
        }

        try
        {
            return (T)Serializer.Decode(outcome.Row.Output, typeof(T))!;
        }
        catch (SerializationFailedException exception)
        {
            throw SerializationFailure.At(exception, workflowId, $"The result of workflow '{workflowId}' cannot be decoded");
        }
    }

    public async Task<WorkflowStatus> GetStatusAsync(string workflowId, CancellationToken cancellationToken) =>
        await UseAsync("read a status", token => Reader.ReadAsync(workflowId, token), cancellationToken).ConfigureAwait(false)
            ?? throw new NonExistentWorkflowException(workflowId);

    /// <summary>Uses the store for a caller.</summary>
    /// <exception cref="EngineNotRunningException">
    /// It was stopped, before or meanwhile: whatever that does to a call half way, this is what its caller sees.
    /// </exception>
    public async Task<T> UseAsync<T>(string doing, Func<CancellationToken, Task<T>> use, CancellationToken cancellationToken)
    {
        ThrowIfStopped(doing);

        // What is written is not taken back: a caller who has given up already must find nothing done.
        cancellationToken.ThrowIfCancellationRequested();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Stopped);
        try
        {
            return await use(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (
            exception is OperationCanceledException
            || (exception is ObjectDisposedException && (Stopped.IsCancellationRequested || cancellationToken.IsCancellationRequested)))
        {
            // Not the linked token: it is told a moment after its sources, and the store may have seen one of those. What is to be written
            // is refused already a moment before the engine has stopped.
            cancellationToken.ThrowIfCancellationRequested();
            throw new EngineNotRunningException(doing);
        }
    }

    /// <summary>Makes one call of the store for a caller, again and again while the database cannot be reached.</summary>
    /// <param name="doing">What the caller wants, in the words of an exception.</param>
    /// <param name="call">The call; it learns how often it was tried before.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <exception cref="EngineNotRunningException">It was stopped, before or meanwhile.</exception>
    public Task<T> RepeatAsync<T>(string doing, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        UseAsync(doing, token => StoreBackoff.RepeatAsync(failures => call(failures, token), token), cancellationToken);

    /// <summary>The same for a call that may be of any size: it ends after several tries in a row without an answer in time.</summary>
    /// <exception cref="StoreUnavailableException">Each try took too long.</exception>
    public Task<T> RepeatInTimeAsync<T>(string doing, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        UseAsync(doing, token => StoreBackoff.RepeatInTimeAsync(doing, failures => call(failures, token), token), cancellationToken);

    // A row that somebody was deleting or held is asked for anew: the next try sees what has become of it.
    private async Task<CommitResult> WriteAsync(CommitUnit unit)
    {
        while (true)
        {
            var result = await StoreBackoff.RepeatAsync(_ => Store.Commits.CommitWaitingAsync(unit, Stopped).AsTask(), Stopped)
                .ConfigureAwait(false);
            if (result.Status != CommitStatus.Busy)
            {
                return result;
            }
        }
    }

    public async Task CancelAsync(IReadOnlyList<string> workflowIds, bool children, CancellationToken cancellationToken)
    {
        var error = CancelErrors.Encode(Serializer, CancellationReason.Cancelled);
        var begun = running?.Begun ?? 0;
        var repeated = false;
        var cancelled = await RepeatAsync(
            "cancel a workflow",
            (failures, token) =>
            {
                repeated = failures > 0;
                return Store.Workflows.CancelAsync(workflowIds, children, error, token);
            },
            cancellationToken).ConfigureAwait(false);
        foreach (var id in cancelled)
        {
            running?.Stop(id, CancellationReason.Cancelled, begun);
        }

        // What a try has cancelled whose answer was lost is in no answer any more.
        foreach (var id in repeated ? cancelled.Union(workflowIds) : cancelled)
        {
            Gone(id);
        }
    }

    /// <summary>Tells everybody that a workflow was ended from outside: cancelled, or deleted.</summary>
    public void Gone(string workflowId)
    {
        Send(new StoreSignal(StoreSignalKind.Cancelled, workflowId));
        Announce(new StoreSignal(StoreSignalKind.Completed, workflowId));
    }

    public async Task ResumeAsync(IReadOnlyList<string> workflowIds, string? queue, CancellationToken cancellationToken)
    {
        var begun = running?.Begun ?? 0;
        var result = await RepeatAsync(
            "resume a workflow", (_, token) => Store.Workflows.ResumeAsync(workflowIds, queue, token), cancellationToken)
            .ConfigureAwait(false);
        if (result.MissingId is { } missing)
        {
            throw new NonExistentWorkflowException(missing);
        }

        if (result.UnplacedId is { } unplaced)
        {
            throw new ArgumentException(
                $"Queue '{queue}' has limits for each partition, and workflow '{unplaced}' was started without one: resume it without a "
                    + "queue, or fork it with ForkOptions.PartitionKey.",
                nameof(queue));
        }

        foreach (var id in result.ResumedIds)
        {
            // A run that has not ended is somebody else's now; in other processes their own look at the rows' tokens tells them.
            running?.Stop(id, CancellationReason.Shutdown, begun);
            Send(new StoreSignal(StoreSignalKind.Cancelled, id));
        }

        if (result.ResumedIds.Count > 0)
        {
            Announce(new StoreSignal(StoreSignalKind.Enqueued, queue ?? ""));
        }
    }

    public void ThrowIfStopped(string doing)
    {
        if (Stopped.IsCancellationRequested)
        {
            throw new EngineNotRunningException(doing);
        }
    }

    /// <summary>Ends all waiting with <see cref="EngineNotRunningException"/> and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            await stopped.CancelAsync().ConfigureAwait(false);
            await signals.ConfigureAwait(false);
            await Store.DisposeAsync().ConfigureAwait(false);
            stopped.Dispose();
        }
    }

    // The insert of a message announces itself.
    private void Send(StoreSignal signal)
    {
        if (signal.Kind != StoreSignalKind.Message)
        {
            Sender.Announce(signal);
        }
    }

    private async Task ListenAsync()
    {
        try
        {
            await foreach (var signal in Store.Signals.ListenAsync(Stopped).ConfigureAwait(false))
            {
                Route(signal);
            }
        }
        catch (OperationCanceledException) when (Stopped.IsCancellationRequested)
        {
            // Nobody waits any more.
        }
        catch (Exception exception)
        {
            // Wake-ups are hints: without them the polls go on, and a person is told why everything is slower.
            Logger.ListeningEnded(exception);
        }
    }

    // Behind signals that may be lost. Where nothing is signalled, or only that something changed, listening ticks by itself.
    private async Task CoverAsync(TimeSpan interval, StoreSignal signal)
    {
        if (!Store.Capabilities.PushesSignals)
        {
            return;
        }

        using var timer = new PeriodicTimer(interval, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(Stopped).ConfigureAwait(false))
            {
                Route(signal);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private void Route(StoreSignal signal)
    {
        if (signal.Kind == StoreSignalKind.Queue)
        {
            Book.Forget(signal.Key);
        }

        Wakeups.Route(signal);
        Signalled(signal);
    }
}
