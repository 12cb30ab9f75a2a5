namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>One claim, inside its transaction.</summary>
internal sealed class SqliteClaim(SqliteSession session, ClaimRequest request, long nowMs)
{
    private readonly List<ClaimedWorkflow> claimed = [];
    private readonly List<string> deadLettered = [];

    public ClaimResult Run()
    {
        if (request.Repeated)
        {
            ReadClaimed();
        }

        var limit = request.Limit - claimed.Count;
        if (limit > 0)
        {
            foreach (var row in ReadClaimable(limit))
            {
                Take(row);
            }
        }

        return new ClaimResult(claimed, deadLettered);
    }

    private void ReadClaimed()
    {
        var rows = new List<ClaimableRow>();
        using (var statement = session.Use(ClaimSql.ReadClaimed).Bind("@token", request.Token))
        {
            while (statement.Step())
            {
                rows.Add(ClaimableRow.Read(statement));
            }
        }

        var origins = new SqliteOrigins(session, nowMs);
        foreach (var row in rows)
        {
            claimed.Add(Describe(row, row.RecoveryAttempts, row.DeadlineMs, origins.Resolve(row)));
        }
    }

    private List<ClaimableRow> ReadClaimable(int limit)
    {
        using var statement = session.Use(ClaimSql.ReadClaimable)
            .Bind("@names", SqliteLists.Of(request.WorkflowNames))
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@takes_unversioned", TakesUnversioned() ? 1 : 0)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@limit", limit);
        var rows = new List<ClaimableRow>();
        while (statement.Step())
        {
            rows.Add(ClaimableRow.Read(statement));
        }

        return rows;
    }

    private bool TakesUnversioned()
    {
        using var statement = session.Use(ClaimSql.ReadLatestVersion).Bind("@application_name", request.ApplicationName);
        return !statement.Step() || statement.Text(0) == request.ApplicationVersion;
    }

    private void Take(ClaimableRow row)
    {
        var attempts = row.RecoveryAttempts + 1;

        // The first run is no recovery, so one more attempt than recoveries is allowed.
        if (request.RecoveryAttemptsMax is { } recoveries && attempts > recoveries + 1)
        {
            using var deadLetter = session.Use(ClaimSql.DeadLetter)
                .Bind("@workflow_uuid", row.Id)
                .Bind("@recovery_attempts", attempts)
                .Bind("@now", nowMs);
            deadLetter.Execute();
            deadLettered.Add(row.Id);
            return;
        }

        var deadline = row.DeadlineMs ?? (nowMs + row.TimeoutMs);
        using (var claim = session.Use(ClaimSql.Claim)
            .Bind("@workflow_uuid", row.Id)
            .Bind("@token", request.Token)
            .Bind("@executor_id", request.ExecutorId)
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@recovery_attempts", attempts)
            .Bind("@deadline", deadline)
            .Bind("@now", nowMs))
        {
            claim.Execute();
        }

        claimed.Add(Describe(row, attempts, deadline, new SqliteOrigins(session, nowMs).Resolve(row)));
    }

    private ClaimedWorkflow Describe(ClaimableRow row, int attempts, long? deadlineMs, WorkflowOrigin origin) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Token = request.Token,
        Input = row.Input,
        Attempt = attempts,
        Origin = origin,
        Queue = row.Queue,
        ParentId = row.ParentId,
        DeadlineMs = deadlineMs,
    };
}
