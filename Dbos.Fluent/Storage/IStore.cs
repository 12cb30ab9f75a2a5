namespace Dbos.Fluent.Storage;

/// <summary>A DBOS system database, in narrow parts. Safe for concurrent use.</summary>
/// <remarks>
/// Every member throws <see cref="StoreUnavailableException"/> when the connection is lost or times out, and is then safe to call again.
/// <see cref="OperationCanceledException"/> passes through unchanged.
/// </remarks>
internal interface IStore : IAsyncDisposable
{
    /// <summary>What this kind of store can do, and how it is best driven.</summary>
    StoreCapabilities Capabilities { get; }

    ISchemaStore Schema { get; }

    ICommitStore Commits { get; }

    IClaimStore Claims { get; }

    IWorkflowStore Workflows { get; }

    IListStore Lists { get; }

    IManagementStore Management { get; }

    IExecutorStore Executors { get; }

    IMessagingStore Messaging { get; }

    IQueueStore Queues { get; }

    IScheduleStore Schedules { get; }

    IOutboxStore Outbox { get; }

    ISignalStore Signals { get; }

    IVersionStore Versions { get; }
}
