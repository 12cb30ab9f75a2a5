using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Queues as rows (<c>queues</c>, and <c>fluent_queues</c> for the pause), and what waits in them.</summary>
internal interface IQueueStore
{
    /// <summary>Registers a queue, or overwrites its limits as the policy says; a pause stays. One transaction.</summary>
    Task<QueueRegistered> RegisterAsync(QueueRegistration registration, CancellationToken cancellationToken);

    /// <summary>One queue, or null.</summary>
    Task<QueueRow?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// The queues of an application and those that belong to none, by name, ordinally; of all applications where it is null.
    /// </summary>
    Task<IReadOnlyList<QueueRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken);

    /// <summary>How many workflows wait in these queues and how many of theirs run, by queue; queues without any are left out.</summary>
    Task<IReadOnlyDictionary<string, QueueCount>> CountAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>Pauses a queue or ends its pause; false if there is no such queue.</summary>
    Task<bool> SetPausedAsync(string name, bool paused, CancellationToken cancellationToken);

    /// <summary>Deletes a queue and its pause; what waits in it stays. Nothing happens to an unknown one.</summary>
    Task DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>Everything that an idle engine looks at, in one statement.</summary>
    Task<QueueOutlook> ReadOutlookAsync(string applicationName, CancellationToken cancellationToken);

    /// <summary>
    /// Lets delayed enqueues that are due (DELAYED rows without waits) of this application, or of none, into their queues: ENQUEUED, the
    /// longest due first, locked rows skipped. A debounced one gives up its deduplication id: a later call begins another.
    /// </summary>
    /// <returns>The queue of each; as many as the limit if there may be more.</returns>
    Task<IReadOnlyList<string>> ReleaseDelayedAsync(string applicationName, int limit, CancellationToken cancellationToken);

    /// <summary>Starts workflows that wait or are delayed, in one transaction: all, or none.</summary>
    /// <returns>
    /// One result for each start, in their order. Where one is neither written nor attached, nothing was written, and the others' results
    /// say only what stands.
    /// </returns>
    /// <remarks>A repeated call whose rows stand already, because its answer was lost, is written.</remarks>
    Task<IReadOnlyList<CommitResult>> StartManyAsync(IReadOnlyList<StartUnit> starts, CancellationToken cancellationToken);

    /// <summary>Sets the priority of a workflow that is ENQUEUED or a delayed enqueue; false if it is neither.</summary>
    Task<bool> SetPriorityAsync(string workflowId, int priority, CancellationToken cancellationToken);

    /// <summary>
    /// Moves the end of the delay of a delayed enqueue (DELAYED without waits); false if it is none. One that is debounced is not delayed
    /// beyond its limit.
    /// </summary>
    Task<bool> SetDelayAsync(string workflowId, DelayEnd end, CancellationToken cancellationToken);
}

/// <summary>The end of a delay: from the store's now, or a moment. One of them is given.</summary>
internal readonly record struct DelayEnd(long? DelayMs, long? UntilMs);

/// <summary>A queue to be registered.</summary>
/// <param name="Queue">Its name and limits.</param>
/// <param name="Policy">What happens to a row that is there.</param>
/// <param name="ApplicationName">The application that registers it; null for a client without a name.</param>
/// <param name="ApplicationVersion">
/// The version that registers it, for <see cref="OnConflict.UpdateIfLatestVersion"/>; where it is null that policy leaves the row.
/// </param>
internal sealed record QueueRegistration(WorkflowQueue Queue, OnConflict Policy, string? ApplicationName, string? ApplicationVersion);

/// <summary>What became of a registration.</summary>
/// <param name="Row">The queue as it stands now.</param>
/// <param name="OtherApplication">
/// The application that it belongs to, where that is another one: nothing was written. A row of no application becomes the registrant's.
/// </param>
internal sealed record QueueRegistered(QueueRow Row, string? OtherApplication);

/// <summary>A row of <c>queues</c>. Limits that this library would refuse, zero or less, read as the nearest valid: a pause.</summary>
/// <param name="Queue">Its name and limits.</param>
/// <param name="Paused">True while nothing may be claimed from it; also where a limit in the row is zero or less.</param>
/// <param name="ApplicationName">The application that it belongs to, or null.</param>
internal sealed record QueueRow(WorkflowQueue Queue, bool Paused, string? ApplicationName);

/// <summary>How many workflows of a queue wait and run.</summary>
internal readonly record struct QueueCount(long Waiting, long Running);

/// <summary>What an idle engine has to know.</summary>
/// <param name="Queues">The registered queues of the application or of none.</param>
/// <param name="Waiting">
/// Names of queues in which something is ENQUEUED that is the application's or nobody's, the internal one among them.
/// </param>
/// <param name="NextDelayedAtMs">When the first delayed enqueue is due; null without one.</param>
/// <param name="Parked">What parked workflows there are.</param>
/// <param name="DeadlinePassed">True if an unended workflow of the application, or of none, is past its deadline.</param>
/// <param name="NowMs">The store's clock.</param>
internal sealed record QueueOutlook(
    IReadOnlyList<QueueRow> Queues,
    IReadOnlyList<string> Waiting,
    long? NextDelayedAtMs,
    ParkedOutlook Parked,
    bool DeadlinePassed,
    long NowMs);
