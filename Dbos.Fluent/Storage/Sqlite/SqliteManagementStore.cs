namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteManagementStore(SqliteThreads writer, SqliteThreads readers, TimeProvider time) : IManagementStore
{
    private static readonly string[] Parts =
        [DeletionSql.DeleteInput, DeletionSql.DeleteOutput, DeletionSql.DeleteSteps];

    public Task<ForkResult> ForkAsync(ForkRequest request, CancellationToken cancellationToken) =>
        writer.RunAsync(session => new SqliteForks(session, Now()).Make(request), cancellationToken);

    public Task<RewindResult> RewindAsync(RewindRequest request, CancellationToken cancellationToken) =>
        writer.RunAsync(session => new SqliteForks(session, Now()).Rewind(request), cancellationToken);

    public async Task<IReadOnlyList<string>> DeleteAsync(
        IReadOnlyList<string> workflowIds, bool children, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => Delete(session, workflowIds, children), cancellationToken).ConfigureAwait(false);

    public Task<bool> SetAttributesAsync(string workflowId, string? attributesJson, CancellationToken cancellationToken) =>
        writer.RunAsync(
            session =>
            {
                using var statement = session.Use(DeletionSql.SetAttributes)
                    .Bind("@workflow_uuid", workflowId).Bind("@attributes", attributesJson).Bind("@now", Now());
                return statement.Execute() == 1;
            },
            cancellationToken);

    public Task<PageKey?> ReadRetentionBoundAsync(RetentionScope scope, CancellationToken cancellationToken) =>
        readers.RunAsync(session => ReadBound(session, scope), cancellationToken);

    public Task<RetentionBatch> CollectAsync(RetentionRequest request, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Collect(session, request), cancellationToken);

    public Task<PageKey?> FindFirstAsync(RetentionRequest request, CancellationToken cancellationToken) => readers.RunAsync(
        session => ReadDoomed(session, request).Doomed is [var (first, _), ..] ? first : (PageKey?)null, cancellationToken);

    public Task<long?> ReadCommitsAsync(CancellationToken cancellationToken) => Task.FromResult<long?>(null);

    private PageKey? ReadBound(SqliteSession session, RetentionScope scope)
    {
        PageKey? byAge = scope.Policy.OlderThan is { } age ? new PageKey(Now() - (long)age.TotalMilliseconds, PageKey.LastId) : null;
        if (scope.Policy.KeepNewest is null)
        {
            return byAge;
        }

        var (sql, conditions) = DeletionSql.FirstNotKept(scope);
        using var statement = conditions.Use(session, sql);
        if (!statement.Step())
        {
            return byAge;
        }

        var byNumber = new PageKey(statement.Int64(0), statement.Text(1));
        return byAge is { } older && older.AtMs >= byNumber.AtMs ? older : byNumber;
    }

    private RetentionBatch Collect(SqliteSession session, RetentionRequest request)
    {
        var (doomed, until) = ReadDoomed(session, request);
        doomed.ForEach(row => Delete(session, row.Key.Id));
        return new RetentionBatch(
            doomed.Count, doomed.Count == request.Limit ? doomed[^1].Key : until, doomed.Exists(row => row.Frees));
    }

    private (List<(PageKey Key, bool Frees)> Doomed, PageKey? Until) ReadDoomed(SqliteSession session, RetentionRequest request)
    {
        var until = ReadPlaces(session, DeletionSql.Until(request)) is [var place] ? place.Key : (PageKey?)null;
        return (ReadPlaces(session, DeletionSql.Doomed(request with { Bound = until ?? request.Bound }, Now())), until);
    }

    private static List<(PageKey Key, bool Frees)> ReadPlaces(SqliteSession session, (string Sql, FilterSql Conditions) query)
    {
        var places = new List<(PageKey, bool)>();
        using var statement = query.Conditions.Use(session, query.Sql);
        while (statement.Step())
        {
            places.Add((new PageKey(statement.Int64(0), statement.Text(1)), statement.Int64(2) != 0));
        }

        return places;
    }

    private static List<string> Delete(SqliteSession session, IReadOnlyList<string> workflowIds, bool children)
    {
        IReadOnlyList<string> ids = workflowIds;
        if (children)
        {
            using var family = session.Use(WorkflowSql.ReadFamily).Bind("@workflow_uuids", SqliteLists.Of(workflowIds));
            ids = SqliteRows.ReadIds(family);
        }

        return [.. ids.Distinct(StringComparer.Ordinal).Where(id => Delete(session, id))];
    }

    private static bool Delete(SqliteSession session, string workflowId)
    {
        using var row = session.Use(DeletionSql.Delete).Bind("@workflow_uuid", workflowId);
        if (row.Execute() == 0)
        {
            return false;
        }

        foreach (var sql in Parts)
        {
            using var part = session.Use(sql).Bind("@workflow_uuid", workflowId);
            part.Execute();
        }

        return true;
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
