using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Writes the units of one batch inside its transaction.</summary>
/// <remarks>
/// Each unit reads first and then writes. Under the write lock nothing changes in between, so the unit's content cannot make a statement
/// fail, and one unit's conflict does not affect the others.
/// </remarks>
internal readonly struct SqliteCommit(SqliteSession session, long nowMs)
{
    private readonly SqliteCheckpoints checkpoints = new(session, nowMs);

    public CommitResult Write(CheckpointUnit unit)
    {
        if (!checkpoints.TryReadOwned(unit.Owner, out var applicationName))
        {
            return checkpoints.AnswerForLost(unit.Owner, unit.Rows);
        }

        checkpoints.Write(unit.Owner.WorkflowId, unit.Rows, applicationName);
        return CommitResult.Written;
    }

    public CommitResult Write(OutcomeUnit unit)
    {
        string? applicationName = null;
        if (unit.Last is not null)
        {
            checkpoints.TryReadOwned(unit.Owner, out applicationName);
        }

        if (Complete(unit) == 0)
        {
            return Stands(unit) ? CommitResult.Written : CommitResult.NotOwned;
        }

        if (unit.Last is { } last)
        {
            checkpoints.Write(unit.Owner.WorkflowId, last, applicationName);
        }

        using var statement = session.Use(CommitSql.WriteOutput)
            .Bind("@workflow_uuid", unit.Owner.WorkflowId)
            .Bind("@output", unit.Output)
            .Bind("@error", unit.Error)
            .Bind("@now", nowMs);
        statement.Execute();
        return CommitResult.Written;
    }

    public CommitResult Write(StartUnit unit)
    {
        string? applicationName = null;
        if (unit.Parent is { } parent && !checkpoints.TryReadOwned(parent, out applicationName))
        {
            // Child and checkpoint are one unit: a child that this call created shows that the checkpoint is stored too.
            return ReadExisting(unit) is { Status: CommitStatus.Written } written
                ? written with { ParentMovedOn = true }
                : CommitResult.NotOwned;
        }

        var result = Insert(unit.Row) ?? ReadExisting(unit) ?? ReadDeduplicated(unit.Row);
        if (result.Status is CommitStatus.Written or CommitStatus.Attached && unit is { Parent: { } owner, ParentCheckpoint: { } row })
        {
            checkpoints.Write(owner.WorkflowId, row, applicationName);
        }

        return result;
    }

    private int Complete(OutcomeUnit unit)
    {
        using var statement = session.Use(CommitSql.CompleteWorkflow)
            .Bind("@status", unit.State.ToStored())
            .Bind("@now", nowMs)
            .Bind("@workflow_uuid", unit.Owner.WorkflowId)
            .Bind("@token", unit.Owner.Token);
        return statement.Execute();
    }

    /// <summary>Inserts a workflow with its input; returns null if its id, or its deduplication id on its queue, is in use.</summary>
    public CommitResult? Insert(WorkflowInsert row)
    {
        var direct = row.State is WorkflowState.Pending;
        var deadline = row.DeadlineMs ?? (direct ? EpochMs.After(nowMs, row.TimeoutMs) : null);
        using (var statement = SqliteInsert.Bind(session.Use(CommitSql.InsertWorkflow), row)
            .Bind("@now", nowMs)
            .Bind("@recovery_attempts", direct ? 1 : 0)
            .Bind("@owner_xid", direct ? row.Token : null)
            .Bind("@deadline", deadline)
            .Bind("@delay_until", row.State is WorkflowState.Delayed ? nowMs + (row.DelayMs ?? 0) : null))
        {
            if (statement.Execute() == 0)
            {
                return null;
            }
        }

        using var input = session.Use(CommitSql.WriteInput)
            .Bind("@workflow_uuid", row.Id)
            .Bind("@inputs", row.Input.Text)
            .Bind("@now", nowMs);
        input.Execute();
        return new CommitResult(CommitStatus.Written, CreatedAtMs: nowMs, DeadlineMs: deadline);
    }

    /// <summary>The result for a workflow that already has the id of a start; null if there is none.</summary>
    public CommitResult? ReadExisting(StartUnit unit)
    {
        using var statement = session.Use(CommitSql.ReadExisting).Bind("@workflow_uuid", unit.Row.Id);
        if (!statement.Step())
        {
            return null;
        }

        var existing = new ExistingWorkflow(unit.Row.Id, statement.Text(0), WorkflowStates.Parse(statement.Text(1)));
        if (statement.TextOrNull(2) == unit.Row.Token)
        {
            return new CommitResult(CommitStatus.Written, null, statement.Int64(3), statement.Int64OrNull(4))
            {
                MovedOn = unit.Row.State == WorkflowState.Pending && statement.TextOrNull(5) != unit.Row.Token,
            };
        }

        return unit.InTheWay(existing, statement.TextOrNull(6));
    }

    private CommitResult ReadDeduplicated(WorkflowInsert row)
    {
        using var statement = session.Use(CommitSql.ReadDeduplicated)
            .Bind("@queue_name", row.Queue)
            .Bind("@deduplication_id", row.DeduplicationId);
        if (!statement.Step())
        {
            throw new InvalidOperationException(
                $"The row of workflow '{row.Id}' was refused, and neither its id nor its deduplication id is in use.");
        }

        var holder = new ExistingWorkflow(statement.Text(0), statement.Text(1), WorkflowStates.Parse(statement.Text(2)));
        return new CommitResult(CommitStatus.Deduplicated, holder);
    }

    private bool Stands(OutcomeUnit unit)
    {
        using var statement = session.Use(CommitSql.ReadSameOutcome)
            .Bind("@workflow_uuid", unit.Owner.WorkflowId)
            .Bind("@status", unit.State.ToStored())
            .Bind("@output", unit.Output)
            .Bind("@error", unit.Error);
        return statement.Step();
    }
}
