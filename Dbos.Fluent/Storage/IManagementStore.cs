using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Forks, rewinds, deletes and marks workflows.</summary>
internal interface IManagementStore
{
    /// <summary>
    /// Makes a new workflow from another's input and its history before a step, and enqueues it, in one transaction.
    /// </summary>
    /// <remarks>
    /// The fork copies the name, format, application and input. Of all steps before the cut it copies the checkpoints with their times,
    /// the events with their history, and the stream entries. It has no executor, tokens, deadline, parent, attributes, priority or
    /// deduplication id. The source is only marked as forked. The origin is the source's; a fork from 0 has its own.
    /// </remarks>
    Task<ForkResult> ForkAsync(ForkRequest request, CancellationToken cancellationToken);

    /// <summary>Rewinds an ended workflow to before a step, and enqueues it on the internal queue, in one transaction.</summary>
    /// <remarks>
    /// Removes the checkpoints from the step on, the outcome, the messages that those steps consumed, the unread messages, and the close
    /// markers of streams. Events get back their earlier values. Owner, partition, deduplication id, deadline, start and completion are
    /// cleared, and attempts are 0. Executor, version and timeout stay.
    /// </remarks>
    Task<RewindResult> RewindAsync(RewindRequest request, CancellationToken cancellationToken);

    /// <summary>Deletes workflows and all that belongs to them, in one transaction; returns those it deleted.</summary>
    /// <param name="workflowIds">The workflows; unknown ones are ignored.</param>
    /// <param name="children">True to delete all their descendants too.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    Task<IReadOnlyList<string>> DeleteAsync(IReadOnlyList<string> workflowIds, bool children, CancellationToken cancellationToken);

    /// <summary>Replaces the attributes of a workflow, or removes them with null; false if the workflow does not exist.</summary>
    Task<bool> SetAttributesAsync(string workflowId, string? attributesJson, CancellationToken cancellationToken);

