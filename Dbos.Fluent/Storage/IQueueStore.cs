using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Stores queues as rows (<c>queues</c>, and <c>fluent_queues</c> for the pause), and manages what waits in them.</summary>
internal interface IQueueStore
{
    /// <summary>Registers a queue, or overwrites its limits as the policy says, in one transaction; a pause stays.</summary>
    Task<QueueRegistered> RegisterAsync(QueueRegistration registration, CancellationToken cancellationToken);

    /// <summary>Reads one queue; null if it does not exist.</summary>
    Task<QueueRow?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Reads the queues of an application and those without one, by name, ordinally; null reads those of all applications.
    /// </summary>
    Task<IReadOnlyList<QueueRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken);

    /// <summary>Counts the waiting and the running workflows of these queues, by queue; queues without any are left out.</summary>
    Task<IReadOnlyDictionary<string, QueueCount>> CountAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>Pauses a queue or ends its pause; false if the queue does not exist.</summary>
    Task<bool> SetPausedAsync(string name, bool paused, CancellationToken cancellationToken);

    /// <summary>Deletes a queue and its pause; workflows that wait in it stay. An unknown queue is ignored.</summary>
    Task DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>Reads everything that an idle engine checks, in one statement.</summary>
    Task<QueueOutlook> ReadOutlookAsync(string applicationName, CancellationToken cancellationToken);

    /// <summary>
    /// Releases due delayed enqueues (DELAYED rows without waits) of this application, or of none, into their queues as ENQUEUED: the
    /// longest due first, skipping locked rows. A debounced one gives up its deduplication id, so a later call starts another.
    /// </summary>
    /// <returns>The queue of each released workflow; as many as the limit if there may be more.</returns>
    Task<IReadOnlyList<string>> ReleaseDelayedAsync(string applicationName, int limit, CancellationToken cancellationToken);

    /// <summary>Starts waiting or delayed workflows in one transaction: all, or none.</summary>
    /// <returns>
    /// One result for each start, in their order. If one is neither written nor attached, nothing was written, and the other results only
    /// report what is already stored.
    /// </returns>
    /// <remarks>A repeated call whose rows are already stored, because its answer was lost, counts as written.</remarks>
    Task<IReadOnlyList<CommitResult>> StartManyAsync(IReadOnlyList<StartUnit> starts, CancellationToken cancellationToken);

    /// <summary>Sets the priority of a workflow that is ENQUEUED or a delayed enqueue; false if it is neither.</summary>
    Task<bool> SetPriorityAsync(string workflowId, int priority, CancellationToken cancellationToken);

    /// <summary>
    /// Moves the end of the delay of a delayed enqueue (DELAYED without waits); false if the workflow is none. A debounced one is not
    /// delayed beyond its limit.
    /// </summary>
    Task<bool> SetDelayAsync(string workflowId, DelayEnd end, CancellationToken cancellationToken);
}

/// <summary>The end of a delay: either an offset from the store's now, or a moment.</summary>
internal readonly record struct DelayEnd(long? DelayMs, long? UntilMs);

/// <summary>A queue to register.</summary>
/// <param name="Queue">Its name and limits.</param>
/// <param name="Policy">What happens to an existing row.</param>
/// <param name="ApplicationName">The application that registers it; null for a client without a name.</param>
/// <param name="ApplicationVersion">
/// The version that registers it, for <see cref="OnConflict.UpdateIfLatestVersion"/>; with null that policy keeps the row.
/// </param>
internal sealed record QueueRegistration(WorkflowQueue Queue, OnConflict Policy, string? ApplicationName, string? ApplicationVersion);

/// <summary>The result of a registration.</summary>
/// <param name="Row">The queue as it is now.</param>
/// <param name="OtherApplication">
/// The application that owns it, if another one does: nothing was written. A row of no application becomes the registrant's.
/// </param>
internal sealed record QueueRegistered(QueueRow Row, string? OtherApplication);

/// <summary>A row of <c>queues</c>. Limits of zero or less, which this library refuses, read as the nearest valid and a pause.</summary>
/// <param name="Queue">Its name and limits.</param>
/// <param name="Paused">True while nothing may be claimed from it, also because a limit in the row is zero or less.</param>
/// <param name="ApplicationName">The application that it belongs to, or null.</param>
internal sealed record QueueRow(WorkflowQueue Queue, bool Paused, string? ApplicationName)
{
    /// <summary>True if a limit in the row is zero or less, which the end of a pause does not change.</summary>
    public bool IsShut { get; init; }
}

/// <summary>How many workflows of a queue wait and run.</summary>
internal readonly record struct QueueCount(long Waiting, long Running);

/// <summary>What an idle engine needs to know.</summary>
/// <param name="Queues">The registered queues of the application or of none.</param>
/// <param name="Waiting">
/// Names of queues, including the internal one, that have an ENQUEUED workflow of the application or of none.
/// </param>
/// <param name="NextDelayedAtMs">When the first delayed enqueue is due; null if there is none.</param>
/// <param name="Parked">The state of its parked workflows.</param>
/// <param name="DeadlinePassed">True if an unfinished workflow of the application, or of none, is past its deadline.</param>
/// <param name="NowMs">The store's clock.</param>
internal sealed record QueueOutlook(
    IReadOnlyList<QueueRow> Queues,
    IReadOnlyList<string> Waiting,
    long? NextDelayedAtMs,
    ParkedOutlook Parked,
    bool DeadlinePassed,
    long NowMs);
