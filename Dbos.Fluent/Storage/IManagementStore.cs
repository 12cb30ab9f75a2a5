using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>Forks, rewinds, deletes and marks workflows.</summary>
internal interface IManagementStore
{
    /// <summary>
    /// Makes a new workflow of another's input and of its history before a step, and enqueues it. One transaction.
    /// </summary>
    /// <remarks>
    /// Copied are the input, the checkpoints with their times, the events and their history, the stream entries, all of steps before the
    /// cut, and the name, format and application. Executor, tokens, deadline, parent, attributes, priority and deduplication id are
    /// none. The source is marked as forked, and not otherwise changed. The origin is the source's; a fork from 0 has one of its own.
    /// </remarks>
    Task<ForkResult> ForkAsync(ForkRequest request, CancellationToken cancellationToken);

    /// <summary>Takes an ended workflow back to before a step, and enqueues it on the internal queue. One transaction.</summary>
    /// <remarks>
    /// Removed are the checkpoints from the step on, the outcome, the messages that those consumed and the unread ones, and the close
    /// markers of streams; events are as they were. Owner, partition, deduplication id, deadline, start and completion are cleared,
    /// attempts are 0; executor, version and timeout stay.
    /// </remarks>
    Task<RewindResult> RewindAsync(RewindRequest request, CancellationToken cancellationToken);

    /// <summary>Deletes workflows and all that belongs to them, and gives back those it deleted. One transaction.</summary>
    /// <param name="workflowIds">The workflows; unknown ones are left out.</param>
    /// <param name="children">True to delete their children too, and theirs.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    Task<IReadOnlyList<string>> DeleteAsync(IReadOnlyList<string> workflowIds, bool children, CancellationToken cancellationToken);

    /// <summary>Replaces the attributes of a workflow, or with null removes them; false if there is no such workflow.</summary>
    Task<bool> SetAttributesAsync(string workflowId, string? attributesJson, CancellationToken cancellationToken);

