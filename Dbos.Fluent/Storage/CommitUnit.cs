namespace Dbos.Fluent.Storage;

/// <summary>Something that is written whole or not at all, as part of a batch.</summary>
internal abstract record CommitUnit
{
    /// <summary>Units of one workflow keep to one lane, so that they are written in their order.</summary>
    public abstract string LaneKey { get; }

    /// <summary>Characters of its payloads, by which the size of a batch is bounded.</summary>
    public abstract long Size { get; }

    /// <summary>
    /// The highest sequence number of the checkpoints it writes for the workflow that writes it; -1 where it writes none.
    /// </summary>
    public virtual int HighestSequence => -1;

    protected static int Highest(IReadOnlyList<CheckpointRow> rows)
    {
        var highest = -1;
        foreach (var row in rows)
        {
            highest = Math.Max(highest, row.Sequence);
        }

        return highest;
    }
}

/// <summary>Who may write: the unit is dropped unless the workflow's row carries this token (<c>owner_xid</c>).</summary>
internal readonly record struct Ownership(string WorkflowId, string Token);

/// <summary>Starts one workflow: its row and its input, and for a child the parent's checkpoint that names it, in one.</summary>
/// <param name="Row">What is inserted; nothing of an existing row changes.</param>
/// <param name="Parent">
/// The running workflow that starts it, and whose checkpoint <paramref name="ParentCheckpoint"/> is written with it; null for a start from
/// outside.
/// </param>
/// <param name="ParentCheckpoint">
/// The parent's checkpoint. It is written when the child was created or exists under the same name, and not written on a conflict
/// (<see cref="CommitStatus.NameConflict"/>, <see cref="CommitStatus.IdInUse"/>), which the caller records in its own way.
/// </param>
/// <param name="RejectExisting">True to report an existing row that this call did not make as <see cref="CommitStatus.IdInUse"/>.</param>
internal sealed record StartUnit(
    WorkflowInsert Row, Ownership? Parent = null, CheckpointRow? ParentCheckpoint = null, bool RejectExisting = false) : CommitUnit
{
    /// <summary>
    /// True where the id was made of the parent's: a row that the same parent has not started is in the way then, not attached to.
    /// </summary>
    public bool IsIdMade { get; init; }

    /// <summary>What a row under the id, which this start has not made, means for it.</summary>
    public CommitResult InTheWay(ExistingWorkflow existing, string? existingParentId)
    {
        var isStrange = IsIdMade && existingParentId != Row.ParentId;
        return new(
            RejectExisting || isStrange ? CommitStatus.IdInUse
            : existing.Name == Row.Name ? CommitStatus.Attached
            : CommitStatus.NameConflict,
            existing);
    }

    public override string LaneKey => Parent?.WorkflowId ?? Row.Id;

    public override long Size => Row.Input.Text?.Length ?? 0;

    public override int HighestSequence => ParentCheckpoint?.Sequence ?? -1;
}

/// <summary>Stores outcomes of steps of one running workflow, all in one.</summary>
internal sealed record CheckpointUnit(Ownership Owner, IReadOnlyList<CheckpointRow> Rows) : CommitUnit
{
    public override string LaneKey => Owner.WorkflowId;

    public override long Size => Rows.Sum(row => (long)(row.Output?.Length ?? 0) + (row.Error?.Length ?? 0));

    public override int HighestSequence => Highest(Rows);
}

/// <summary>
/// Takes a running workflow to its next generation: its checkpoints are deleted, its input and origin replaced, its attempts 1, its timeout
/// begun anew. It stays running, under another token.
/// </summary>
/// <param name="Owner">Who runs it.</param>
/// <param name="Generation">The generation that ends.</param>
/// <param name="Input">The encoded input of the next one.</param>
/// <param name="Origin">The origin of the next one.</param>
/// <param name="NextToken">The token of the next one, which is nobody else's.</param>
/// <remarks>
/// The result tells the new deadline. A workflow that carries the next token has got it by this unit. What the ended generation has written
/// and is still on its way names the old one, and is refused.
/// </remarks>
internal sealed record ContinueUnit(
    Ownership Owner, int Generation, string? Input, WorkflowOrigin Origin, string NextToken) : CommitUnit
{
    public override string LaneKey => Owner.WorkflowId;

    public override long Size => Input?.Length ?? 0;
}

/// <summary>Ends a running workflow: state SUCCESS or ERROR, its output or error; owner and deduplication id are cleared.</summary>
internal sealed record OutcomeUnit(Ownership Owner, WorkflowState State, string? Output, string? Error) : CommitUnit
{
    /// <summary>The checkpoint of its last step, where that is written with it.</summary>
    public CheckpointRow? Last { get; init; }

    public override string LaneKey => Owner.WorkflowId;

    public override long Size => (Output?.Length ?? 0) + (Error?.Length ?? 0) + (Last?.Output?.Length ?? 0);

    public override int HighestSequence => Last?.Sequence ?? -1;
}
