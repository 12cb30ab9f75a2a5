namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Shared by the units of a running workflow: whether it may write, and its checkpoints.</summary>
internal readonly struct SqliteCheckpoints(SqliteSession session, long nowMs)
{
    public bool TryReadOwned(Ownership owner, out string? applicationName)
    {
        using var statement = session.Use(CommitSql.ReadOwned)
            .Bind("@workflow_uuid", owner.WorkflowId)
            .Bind("@token", owner.Token);
        var owned = statement.Step();
        applicationName = owned ? statement.TextOrNull(0) : null;
        return owned;
    }

    public void Write(string workflowId, IReadOnlyList<CheckpointRow> rows, string? applicationName)
    {
        foreach (var row in rows)
        {
            Write(workflowId, row, applicationName);
        }
    }

    public void Write(string workflowId, CheckpointRow row, string? applicationName)
    {
        using var statement = Bind(session.Use(CommitSql.InsertCheckpoint), workflowId, row)
            .Bind("@output", row.Output)
            .Bind("@error", row.Error)
            .Bind("@child_workflow_id", row.ChildId)
            .Bind("@serialization", row.Format)
            .Bind("@application_name", applicationName)
            .Bind("@now", nowMs);
        statement.Execute();
    }

    /// <summary>
    /// The answer to a former owner. Its commit may have succeeded although the acknowledgement was lost, and a later commit may have taken
    /// the row from it.
    /// </summary>
    public CommitResult AnswerForLost(Ownership owner, IReadOnlyList<CheckpointRow> rows)
    {
        foreach (var row in rows)
        {
            using var statement = Bind(session.Use(CommitSql.ReadSameCheckpoint), owner.WorkflowId, row)
                .Bind("@output", row.Output)
                .Bind("@error", row.Error)
                .Bind("@child_workflow_id", row.ChildId);
            if (!statement.Step())
            {
                return CommitResult.NotOwned;
            }
        }

        return rows.Count > 0 ? CommitResult.Written with { MovedOn = true } : CommitResult.NotOwned;
    }

    /// <summary>Whether the first of these checkpoints is stored; an owner finds it only if an earlier try wrote the whole unit.</summary>
    public bool Began(string workflowId, IReadOnlyList<CheckpointRow> rows) =>
        rows is [var first, ..] && Read(workflowId, first.Sequence) is not null;

    /// <summary>The checkpoint at a sequence, by any writer; null if there is none.</summary>
    public CheckpointRow? Read(string workflowId, int sequence)
    {
        using var statement = session.Use(CommitSql.ReadCheckpoint)
            .Bind("@workflow_uuid", workflowId)
            .Bind("@function_id", sequence);
        return statement.Step() ? SqliteRows.ReadCheckpoint(statement) : null;
    }

    /// <summary>
    /// Whether a stored checkpoint was written by an earlier try of this one. A former owner recognizes its own by name and times; the rest
    /// may be a result that it never learned.
    /// </summary>
    public static bool AreOfOneWrite(CheckpointRow stored, CheckpointRow row) =>
        (stored.Name, stored.StartedAtMs, stored.CompletedAtMs) == (row.Name, row.StartedAtMs, row.CompletedAtMs);

    private static SqliteStatement Bind(SqliteStatement statement, string workflowId, CheckpointRow row) => statement
        .Bind("@workflow_uuid", workflowId)
        .Bind("@function_id", row.Sequence)
        .Bind("@function_name", row.Name)
        .Bind("@started_at", row.StartedAtMs)
        .Bind("@completed_at", row.CompletedAtMs);
}
