namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Finds, and where it must be remembered stores, the origin of a workflow that is being claimed.</summary>
internal readonly struct SqliteOrigins(SqliteSession session, long nowMs)
{
    // A chain of forks is as long as people made it; a limit keeps a damaged table from holding the write lock.
    private const int ForksMax = 1000;

    /// <summary>True where no executor has ever run it, here or, as a fork's source, elsewhere.</summary>
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

    /// <summary>Gives a workflow the origin of its source, or without a source one of its own.</summary>
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

    // A first claim stores an origin, so a row that was run and has none was started directly. The executor of the run stays in the row
    // through recovery, draining, resume and rewind, which may all set the attempts back to 0. Other SDKs write '' for none.
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

            // Without a stored origin the source is a direct start, or a fork that never ran and will have its own source's origin.
            nearest = WorkflowOrigin.OfDirectStart(source, statement.Int64(0));
            source = statement.TextOrNull(1);
        }

        return nearest;
    }
}
