using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Starts or moves a debounced workflow inside the batch's transaction; like any unit, it reads first and then writes.</summary>
internal readonly struct SqliteDebounce(SqliteSession session, long nowMs)
{
    private readonly SqliteCheckpoints checkpoints = new(session, nowMs);
    private readonly SqliteCommit commit = new(session, nowMs);

    public CommitResult Write(DebounceUnit unit)
    {
        string? applicationName = null;
        if (unit.Parent is { } parent)
        {
            var owned = checkpoints.TryReadOwned(parent, out applicationName);
            if (ReadStanding(unit, parent, owned) is { } standing)
            {
                return standing with { ParentMovedOn = !owned };
            }

            if (!owned)
            {
                return CommitResult.NotOwned;
            }
        }

        var result = MoveOrStart(unit);
        if (result.Status is CommitStatus.Written or CommitStatus.Attached && unit is { Parent: { } owner, ParentCheckpoint: { } row })
        {
            checkpoints.Write(owner.WorkflowId, row with { ChildId = result.Existing?.Id ?? unit.Row.Id }, applicationName);
        }

        return result;
    }

    // A checkpoint of an earlier try tells what the call did. A former owner recognizes its own checkpoint by name and times.
    private CommitResult? ReadStanding(DebounceUnit unit, Ownership parent, bool owned)
    {
        if (unit.ParentCheckpoint is not { } row || checkpoints.Read(parent.WorkflowId, row.Sequence) is not { ChildId: { } id } standing)
        {
            return null;
        }

        if (!owned && !SqliteCheckpoints.AreOfOneWrite(standing, row))
        {
            return null;
        }

        // If the id is the caller's own, its token tells whether this call created the row. A row deleted since is reported as it was.
        return commit.ReadExisting(new StartUnit(unit.Row with { Id = id, Token = id == unit.Row.Id ? unit.Row.Token : "" }))
            is { } existing
            ? existing with { Status = existing.Existing is null ? CommitStatus.Written : CommitStatus.Attached }
            : id == unit.Row.Id ? new CommitResult(CommitStatus.Written)
            : new CommitResult(CommitStatus.Attached, new ExistingWorkflow(id, unit.Row.Name, WorkflowState.Delayed));
    }

    private CommitResult MoveOrStart(DebounceUnit unit)
    {
        if (ReadHolder(unit.Row) is { } held)
        {
            if (held is { Status: CommitStatus.Attached, Existing.Id: var holderId })
            {
                Move(holderId, unit.Row);
            }

            return held;
        }

        if (commit.Insert(unit.Row) is not { } inserted)
        {
            return commit.ReadExisting(new StartUnit(unit.Row)) is { } existing
                ? existing with { Status = existing.Status is CommitStatus.Attached ? CommitStatus.IdInUse : existing.Status }
                : throw new InvalidOperationException($"The row of workflow '{unit.Row.Id}' was refused, and its id is not in use.");
        }

        using var mark = session.Use(QueueSql.MarkDebounced)
            .Bind("@workflow_uuid", unit.Row.Id)
            .Bind("@deadline", nowMs + unit.AtMostMs);
        mark.Execute();
        return inserted;
    }

    private CommitResult? ReadHolder(WorkflowInsert row)
    {
        using var statement = session.Use(QueueSql.ReadHolder)
            .Bind("@queue_name", row.Queue)
            .Bind("@deduplication_id", row.DeduplicationId)
            .Bind("@application_name", row.ApplicationName);
        if (!statement.Step())
        {
            return null;
        }

        var (id, name) = (statement.Text(0), statement.Text(1));
        if (id == row.Id && statement.TextOrNull(3) == row.Token)
        {
            return new CommitResult(CommitStatus.Written, null, statement.Int64(4), statement.Int64OrNull(5));
        }

        var status = statement.Truth(6) && name == row.Name ? CommitStatus.Attached : CommitStatus.Deduplicated;
        return new CommitResult(status, new ExistingWorkflow(id, name, WorkflowStates.Parse(statement.Text(2))));
    }

    private void Move(string workflowId, WorkflowInsert row)
    {
        using (var move = session.Use(QueueSql.MoveDebounced)
            .Bind("@workflow_uuid", workflowId)
            .Bind("@delay_until", nowMs + (row.DelayMs ?? 0))
            .Bind("@serialization", row.Input.Format)
            .Bind("@application_name", row.ApplicationName)
            .Bind("@application_version", row.ApplicationVersion)
            .Bind("@parent_workflow_id", row.ParentId)
            .Bind("@now", nowMs))
        {
            move.Execute();
        }

        using var input = session.Use(CommitSql.WriteInput)
            .Bind("@workflow_uuid", workflowId)
            .Bind("@inputs", row.Input.Text)
            .Bind("@now", nowMs);
        input.Execute();
    }
}
