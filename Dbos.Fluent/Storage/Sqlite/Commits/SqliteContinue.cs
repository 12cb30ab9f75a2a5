using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Moves a running workflow to its next generation, inside the batch's transaction.</summary>
internal readonly struct SqliteContinue(SqliteSession session, long nowMs)
{
    public CommitResult Write(ContinueUnit unit)
    {
        if (Read(unit) is not { } found)
        {
            return CommitResult.NotOwned;
        }

        if (found.Token == unit.NextToken)
        {
            // Only an earlier try of this unit can have set that token; its answer was lost.
            return new CommitResult(CommitStatus.Written, DeadlineMs: found.DeadlineMs);
        }

        var deadline = EpochMs.After(nowMs, found.TimeoutMs) ?? found.DeadlineMs;
        Forget(unit.Owner.WorkflowId);
        Begin(unit, deadline);
        return new CommitResult(CommitStatus.Written, DeadlineMs: deadline);
    }

    private (long? TimeoutMs, long? DeadlineMs, string Token)? Read(ContinueUnit unit)
    {
        using var statement = session.Use(ContinueSql.Read)
            .Bind("@workflow_uuid", unit.Owner.WorkflowId)
            .Bind("@token", unit.Owner.Token)
            .Bind("@next_token", unit.NextToken);
        return statement.Step() ? (statement.Int64OrNull(0), statement.Int64OrNull(1), statement.Text(2)) : null;
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

        using var begin = session.Use(ContinueSql.Begin)
            .Bind("@workflow_uuid", id)
            .Bind("@next_token", unit.NextToken)
            .Bind("@deadline", deadlineMs)
            .Bind("@now", nowMs);
        begin.Execute();
    }
}
