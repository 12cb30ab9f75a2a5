namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Takes a running workflow to its next generation, inside the batch's transaction.</summary>
internal readonly struct SqliteContinue(SqliteSession session, long nowMs)
{
    public CommitResult Write(ContinueUnit unit)
    {
        if (Read(unit) is not { } found)
        {
            return CommitResult.NotOwned;
        }

        if (found.Generation != unit.Generation)
        {
            // Under this token only this unit can have done it: an earlier try, whose answer was lost.
            return found.Generation == unit.Generation + 1
                ? new CommitResult(CommitStatus.Written, DeadlineMs: found.DeadlineMs)
                : CommitResult.NotOwned;
        }

        var deadline = nowMs + found.TimeoutMs ?? found.DeadlineMs;
        Forget(unit.Owner.WorkflowId);
        Begin(unit, deadline);
        return new CommitResult(CommitStatus.Written, DeadlineMs: deadline);
    }

    private (int Generation, long? TimeoutMs, long? DeadlineMs)? Read(ContinueUnit unit)
    {
        using var statement = session.Use(ContinueSql.Read)
            .Bind("@workflow_uuid", unit.Owner.WorkflowId).Bind("@token", unit.Owner.Token);
        return statement.Step() ? (statement.Int32(0), statement.Int64OrNull(1), statement.Int64OrNull(2)) : null;
    }

    private void Forget(string workflowId)
    {
        foreach (var sql in (IEnumerable<string>)[ContinueSql.DeleteCheckpoints, .. ContinueSql.SetAside])
        {
            using var statement = session.Use(sql).Bind("@workflow_uuid", workflowId);
            statement.Execute();
        }
    }

    private void Begin(ContinueUnit unit, long? deadlineMs)
    {
        var id = unit.Owner.WorkflowId;
        using (var generation = session.Use(ContinueSql.WriteGeneration)
            .Bind("@workflow_uuid", id).Bind("@generation", unit.Generation + 1))
        {
            generation.Execute();
        }

        using (var input = session.Use(ContinueSql.WriteInput)
            .Bind("@workflow_uuid", id).Bind("@inputs", unit.Input).Bind("@now", nowMs))
        {
            input.Execute();
        }

        using (var origin = session.Use(ContinueSql.WriteOrigin)
            .Bind("@workflow_uuid", id).Bind("@seed", unit.Origin.Seed).Bind("@started_at", unit.Origin.StartedAtMs))
        {
            origin.Execute();
        }

        using var begin = session.Use(ContinueSql.Begin).Bind("@workflow_uuid", id).Bind("@deadline", deadlineMs).Bind("@now", nowMs);
        begin.Execute();
    }
}
