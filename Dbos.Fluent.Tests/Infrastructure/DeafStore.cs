using System.Runtime.CompilerServices;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>
/// A store whose engine hears of nothing that anybody announces, only that its listener has connected: the first time at once, and each
/// time after that when the test lets it.
/// </summary>
/// <param name="inner">The store.</param>
/// <param name="back">Where the word stands still that the listener is back.</param>
internal sealed class DeafStore(IStore inner, Probe back) : IStore, ISignalStore
{
    public StoreCapabilities Capabilities => inner.Capabilities;

    public ISchemaStore Schema => inner.Schema;

    public ICommitStore Commits => inner.Commits;

    public IClaimStore Claims => inner.Claims;

    public IWorkflowStore Workflows => inner.Workflows;

    public IListStore Lists => inner.Lists;

    public IManagementStore Management => inner.Management;

    public IExecutorStore Executors => inner.Executors;

    public IMessagingStore Messaging => inner.Messaging;

    public IQueueStore Queues => inner.Queues;

    public IScheduleStore Schedules => inner.Schedules;

    public IOutboxStore Outbox => inner.Outbox;

    public ISignalStore Signals => this;

    public IVersionStore Versions => inner.Versions;

    public Task AnnounceAsync(IReadOnlyCollection<StoreSignal> signals, CancellationToken cancellationToken) =>
        inner.Signals.AnnounceAsync(signals, cancellationToken);

    public async IAsyncEnumerable<StoreSignal> ListenAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var connected = false;
        await foreach (var signal in inner.Signals.ListenAsync(cancellationToken))
        {
            if (signal.Kind != StoreSignalKind.Anything)
            {
                continue;
            }

            await (connected ? back.PassAsync(cancellationToken) : Task.CompletedTask);
            connected = true;
            yield return signal;
        }
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
