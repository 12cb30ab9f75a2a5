namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>One claim, inside its transaction.</summary>
internal sealed class SqliteClaim(SqliteSession session, ClaimRequest request, long nowMs)
{
    private readonly SqliteClaimReads reads = new(session, request, nowMs);
    private readonly List<ClaimedWorkflow> claimed = [];
    private readonly List<string> deadLettered = [];

    public ClaimResult Run()
    {
        if (request.Repeated)
        {
            claimed.AddRange(reads.ReadClaimed());
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

    private List<ClaimableRow> ReadClaimable(int limit)
    {
        using var statement = session.Use(ClaimSql.ReadClaimable)
            .Bind("@names", SqliteLists.Of(request.WorkflowNames))
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@takes_unversioned", reads.TakesUnversioned() ? 1 : 0)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@limit", limit);
        var rows = new List<ClaimableRow>();
        while (statement.Step())
        {
            rows.Add(ClaimableRow.Read(statement));
        }

        return rows;
    }

    private void Take(ClaimableRow row)
    {
        // One that another SDK resumed while it was parked has no attempt left, and this is its first again.
        var attempts = row.Parked ? Math.Max(row.RecoveryAttempts, 1) : row.RecoveryAttempts + 1;

        // The first run is no recovery, so one more attempt than recoveries is allowed.
        if (!row.Parked && request.RecoveryAttemptsMax is { } recoveries && attempts > recoveries + 1)
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

        if (row.Parked)
        {
            using var waits = session.Use(ParkSql.DeleteWaits).Bind("@workflow_uuid", row.Id);
            waits.Execute();
        }

        claimed.Add(reads.Describe(row, attempts, deadline));
    }
}
