namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Reads that claims of enqueued and of parked workflows share, inside the claim's transaction.</summary>
internal readonly struct SqliteClaimReads(SqliteSession session, ClaimRequest request, long nowMs)
{
    /// <summary>The workflows that an earlier call with the token has claimed.</summary>
    public List<ClaimedWorkflow> ReadClaimed()
    {
        var rows = new List<ClaimableRow>();
        using (var statement = session.Use(ClaimSql.ReadClaimed).Bind("@token", request.Token))
        {
            while (statement.Step())
            {
                rows.Add(ClaimableRow.Read(statement));
            }
        }

        var claimed = new List<ClaimedWorkflow>(rows.Count);
        foreach (var row in rows)
        {
            claimed.Add(Describe(row, row.RecoveryAttempts, row.DeadlineMs));
        }

        return claimed;
    }

    public ClaimableRow ReadOne(string workflowId)
    {
        using var statement = session.Use(ClaimSql.ReadOne).Bind("@workflow_uuid", workflowId);
        return statement.Step()
            ? ClaimableRow.Read(statement)
            : throw new InvalidOperationException($"The row of workflow '{workflowId}' is gone under the write lock.");
    }

    public bool TakesUnversioned()
    {
        using var statement = session.Use(ClaimSql.ReadLatestVersion)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@application_version", request.ApplicationVersion);
        return !statement.Step() || statement.Text(0) == request.ApplicationVersion;
    }

    public ClaimedWorkflow Describe(ClaimableRow row, int attempts, long? deadlineMs) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Token = request.Token,
        Input = row.Input,
        Attempt = attempts,
        Origin = new SqliteOrigins(session, nowMs).Resolve(row),
        NeverRan = SqliteOrigins.NeverRan(row),
        Queue = row.Queue,
        PartitionKey = row.PartitionKey,
        ParentId = row.ParentId,
        DeadlineMs = deadlineMs,
    };
}
