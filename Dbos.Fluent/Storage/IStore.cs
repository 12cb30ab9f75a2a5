namespace Dbos.Fluent.Storage;

/// <summary>A DBOS system database, in narrow parts. Safe for concurrent use.</summary>
/// <remarks>
/// Every member throws <see cref="StoreUnavailableException"/> when the connection was lost or timed out, and is safe to call again then.
/// <see cref="OperationCanceledException"/> passes untouched.
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
