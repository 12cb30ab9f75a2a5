using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>The workflows that one claim has taken so far, inside its transaction.</summary>
internal sealed class SqliteTaking(SqliteSession session, ClaimRequest request, long nowMs)
{
    private readonly SqliteClaimReads reads = new(session, request, nowMs);
    private readonly List<ClaimedWorkflow> claimed = [];
    private readonly List<string> deadLettered = [];

    public IReadOnlyList<ClaimedWorkflow> Claimed => claimed;

    /// <summary>How many more workflows the request asks for.</summary>
    public int Left => request.Limit - claimed.Count - deadLettered.Count;

    public ClaimResult Result => new(claimed, deadLettered);

    /// <summary>Begins with the workflows that an earlier call with the token has claimed.</summary>
    public void TakeBack()
    {
        if (request.Repeated)
        {
            claimed.AddRange(reads.ReadClaimed());
        }
    }

    /// <summary>Takes a waiting workflow.</summary>
    /// <param name="workflowId">The workflow.</param>
    /// <param name="limited">Its queue, if that has limits.</param>
    /// <returns>False if its attempts were spent, so that it was given up.</returns>
    public bool Take(string workflowId, WorkflowQueue? limited)
    {
        var row = reads.ReadOne(workflowId);
        var window = limited?.LongestWindow;
        if (window is { } length && !string.IsNullOrEmpty(row.ExecutorId))
        {
            NoteStart(workflowId, limited!.Name, length);
        }

        // A parked workflow that another SDK resumed has no attempt counted, so this is its first attempt again.
        var attempts = row.Parked ? Math.Max(row.RecoveryAttempts, 1) : row.RecoveryAttempts + 1;

        // The first run is not a recovery, so one more attempt than recoveries is allowed.
        if (!row.Parked && attempts - 1 > request.RecoveryAttemptsMax)
        {
            GiveUp(row.Id, attempts);
            return false;
        }

        var deadline = row.DeadlineMs ?? EpochMs.After(nowMs, row.TimeoutMs);
        using (var claim = session.Use(ClaimSql.Claim)
            .Bind("@workflow_uuid", row.Id)
            .Bind("@token", request.Token)
            .Bind("@executor_id", request.ExecutorId)
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@recovery_attempts", attempts)
            .Bind("@deadline", deadline)
            .Bind("@rate_limited", window is null ? 0 : 1)
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
        return true;
    }

    // Only what an executor has had may have a start, so that the first start of a workflow costs nothing more.
    private void NoteStart(string workflowId, string queue, TimeSpan window)
    {
        var since = nowMs - (long)window.TotalMilliseconds;
        using var note = session.Use(StartSql.Note).Bind("@workflow_uuid", workflowId).Bind("@since", since);
        if (note.Execute() > 0)
        {
            using var forget = session.Use(StartSql.Forget).Bind("@queue_name", queue).Bind("@since", since);
            forget.Execute();
        }
    }

    private void GiveUp(string workflowId, int attempts)
    {
        using var deadLetter = session.Use(ClaimSql.DeadLetter)
            .Bind("@workflow_uuid", workflowId)
            .Bind("@recovery_attempts", attempts)
            .Bind("@now", nowMs);
        deadLetter.Execute();
        deadLettered.Add(workflowId);
    }
}
