namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Finds the origin of a workflow that is being claimed, and stores it if it must be remembered.</summary>
internal readonly struct SqliteOrigins(SqliteSession session, long nowMs)
{
    // A chain of forks is as long as people make it; the limit keeps a damaged table from holding the write lock.
    private const int ForksMax = 1000;

    /// <summary>True if no executor has ever run the workflow; false for a fork, as its source may have been run.</summary>
    public static bool NeverRan(ClaimableRow row) => row.Origin is null && row.ForkedFrom is null && !WasRun(row);

    public WorkflowOrigin Resolve(ClaimableRow row)
    {
        if (row.Origin is { } stored)
        {
            return stored;
        }

        if (WasRun(row))
        {
            return WorkflowOrigin.OfDirectStart(row.Id, row.CreatedAtMs);
        }

        return Store(row.Id, row.ForkedFrom);
    }

    /// <summary>Gives a workflow the origin of its source; without a source, a new origin.</summary>
    public WorkflowOrigin Store(string workflowId, string? source)
    {
        var origin = OfFork(source) ?? new WorkflowOrigin(Random.Shared.NextInt64(long.MinValue, long.MaxValue), nowMs);
        using var statement = session.Use(ClaimSql.InsertOrigin)
            .Bind("@workflow_uuid", workflowId)
            .Bind("@seed", origin.Seed)
            .Bind("@started_at", origin.StartedAtMs);
        statement.Execute();
        return origin;
    }

    // A first claim stores an origin, so a row that was run and has no origin was started directly. The executor of the run stays in the
    // row through recovery, draining, resume and rewind, which may all reset the attempts to 0. Other SDKs write '' for no executor.
    private static bool WasRun(ClaimableRow row) => row.RecoveryAttempts > 0 || !string.IsNullOrEmpty(row.ExecutorId);

    private WorkflowOrigin? OfFork(string? source)
    {
        WorkflowOrigin? nearest = null;
        for (var forks = 0; source is not null && forks < ForksMax; forks++)
        {
            using var statement = session.Use(ClaimSql.ReadSource).Bind("@workflow_uuid", source);
            if (!statement.Step())
            {
                return nearest;
            }

            if (statement.Int64OrNull(2) is { } seed)
            {
                return new WorkflowOrigin(seed, statement.Int64(3));
            }

            // Without a stored origin, the source is a direct start, or a fork that never ran and will get its own source's origin.
            nearest = WorkflowOrigin.OfDirectStart(source, statement.Int64(0));
            source = statement.TextOrNull(1);
        }

        return nearest;
    }
}
