using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent;

/// <summary>The parts that a client and an engine have in common.</summary>
internal sealed class ClientCore : IAsyncDisposable
{
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int disposed;

    /// <param name="store">The database.</param>
    /// <param name="calls">Guards the calls; created before the core, as its token also stops the writer.</param>
    /// <param name="serializer">Reads and writes payloads.</param>
    /// <param name="clock">The clock of workflow time.</param>
    /// <param name="loggers">Creates the loggers.</param>
    /// <param name="running">The workflows that run here; null for a client.</param>
    public ClientCore(
        IStore store, CallGuard calls, PayloadSerializer serializer, StoreClock clock, ILoggerFactory loggers, RunningWorkflows? running)
    {
        (Store, Calls, Serializer, Clock, Running) = (store, calls, serializer, clock, running);
        Logger = new GuardedLogger(loggers.CreateLogger("Dbos.Fluent"));
        Wakeups = new Wakeups(store, id => running?.Contains(id) == true, calls.Stopped);
        Reader = new StatusReader(store.Workflows, serializer);
        Explainer = new WorkflowExplainer(store, serializer, running);
        Book = new QueueBook(store, calls.Stopped);
        Sender = new SignalSender(store.Signals, Logger, calls.Stopped);
        Signals = new SignalRouter(store, Wakeups, Book, Sender, Logger, calls.Stopped);
        Outcomes = new ClientOutcomes(calls, Wakeups, Reader, serializer);
    }

    public IStore Store { get; }

    public CallGuard Calls { get; }

    public PayloadSerializer Serializer { get; }

    public StoreClock Clock { get; }

    public ILogger Logger { get; }

    /// <summary>The application and version on whose behalf it acts.</summary>
    public required StarterIdentity Identity { get; init; }

    /// <summary>Writes a unit; an engine combines it with the other writes of its workflows.</summary>
    public required Func<CommitUnit, Task<CommitResult>> Write { get; init; }

    /// <summary>The waits in this process.</summary>
    public Wakeups Wakeups { get; }

    /// <summary>The registered queues.</summary>
    public QueueBook Book { get; }

    /// <summary>The workflows that run here; null for a client.</summary>
    public RunningWorkflows? Running { get; }

    public StatusReader Reader { get; }

    /// <summary>Explains the state of a workflow.</summary>
    public WorkflowExplainer Explainer { get; }

    public SignalSender Sender { get; }

    public SignalRouter Signals { get; }

    /// <summary>The results and statuses that handles read.</summary>
    public IWorkflowOutcomes Outcomes { get; }

    /// <summary>Sends what others are to know, ends all waits with <see cref="EngineNotRunningException"/> and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            await closed.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await Sender.FlushAsync(FlushLimit).ConfigureAwait(false);
            await Calls.StopAsync().ConfigureAwait(false);
            await Signals.EndAsync().ConfigureAwait(false);
            await Store.DisposeAsync().ConfigureAwait(false);
            await Calls.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            closed.SetResult();
        }
    }
}
