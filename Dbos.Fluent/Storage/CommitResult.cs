using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>What became of one unit of a batch.</summary>
internal enum CommitStatus
{
    /// <summary>
    /// It stands in the database: written now, or by an earlier try whose acknowledgement was lost. For a start: this call made the row.
    /// </summary>
    Written,

    /// <summary>The workflow's row no longer carries the token; nothing was written.</summary>
    NotOwned,

    /// <summary>The row was locked by somebody else; nothing was written, and nothing is known of its owner.</summary>
    Busy,

    /// <summary>A start whose id exists under the same name: attached (see <see cref="CommitResult.Existing"/>).</summary>
    Attached,

    /// <summary>A start whose id exists under another name; nothing was written.</summary>
    NameConflict,

    /// <summary>
    /// A start whose id exists, and which asked to be refused then, or whose id was made and is a stranger's; nothing was written.
    /// </summary>
    IdInUse,

    /// <summary>A start whose deduplication id is held by another workflow of that queue; nothing was written.</summary>
    Deduplicated,

    /// <summary>A receive found no unread message; nothing but its <c>Begun</c> rows was written.</summary>
    NothingThere,

    /// <summary>A send to a workflow that does not exist (see <see cref="CommitResult.MissingId"/>); nothing was written.</summary>
    NoDestination,

    /// <summary>A write to a closed stream; nothing was written.</summary>
    StreamClosed,

    /// <summary>
    /// The database refuses the unit's content for good (text it cannot hold); nothing was written. Only in a batch of several: a single
    /// unit throws what <see cref="CommitResult.Refusal"/> holds.
    /// </summary>
    Refused,
}

/// <summary>The result of one unit.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Existing">The workflow in the way of a start, where there is one.</param>
/// <param name="CreatedAtMs">For a start that was written: the row's creation, on the store's clock.</param>
/// <param name="DeadlineMs">For a start that was written: the row's deadline.</param>
/// <param name="Refusal">Why the database refuses it, where it does.</param>
internal sealed record CommitResult(
    CommitStatus Status, ExistingWorkflow? Existing = null, long CreatedAtMs = 0, long? DeadlineMs = null, Exception? Refusal = null)
{
    /// <summary>
    /// For what an earlier try has written, whose acknowledgement was lost: the row that was the writer's then, or that a start made to
    /// run at once, carries the token no more. It has been taken up elsewhere since, or has ended.
    /// </summary>
    public bool MovedOn { get; init; }

    /// <summary>
    /// For a start of a running workflow's that an earlier try has written: the workflow itself carries the token no more, and nothing that
    /// follows may begin.
    /// </summary>
    public bool ParentMovedOn { get; init; }

    /// <summary>For a receive that was written: the message.</summary>
    public Payload? Received { get; init; }

    /// <summary>For a send that was not: a destination that does not exist.</summary>
    public string? MissingId { get; init; }

    public static CommitResult Written { get; } = new(CommitStatus.Written);

    public static CommitResult NotOwned { get; } = new(CommitStatus.NotOwned);

    public static CommitResult Busy { get; } = new(CommitStatus.Busy);
}

/// <summary>The workflow that a start ran into.</summary>
internal sealed record ExistingWorkflow(string Id, string Name, WorkflowState State);
