namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteClaimStore(SqliteThreads writer, SqliteThreads readers, TimeProvider time) : IClaimStore
{
    public Task<ClaimResult> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) =>
        writer.RunAsync(session => new SqliteClaim(session, request, time.GetUtcNow().ToUnixTimeMilliseconds()).Run(), cancellationToken);

    public Task<LimitedClaim> ClaimLimitedAsync(ClaimRequest request, QueueShare share, CancellationToken cancellationToken) =>
        writer.RunAsync(
            session => new SqliteLimitedClaim(session, request, share, time.GetUtcNow().ToUnixTimeMilliseconds()).Run(), cancellationToken);

    public Task<ParkedClaim> ClaimParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken cancellationToken) =>
        writer.RunAsync(
            session => new SqliteParkedClaim(session, request, time.GetUtcNow().ToUnixTimeMilliseconds()).Run(scope), cancellationToken);

    public Task<ParkedOutlook> ReadParkedOutlookAsync(string applicationName, long? afterMs, CancellationToken cancellationToken) =>
        readers.RunAsync(session => ReadOutlook(session, applicationName, afterMs ?? long.MinValue), cancellationToken);

    public async Task<IReadOnlyDictionary<string, StoredHistory>> ReadHistoriesAsync(
        IReadOnlyList<string> workflowIds, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadHistories(session, workflowIds), cancellationToken).ConfigureAwait(false);

    internal static ParkedOutlook ReadOutlook(SqliteSession session, string applicationName, long afterMs)
    {
        using var next = session.Use(ParkSql.ReadNextWake).Bind("@application_name", applicationName).Bind("@after", afterMs);
        if (next.Step())
        {
            return new ParkedOutlook(true, next.Int64(0));
        }

        using var open = session.Use(ParkSql.FindOpen).Bind("@application_name", applicationName);
        return new ParkedOutlook(open.Step(), null);
    }

    private static Dictionary<string, StoredHistory> ReadHistories(SqliteSession session, IReadOnlyList<string> workflowIds)
    {
        var histories = new Dictionary<string, List<CheckpointRow>>(StringComparer.Ordinal);
        foreach (var id in workflowIds)
        {
            histories[id] = [];
        }

        using var statement = session.Use(ClaimSql.ReadHistories).Bind("@workflow_uuids", SqliteLists.Of(workflowIds));
        while (statement.Step())
        {
            histories[statement.Text(8)].Add(SqliteRows.ReadCheckpoint(statement));
        }

        return histories.ToDictionary(one => one.Key, one => new StoredHistory(one.Value), StringComparer.Ordinal);
    }
}