    /// <summary>Reads the last position, in order of completion, that a policy deletes; null if it deletes nothing.</summary>
    Task<PageKey?> ReadRetentionBoundAsync(RetentionScope scope, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes ended workflows and all that belongs to them, in order of completion, in one short transaction that skips locked rows.
    /// </summary>
    /// <remarks>
    /// Rows that may still be needed stay: children of a parent that runs on or can be resumed; children of a parent of which a fork, or a
    /// fork of a fork, does so; those forks themselves; parents of living children; whatever a parked workflow awaits; starts that count in
    /// a queue's rate window.
    /// </remarks>
    Task<RetentionBatch> CollectAsync(RetentionRequest request, CancellationToken cancellationToken);

    /// <summary>Finds the first row that such a batch deletes, locked or not; null if there is none.</summary>
    Task<PageKey?> FindFirstAsync(RetentionRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Reads how many transactions anybody has committed to the database so far, by its last count; null if it does not count.
    /// </summary>
    Task<long?> ReadCommitsAsync(CancellationToken cancellationToken);
}

/// <summary>A fork to make.</summary>
/// <param name="SourceId">The workflow it is made from.</param>
/// <param name="Cut">Where it begins.</param>
/// <param name="ForkId">Its id.</param>
/// <param name="Options">How it differs from its source.</param>
internal sealed record ForkRequest(string SourceId, ForkCut Cut, string ForkId, ForkOptions Options)
{
    /// <summary>
    /// True if an earlier try may have taken effect. A fork of this source that has the id is then that try's: it carries no token, as no
    /// fork of any SDK does.
    /// </summary>
    public bool IsRepeated { get; init; }

    /// <summary>
    /// The ids of <see cref="ForkOptions.ReplacedChildren"/> as they appear in results of <see cref="BuiltInNames.WaitFirst"/>: the
    /// source's recorded winner, and its replacement.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> ReplacedWinners { get; init; } = [];
}

/// <summary>Where a fork begins: at a number, at the first step of a name, or, with neither, at the last failure.</summary>
/// <remarks>
/// The last failure is the last failed step that was not part of undoing; for a failed call of a child it is the step that started the
/// child. Without a failure it is the last step before any undoing; without steps, 0.
/// </remarks>
internal readonly record struct ForkCut(int? Sequence, string? StepName);

/// <summary>The result of a fork.</summary>
/// <param name="Status">What happened.</param>
/// <param name="Highest">The highest recorded sequence of the source, or -1.</param>
internal sealed record ForkResult(ForkStatus Status, int Highest = -1)
{
    /// <summary>The name of the workflow that has the id.</summary>
    public string? ExistingName { get; init; }

    /// <summary>The state of the workflow that has the id.</summary>
    public WorkflowState ExistingState { get; init; }
}

/// <summary>How a fork went. Only the first value means that something was written.</summary>
internal enum ForkStatus
{
    /// <summary>The fork is made and enqueued.</summary>
    Forked,

    /// <summary>The source does not exist.</summary>
    NoSource,

    /// <summary>The source has no step of the name.</summary>
    NoStep,

    /// <summary>The number lies beyond the next one of the source's history.</summary>
    BeyondHistory,

    /// <summary>The fork's id belongs to another workflow.</summary>
    IdInUse,
}

/// <summary>A rewind to make.</summary>
/// <param name="WorkflowId">The workflow.</param>
/// <param name="FromSequence">The first step to remove.</param>
internal sealed record RewindRequest(string WorkflowId, int FromSequence)
{
    /// <summary>
    /// True if an earlier try may have taken effect. That try rewound a workflow that has not ended, or that ended at another moment than
    /// <see cref="EndedAtMs"/>, whatever became of it since.
    /// </summary>
    public bool IsRepeated { get; init; }

    /// <summary>When the workflow had ended before the first try; null where its row does not say.</summary>
    public long? EndedAtMs { get; init; }

    /// <summary>Whether an earlier try has rewound the row.</summary>
    public bool IsDone(WorkflowState state, long? endedAtMs) => IsRepeated && (!state.IsTerminal() || endedAtMs != EndedAtMs);
}

/// <summary>The result of a rewind.</summary>
/// <param name="Status">What happened.</param>
/// <param name="State">The state the row was in before.</param>
/// <param name="Highest">The highest recorded sequence before, or -1.</param>
internal sealed record RewindResult(RewindStatus Status, WorkflowState State = default, int Highest = -1);

/// <summary>How a rewind went. Only the first value means that something was written.</summary>
internal enum RewindStatus
{
    /// <summary>The workflow is rewound and enqueued, by this try or by an earlier one.</summary>
    Rewound,

    /// <summary>The workflow does not exist.</summary>
    NoWorkflow,

    /// <summary>The workflow has not ended.</summary>
    NotEnded,

    /// <summary>The number lies beyond the next one of the workflow's history.</summary>
    BeyondHistory,
}

/// <summary>The rows that a retention policy covers.</summary>
/// <param name="Policy">The policy, checked.</param>
/// <param name="ApplicationName">Covers rows of this application and of none; null covers every application.</param>
internal sealed record RetentionScope(RetentionPolicy Policy, string? ApplicationName);

/// <summary>A batch to delete.</summary>
/// <param name="Scope">Which rows.</param>
/// <param name="Bound">The last position to delete, in order of completion.</param>
/// <param name="After">The position at which the previous batch stopped; null for the first batch.</param>
/// <param name="Limit">How many rows to delete at most.</param>
internal sealed record RetentionRequest(RetentionScope Scope, PageKey Bound, PageKey? After, int Limit)
{
    /// <summary>
    /// How many rows to look at, deleted or not: millions of rows that have to stay must not make one statement long.
    /// </summary>
    public int LookedMax { get; init; } = 4 * Limit;

    /// <summary>Ids of rows to leave alone.</summary>
    public IReadOnlyList<string> Except { get; init; } = [];
}

/// <summary>A batch that was deleted.</summary>
/// <param name="Deleted">How many workflows.</param>
/// <param name="Last">The position at which it stopped; null if it has reached the bound.</param>
/// <param name="Frees">True if earlier rows may have stayed only because of a row that is now deleted.</param>
internal readonly record struct RetentionBatch(int Deleted, PageKey? Last, bool Frees);
