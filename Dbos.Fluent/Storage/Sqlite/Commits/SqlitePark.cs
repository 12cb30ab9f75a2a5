namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Parks a workflow inside the batch's transaction.</summary>
internal readonly struct SqlitePark(SqliteSession session, long nowMs)
{
    /// <summary>The kind of wait that a signal may end; null for other signals.</summary>
    public static string? KindOf(StoreSignalKind kind) => kind switch
    {
        StoreSignalKind.Message => WaitKinds.Message,
        StoreSignalKind.Event => WaitKinds.Event,
        StoreSignalKind.Completed => WaitKinds.Outcome,
        _ => null,
    };

    public CommitResult Write(ParkUnit unit)
    {
        using var park = session.Use(ParkSql.Park)
            .Bind("@workflow_uuid", unit.Owner.WorkflowId)
            .Bind("@token", unit.Owner.Token)
            .Bind("@delay_until", unit.Waits.Min(wait => wait.WakeAtMs) ?? long.MaxValue)
            .Bind("@now", nowMs);
        if (park.Execute() == 0)
        {
            return IsParked(unit.Owner) ? CommitResult.Written : CommitResult.NotOwned;
        }

        using var delete = session.Use(ParkSql.DeleteWaits).Bind("@workflow_uuid", unit.Owner.WorkflowId);
        delete.Execute();
        foreach (var wait in unit.Waits)
        {
            Insert(unit.Owner, wait);
        }

        return CommitResult.Written;
    }

    private void Insert(Ownership owner, WaitRow wait)
    {
        using var statement = session.Use(ParkSql.InsertWait)
            .Bind("@workflow_uuid", owner.WorkflowId)
            .Bind("@sequence", wait.Sequence)
            .Bind("@part", wait.Part)
            .Bind("@kind", WaitKinds.ToStored(wait.Kind))
            .Bind("@key", wait.Key)
            .Bind("@target", wait.TargetId)
            .Bind("@name", wait.Name)
            .Bind("@wake_at", wait.WakeAtMs)
            .Bind("@token", owner.Token);
        statement.Execute();
    }

    private bool IsParked(Ownership owner)
    {
        using var statement = session.Use(ParkSql.ReadParkedBy)
            .Bind("@workflow_uuid", owner.WorkflowId)
            .Bind("@token", owner.Token);
        return statement.Step();
    }
}
