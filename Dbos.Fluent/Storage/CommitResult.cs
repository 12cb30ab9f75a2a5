using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>The outcome of one unit of a batch.</summary>
internal enum CommitStatus
{
    /// <summary>
    /// The unit is stored: written now, or by an earlier try whose acknowledgement was lost. For a start: this call made the row.
    /// </summary>
    Written,

    /// <summary>The workflow's row no longer carries the token; nothing was written.</summary>
    NotOwned,

    /// <summary>Somebody else has locked the row; nothing was written, and its owner is unknown.</summary>
    Busy,

    /// <summary>A start whose id exists under the same name: attached (see <see cref="CommitResult.Existing"/>).</summary>
    Attached,

    /// <summary>A start whose id exists under another name; nothing was written.</summary>
    NameConflict,

    /// <summary>
    /// A start whose id exists, and that asked to be rejected then, or whose id was derived and is an unrelated workflow's; nothing was
    /// written.
    /// </summary>
    IdInUse,

    /// <summary>A start whose deduplication id is held by another workflow of that queue; nothing was written.</summary>
    Deduplicated,

    /// <summary>A receive found no unread message; only its <c>Begun</c> rows were written.</summary>
    NothingThere,

    /// <summary>A send to a workflow that does not exist (see <see cref="CommitResult.MissingId"/>); nothing was written.</summary>
    NoDestination,

    /// <summary>A write to a closed stream; nothing was written.</summary>
    StreamClosed,

    /// <summary>
    /// The database permanently refuses the unit's content (text it cannot hold); nothing was written. Only in a batch of several: a single
    /// unit throws what <see cref="CommitResult.Refusal"/> holds.
    /// </summary>
    Refused,
}

/// <summary>The result of one unit.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Existing">The workflow that blocks a start, if one does.</param>
/// <param name="CreatedAtMs">For a start that was written: the row's creation, on the store's clock.</param>
/// <param name="DeadlineMs">For a start that was written: the row's deadline.</param>
/// <param name="Refusal">Why the database refuses it, if it does.</param>
internal sealed record CommitResult(
    CommitStatus Status, ExistingWorkflow? Existing = null, long CreatedAtMs = 0, long? DeadlineMs = null, Exception? Refusal = null)
{
    /// <summary>
    /// For a unit that an earlier try wrote, whose acknowledgement was lost: the writer's row, or the row that a start made to run at once,
    /// no longer carries the token. It has been taken up elsewhere since, or has ended.
    /// </summary>
    public bool MovedOn { get; init; }

    /// <summary>
    /// For a start by a running workflow that an earlier try wrote: that workflow no longer carries the token, and nothing that follows may
    /// begin.
    /// </summary>
    public bool ParentMovedOn { get; init; }

    /// <summary>For a receive that was written: the message.</summary>
    public Payload? Received { get; init; }

    /// <summary>For a send that was refused: a destination that does not exist.</summary>
    public string? MissingId { get; init; }

    public static CommitResult Written { get; } = new(CommitStatus.Written);

    public static CommitResult NotOwned { get; } = new(CommitStatus.NotOwned);

    public static CommitResult Busy { get; } = new(CommitStatus.Busy);
}

/// <summary>The existing workflow that blocks a start.</summary>
internal sealed record ExistingWorkflow(string Id, string Name, WorkflowState State);
