using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Worker.Faults;

/// <summary>A call of the engine to its store.</summary>
/// <param name="Kind">Which member.</param>
/// <param name="Batch">The units that a commit writes; empty for every other call.</param>
internal sealed record StoreCall(StoreCallKind Kind, IReadOnlyList<CommitUnit> Batch)
{
    /// <summary>After a claim: the ids of the workflows it took.</summary>
    public IReadOnlyList<string> Claimed { get; init; } = [];

    /// <summary>The workflows whose histories are read.</summary>
    public IReadOnlyList<string> Read { get; init; } = [];

    /// <summary>The queue that a claim is from, where it is from one alone.</summary>
    public string? Queue { get; init; }

    /// <summary>Which parked workflows a claim asks for.</summary>
    public ParkedScope? Parked { get; init; }

    /// <summary>What a retention batch is to delete.</summary>
    public RetentionRequest? Collected { get; init; }

    /// <summary>
    /// What it writes, in words that a test names a point by: <c>start w1</c>, <c>checkpoint one</c>, <c>outcome w1</c>, <c>claim w1</c>,
    /// <c>park w1</c>.
    /// </summary>
    public IEnumerable<string> Subjects => Kind switch
    {
        StoreCallKind.Commit or StoreCallKind.CommitWaiting => Batch.SelectMany(SubjectsOf),
        StoreCallKind.Claim or StoreCallKind.ClaimLimited => Claimed.Select(id => "claim " + id),
        StoreCallKind.Migrate => ["migrate"],
        _ => [],
    };

    private static IEnumerable<string> SubjectsOf(CommitUnit unit) => unit switch
    {
        StartUnit start => [$"start {start.Row.Id}"],
        CheckpointUnit checkpoints => checkpoints.Rows.Select(row => $"checkpoint {row.Name}"),
        ReceiveUnit receive => [$"checkpoint {receive.Row.Name}"],
        DebounceUnit debounce => [$"debounce {debounce.Row.DeduplicationId}"],
        ContinueUnit again => [$"continue {again.Owner.WorkflowId}"],
        ParkUnit park => [$"park {park.Owner.WorkflowId}"],
        OutcomeUnit outcome => [$"outcome {outcome.Owner.WorkflowId}"],
        _ => [],
    };
}

/// <summary>The members of a store at which a fault can be put.</summary>
internal enum StoreCallKind
{
    Commit,
    CommitWaiting,
    Claim,
    ReadHistories,
    Migrate,
    ReadLevel,
    Register,
    Renew,
    Stop,
    ReadExecutors,
    Expire,
    HandOn,
    HandOnOrphans,
    HandBack,
    Read,
    ReadHistory,
    ReadOutcomes,
    ReadLost,
    Cancel,
    CancelExpired,
    ReadPage,
    CountWorkflows,
    Fork,
    Rewind,
    Delete,
    SetAttributes,
    ReadRetentionBound,
    Collect,
    FindFirst,
    ReadCommits,
    Announce,
    Resume,
    ClaimParked,
    ReadParkedOutlook,
    ReadUnread,
    ReadEvents,
    ReadAllEvents,
    ReadStreams,
    ReadMessages,
    ReadForks,
    ClaimLimited,
    RegisterQueue,
    ReadQueues,
    ChangeQueue,
    ReadOutlook,
    ReleaseDelayed,
    StartMany,
    ChangeWaiting,
    WriteSchedules,
    ReadSchedules,
    Fire,
    Versions,
    Adopt,
}
