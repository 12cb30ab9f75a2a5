using System.Diagnostics;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>One claim of parked workflows, inside its transaction.</summary>
internal sealed class SqliteParkedClaim(SqliteSession session, ClaimRequest request, long nowMs)
{
    private readonly SqliteClaimReads reads = new(session, request, nowMs);
    private readonly List<ClaimedWorkflow> claimed = [];

    public ParkedClaim Run(ParkedScope scope)
    {
        if (request.Repeated)
        {
            claimed.AddRange(reads.ReadClaimed());
        }

        switch (scope)
        {
            case ParkedScope.Due:
                TakeFound(session.Use(ParkSql.FindDue).Bind("@now", nowMs));
                break;
            case ParkedScope.Woken woken:
                TakeFound(session.Use(ParkSql.FindWoken).Bind("@signals", ListSignals(woken.Signals)));
                break;
            case ParkedScope.Among among:
                TakeReady([.. among.WorkflowIds.Distinct(StringComparer.Ordinal)]);
                break;
            case ParkedScope.Page page:
                return new ParkedClaim(claimed, TakePage(page));
            default:
                throw new UnreachableException($"Unknown scope {scope.GetType()}.");
        }

        return new ParkedClaim(claimed, null);
    }

    private static string ListSignals(IReadOnlyList<StoreSignal> signals)
    {
        var ending =
            from signal in signals
            let kind = SqlitePark.KindOf(signal.Kind)
            where kind is not null
            select (kind, signal.Key);
        return SqliteLists.Of([.. ending], pair => pair);
    }

    // A page ends early at the limit; workflows that were not looked at then begin the next page.
    private string? TakePage(ParkedScope.Page page)
    {
        var (ids, last) = ReadPage(page);
        TakeReady(ids);
        if (claimed.Count < request.Limit)
        {
            return last;
        }

        var taken = claimed.Select(workflow => workflow.Id).ToHashSet(StringComparer.Ordinal);
        var reached = ids.FindLast(taken.Contains) ?? page.After;
        return ids.Count == 0 || reached == ids[^1] ? last : reached;
    }

    private (List<string> Ids, string? Last) ReadPage(ParkedScope.Page page)
    {
        // Reads one more than the page, to know whether another page follows.
        using var statement = session.Use(ParkSql.ReadPage)
            .Bind("@after", page.After)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@limit", page.PageSize + 1L);
        var ids = SqliteRows.ReadIds(statement);
        if (ids.Count <= page.PageSize)
        {
            return (ids, null);
        }

        ids.RemoveAt(page.PageSize);
        return (ids, ids[^1]);
    }

    private void TakeReady(IReadOnlyCollection<string> workflowIds) => TakeFound(
        session.Use(ParkSql.FindReady).Bind("@workflow_uuids", SqliteLists.Of(workflowIds)).Bind("@now", nowMs));

    private void TakeFound(SqliteStatement find)
    {
        List<string> ids;
        using (find
            .Bind("@names", SqliteLists.Of(request.WorkflowNames))
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@takes_unversioned", reads.TakesUnversioned() ? 1 : 0)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@real_now", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds())
            .Bind("@limit", Math.Max(request.Limit - claimed.Count, 0)))
        {
            ids = SqliteRows.ReadIds(find);
        }

        foreach (var id in ids)
        {
            Take(reads.ReadOne(id));
        }
    }

    private void Take(ClaimableRow row)
    {
        using var take = session.Use(ParkSql.Take)
            .Bind("@workflow_uuid", row.Id)
            .Bind("@token", request.Token)
            .Bind("@executor_id", request.ExecutorId)
            .Bind("@application_version", request.ApplicationVersion)
            .Bind("@application_name", request.ApplicationName)
            .Bind("@now", nowMs);
        var queue = take.Step() ? take.TextOrNull(0) : row.Queue;
        using var waits = session.Use(ParkSql.DeleteWaits).Bind("@workflow_uuid", row.Id);
        waits.Execute();
        claimed.Add(reads.Describe(row with { Queue = queue }, row.RecoveryAttempts, row.DeadlineMs));
    }
}
