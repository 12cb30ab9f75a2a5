namespace Dbos.Fluent.Storage;

/// <summary>Something that is written whole or not at all, as part of a batch.</summary>
internal abstract record CommitUnit
{
    /// <summary>Keeps the units of one workflow in one lane, so that they are written in order.</summary>
    public abstract string LaneKey { get; }

    /// <summary>Characters of its payloads, which bound the size of a batch.</summary>
    public abstract long Size { get; }

    /// <summary>
    /// The highest sequence number of the checkpoints it writes for the writing workflow; -1 if it writes none.
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

/// <summary>The permitted writer: the unit is dropped unless the workflow's row carries this token (<c>owner_xid</c>).</summary>
internal readonly record struct Ownership(string WorkflowId, string Token);

/// <summary>Starts one workflow: writes its row, its input and, for a child, the parent's checkpoint that names it, together.</summary>
/// <param name="Row">The row to insert; an existing row is not changed.</param>
/// <param name="Parent">
/// The running workflow that starts it, whose checkpoint <paramref name="ParentCheckpoint"/> is written with it; null for a start from
/// outside.
/// </param>
/// <param name="ParentCheckpoint">
/// The parent's checkpoint. It is written if the child was created or exists under the same name. It is not written on a conflict
/// (<see cref="CommitStatus.NameConflict"/>, <see cref="CommitStatus.IdInUse"/>), which the caller records itself.
/// </param>
/// <param name="RejectExisting">True to report an existing row that this call did not make as <see cref="CommitStatus.IdInUse"/>.</param>
internal sealed record StartUnit(
    WorkflowInsert Row, Ownership? Parent = null, CheckpointRow? ParentCheckpoint = null, bool RejectExisting = false) : CommitUnit
{
    /// <summary>
    /// True if the id was derived from the parent's: a row that the same parent has not started then blocks the start.
    /// </summary>
    public bool IsIdMade { get; init; }

    /// <summary>The result of this start if a row that it has not made exists under the id.</summary>
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

/// <summary>Stores outcomes of steps of one running workflow, all together.</summary>
internal sealed record CheckpointUnit(Ownership Owner, IReadOnlyList<CheckpointRow> Rows) : CommitUnit
{
    public override string LaneKey => Owner.WorkflowId;

    public override long Size => Rows.Sum(row => (long)(row.Output?.Length ?? 0) + (row.Error?.Length ?? 0));

    public override int HighestSequence => Highest(Rows);
}

/// <summary>
/// Takes a running workflow to its next generation: its checkpoints are deleted, its input and origin replaced, its attempts set to 1,
/// and its timeout restarted. It stays running, under another token.
/// </summary>
/// <param name="Owner">The run that owns it.</param>
/// <param name="Generation">The generation that ends.</param>
/// <param name="Input">The encoded input of the next one.</param>
/// <param name="Origin">The origin of the next one.</param>
/// <param name="NextToken">The token of the next one, which is unique.</param>
/// <remarks>
/// The result holds the new deadline. A workflow that carries the next token got it from this unit. Writes of the ended generation that
/// are still on their way name the old token, and are refused.
/// </remarks>
internal sealed record ContinueUnit(
    Ownership Owner, int Generation, string? Input, WorkflowOrigin Origin, string NextToken) : CommitUnit
{
    public override string LaneKey => Owner.WorkflowId;

    public override long Size => Input?.Length ?? 0;
}

/// <summary>Ends a running workflow with SUCCESS or ERROR and its output or error; owner and deduplication id are cleared.</summary>
internal sealed record OutcomeUnit(Ownership Owner, WorkflowState State, string? Output, string? Error) : CommitUnit
{
    /// <summary>The checkpoint of its last step, if it is written with the outcome.</summary>
    public CheckpointRow? Last { get; init; }

    public override string LaneKey => Owner.WorkflowId;

    public override long Size => (Output?.Length ?? 0) + (Error?.Length ?? 0) + (Last?.Output?.Length ?? 0);

    public override int HighestSequence => Last?.Sequence ?? -1;
}
