using Dbos.Fluent.Errors;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>What a client and an engine have in common: the store, the payloads, and the waiting for outcomes.</summary>
internal sealed class ClientCore : IWorkflowOutcomes, IAsyncDisposable
{
    private readonly CancellationTokenSource stopped = new();
    private readonly RunningWorkflows? running;
    private Task signals = Task.CompletedTask;
    private int disposed;

    public ClientCore(IStore store, PayloadSerializer serializer, ILoggerFactory loggers, RunningWorkflows? running)
    {
        this.running = running;
        Store = store;
        Serializer = serializer;
        Logger = new GuardedLogger(loggers.CreateLogger("Dbos.Fluent"));
        Stopped = stopped.Token;
        Outcomes = new OutcomeWaiter(store.Workflows, id => running?.Contains(id) == true, Stopped);
        Reader = new StatusReader(store.Workflows, serializer);
        Sender = new SignalSender(store.Signals, Logger, Stopped);
    }

    public IStore Store { get; }

    public PayloadSerializer Serializer { get; }

    public ILogger Logger { get; }

    public OutcomeWaiter Outcomes { get; }

    public StatusReader Reader { get; }

    public SignalSender Sender { get; }

    /// <summary>Fires when everything that waits for the database must give up.</summary>
    public CancellationToken Stopped { get; }

    /// <summary>What wakes this process beyond the outcomes it awaits.</summary>
    public Action<StoreSignal> Signalled { get; set; } = _ => { };

    public void Listen() => signals = Task.Run(ListenAsync);

    public async Task<T> GetResultAsync<T>(string workflowId, CancellationToken cancellationToken)
    {
        ThrowIfStopped("wait for a result");
        var outcome = await UseAsync(
            "go on waiting for a result", token => Outcomes.WaitAsync(workflowId, token), cancellationToken).ConfigureAwait(false);
        return outcome.Row.State == WorkflowState.Success
            ? (T)Serializer.Decode(outcome.Row.Output, typeof(T))!
            : throw OutcomeErrors.ToException(outcome.Row, Serializer, outcome.Original);
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
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Stopped);
        try
        {
            return await use(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (
            (exception is OperationCanceledException or ObjectDisposedException)
            && (Stopped.IsCancellationRequested || cancellationToken.IsCancellationRequested))
        {
            // Not the linked token: it is told a moment after its sources, and the store may have seen one of those.
            cancellationToken.ThrowIfCancellationRequested();
            throw new EngineNotRunningException(doing);
        }
    }

    public async Task CancelAsync(IReadOnlyList<string> workflowIds, bool children, CancellationToken cancellationToken)
    {
        var error = CancelErrors.Encode(Serializer, CancellationReason.Cancelled);
        var cancelled = await UseAsync(
            "cancel a workflow",
            token => StoreBackoff.RepeatAsync(_ => Store.Workflows.CancelAsync(workflowIds, children, error, token), token),
            cancellationToken).ConfigureAwait(false);
        foreach (var id in cancelled)
        {
            running?.Stop(id, CancellationReason.Cancelled);
            Outcomes.LookAt(id);
            Sender.Announce(new StoreSignal(StoreSignalKind.Cancelled, id));
            Sender.Announce(new StoreSignal(StoreSignalKind.Completed, id));
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

    private async Task ListenAsync()
    {
        try
        {
            await foreach (var signal in Store.Signals.ListenAsync(Stopped).ConfigureAwait(false))
            {
                Route(signal);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (Exception exception)
        {
            // Wake-ups are hints: without them the polls go on, and a person is told why everything is slower.
            Logger.ListeningEnded(exception);
        }
    }

    private void Route(StoreSignal signal)
    {
        if (signal.Kind is StoreSignalKind.Anything || (signal.Kind is StoreSignalKind.Completed && signal.Key.Length == 0))
        {
            Outcomes.LookAtAll();
        }
        else if (signal.Kind is StoreSignalKind.Completed)
        {
            Outcomes.LookAt(signal.Key);
        }

        Signalled(signal);
    }
}