    /// <summary>Up to which place in the order of completion a policy deletes; null where it deletes nothing.</summary>
    Task<PageKey?> ReadRetentionBoundAsync(RetentionScope scope, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes ended workflows and all that belongs to them, in the order of completion, skipping locked rows. One short transaction.
    /// </summary>
    /// <remarks>
    /// What may still be looked at stays: children of a parent that goes on or can be resumed, or that a fork goes on so from, however many
    /// forks lie between, those forks themselves, parents of living children, and starts that count in a queue's rate window.
    /// </remarks>
    Task<RetentionBatch> CollectAsync(RetentionRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// How many transactions have been committed to the database so far, by anybody, as it last counted them; null where it does not count.
    /// </summary>
    Task<long?> ReadCommitsAsync(CancellationToken cancellationToken);
}

/// <summary>A fork to be made.</summary>
/// <param name="SourceId">The workflow it is made from.</param>
/// <param name="Cut">Where it begins.</param>
/// <param name="ForkId">Its id.</param>
/// <param name="Options">How it differs from its source.</param>
internal sealed record ForkRequest(string SourceId, ForkCut Cut, string ForkId, ForkOptions Options)
{
    /// <summary>
    /// True where an earlier try may have taken effect: then a fork of this source that has the id is that one. It carries no token, as no
    /// fork of any SDK does.
    /// </summary>
    public bool IsRepeated { get; init; }

    /// <summary>
    /// The ids of <see cref="ForkOptions.ReplacedChildren"/> as results of <see cref="BuiltInNames.WaitFirst"/> hold them: the recorded
    /// winner of the source, and the one in its place.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> ReplacedWinners { get; init; } = [];
}

/// <summary>Where a fork begins: at a number, at the first step of a name, or, with neither, at the last failure.</summary>
/// <remarks>
/// The last failure is the last failed step that was not part of undoing, and of a failed call of a child its start; without one, the last
/// step before any undoing; without steps, 0.
/// </remarks>
internal readonly record struct ForkCut(int? Sequence, string? StepName);

/// <summary>What became of a fork.</summary>
/// <param name="Status">What happened.</param>
/// <param name="Highest">The highest recorded sequence of the source, or -1.</param>
internal sealed record ForkResult(ForkStatus Status, int Highest = -1)
{
    /// <summary>The name of the workflow that has the id.</summary>
    public string? ExistingName { get; init; }

    /// <summary>The state of the workflow that has the id.</summary>
    public WorkflowState ExistingState { get; init; }
}

/// <summary>How a fork went. All but the first have written nothing.</summary>
internal enum ForkStatus
{
    /// <summary>It is made and enqueued.</summary>
    Forked,

    /// <summary>The source does not exist.</summary>
    NoSource,

    /// <summary>The source has no step of the name.</summary>
    NoStep,

    /// <summary>The number lies beyond the next of the source's history.</summary>
    BeyondHistory,

    /// <summary>The fork's id is another workflow's.</summary>
    IdInUse,
}

/// <summary>A rewind to be made.</summary>
/// <param name="WorkflowId">The workflow.</param>
/// <param name="FromSequence">The first step that is removed.</param>
internal sealed record RewindRequest(string WorkflowId, int FromSequence)
{
    /// <summary>
    /// True where an earlier try may have taken effect: then a workflow that has not ended, or ended at another moment than
    /// <see cref="EndedAtMs"/>, is one that it has taken back, whatever became of it since.
    /// </summary>
    public bool IsRepeated { get; init; }

    /// <summary>When the workflow had ended before the first try; null where its row does not say.</summary>
    public long? EndedAtMs { get; init; }

    /// <summary>True for a row that an earlier try has taken back.</summary>
    public bool IsDone(WorkflowState state, long? endedAtMs) => IsRepeated && (!state.IsTerminal() || endedAtMs != EndedAtMs);
}

/// <summary>What became of a rewind.</summary>
/// <param name="Status">What happened.</param>
/// <param name="State">The state the row was in before.</param>
/// <param name="Highest">The highest recorded sequence before, or -1.</param>
internal sealed record RewindResult(RewindStatus Status, WorkflowState State = default, int Highest = -1);

/// <summary>How a rewind went. All but the first have written nothing.</summary>
internal enum RewindStatus
{
    /// <summary>It is rewound and enqueued, by this try or by an earlier one.</summary>
    Rewound,

    /// <summary>It does not exist.</summary>
    NoWorkflow,

    /// <summary>It has not ended.</summary>
    NotEnded,

    /// <summary>The number lies beyond the next of its history.</summary>
    BeyondHistory,
}

/// <summary>Which rows a retention policy is about.</summary>
/// <param name="Policy">The policy, checked.</param>
/// <param name="ApplicationName">Rows of this application, and of none; null for those of any.</param>
internal sealed record RetentionScope(RetentionPolicy Policy, string? ApplicationName);

/// <summary>A batch to be deleted.</summary>
/// <param name="Scope">Which rows.</param>
/// <param name="Bound">The last place in the order of completion that counts.</param>
/// <param name="After">The place up to which the batch before has looked; null for the first.</param>
/// <param name="Limit">How many rows are deleted at most.</param>
internal sealed record RetentionRequest(RetentionScope Scope, PageKey Bound, PageKey? After, int Limit)
{
    /// <summary>
    /// How many rows are looked at at most, whether or not they are deleted: millions that have to stay must not make one statement long.
    /// </summary>
    public int LookedMax { get; init; } = 4 * Limit;
}

/// <summary>A batch that was deleted.</summary>
/// <param name="Deleted">How many workflows.</param>
/// <param name="Last">The place up to which it has looked; null where it has reached the bound.</param>
/// <param name="Frees">True where others may have stayed for the sake of one that is gone now: they stand before it.</param>
internal readonly record struct RetentionBatch(int Deleted, PageKey? Last, bool Frees);
