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
    private int disposed;

    /// <param name="store">The database.</param>
    /// <param name="calls">Guards the calls; made before the core, as its token also stops what writes.</param>
    /// <param name="serializer">Reads and writes payloads.</param>
    /// <param name="clock">The clock of workflow time.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <param name="running">What runs here; null for a client.</param>
    public ClientCore(
        IStore store, CallGuard calls, PayloadSerializer serializer, StoreClock clock, ILoggerFactory loggers, RunningWorkflows? running)
    {
        (Store, Calls, Serializer, Clock, Running) = (store, calls, serializer, clock, running);
        Logger = new GuardedLogger(loggers.CreateLogger("Dbos.Fluent"));
        Wakeups = new Wakeups(store, id => running?.Contains(id) == true, calls.Stopped);
        Reader = new StatusReader(store.Workflows, serializer);
        Explainer = new WorkflowExplainer(store, serializer, clock, running);
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

    /// <summary>In whose name it acts.</summary>
    public required StarterIdentity Identity { get; init; }

    /// <summary>Writes a unit; an engine does it with everything else that its workflows write.</summary>
    public required Func<CommitUnit, Task<CommitResult>> Write { get; init; }

    /// <summary>Everything that is waited for here.</summary>
    public Wakeups Wakeups { get; }

    /// <summary>What the queues are.</summary>
    public QueueBook Book { get; }

    /// <summary>What runs here; null for a client.</summary>
    public RunningWorkflows? Running { get; }

    public StatusReader Reader { get; }

    /// <summary>Says why a workflow is where it is.</summary>
    public WorkflowExplainer Explainer { get; }

    public SignalSender Sender { get; }

    public SignalRouter Signals { get; }

    /// <summary>What handles read.</summary>
    public IWorkflowOutcomes Outcomes { get; }

    /// <summary>Ends all waiting with <see cref="EngineNotRunningException"/> and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            await Calls.StopAsync().ConfigureAwait(false);
            await Signals.EndAsync().ConfigureAwait(false);
            await Store.DisposeAsync().ConfigureAwait(false);
            await Calls.DisposeAsync().ConfigureAwait(false);
        }
    }
}
