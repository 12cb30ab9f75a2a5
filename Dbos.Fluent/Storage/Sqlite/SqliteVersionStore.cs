using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteVersionStore(SqliteThreads writer, SqliteThreads readers, TimeProvider time) : IVersionStore
{
    public async Task<IReadOnlyList<VersionRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken) =>
        await readers.RunAsync(
            session => ReadRows(
                session.Use(VersionSql.ReadAll).Bind("@application_name", applicationName),
                row => new VersionRow(row.Text(0), row.Int64(1), row.TextOrNull(2))),
            cancellationToken).ConfigureAwait(false);

    public Task<bool> SetLatestAsync(string? applicationName, string version, CancellationToken cancellationToken) =>
        writer.RunAsync(session => SetLatest(session, applicationName, version), cancellationToken);

    // Runs on the writer, as a fork without an origin gets a stored one here.
    public async Task<IReadOnlyList<UnfinishedRow>> ReadUnfinishedAsync(
        string applicationName, string version, string after, int limit, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => ReadUnfinished(session, applicationName, version, after, limit), cancellationToken)
            .ConfigureAwait(false);

    public Task<bool> AdoptAsync(AdoptedRow adopted, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Adopt(session, adopted), cancellationToken);

    public Task<CodeStanding> ReadCodeAsync(
        string? applicationName, string? version, string workflowName, CancellationToken cancellationToken) => readers.RunAsync(
        session => ReadRows(
            session.Use(VersionSql.ReadCode)
                .Bind("@application_name", applicationName)
                .Bind("@version", version)
                .Bind("@workflow_name", workflowName)
                .Bind("@real_now", RealNow()),
            row => new CodeStanding(row.Int64(0), row.Int64(1), row.Int64(2), row.TextOrNull(3)))[0],
        cancellationToken);

    public async Task<StrandedPage> ReadStrandedAsync(StrandedQuestion question, CancellationToken cancellationToken) =>
        StrandedPage.Of(await readers.RunAsync(
            session => ReadRows(
                session.Use(StrandedSql.Read(question.State))
                    .Bind("@application_name", question.ApplicationName)
                    .Bind("@after_at", question.After.AtMs)
                    .Bind("@after_id", question.After.Id)
                    .Bind("@limit", question.Limit)
                    .Bind("@real_now", RealNow()),
                row => (new StrandedRow(row.TextOrNull(0), row.Text(1), row.Int64(2), row.Text(3)), row.Int64OrNull(4))),
            cancellationToken).ConfigureAwait(false));

    public async Task<IReadOnlyList<WaitRow>> ReadWaitsAsync(string workflowId, CancellationToken cancellationToken) =>
        await readers.RunAsync(
            session => ReadRows(session.Use(VersionSql.ReadWaits).Bind("@workflow_uuid", workflowId), ReadWait),
            cancellationToken).ConfigureAwait(false);

    public Task<PlaceCounts> ReadPlaceAsync(PlaceQuestion question, CancellationToken cancellationToken) => readers.RunAsync(
        session => ReadRows(
            session.Use(VersionSql.ReadPlace)
                .Bind("@application_name", question.ApplicationName)
                .Bind("@queue_name", question.Queue)
                .Bind("@partition", question.PartitionKey)
                .Bind("@window", question.WindowMs)
                .Bind("@partition_window", question.PartitionWindowMs)
                .Bind("@starts", question.StartsMax)
                .Bind("@partition_starts", question.PartitionStartsMax)
                .Bind("@now", Now()),
            row => new PlaceCounts(
                row.Int64(0), row.Int64(1), row.Int64(2), row.Int64OrNull(3), row.Int64(4), row.Int64OrNull(5))
            {
                Executors = new(row.Int64(6), row.Int64(7), row.Int64(8), row.Int64(9), row.Int64(10)),
            })[0],
        cancellationToken);

    private bool SetLatest(SqliteSession session, string? applicationName, string version)
    {
        using var statement = session.Use(VersionSql.SetLatest)
            .Bind("@application_name", applicationName)
            .Bind("@version", version)
            .Bind("@now", Now());
        return statement.Execute() > 0;
    }

    private List<UnfinishedRow> ReadUnfinished(
        SqliteSession session, string applicationName, string version, string after, int limit)
    {
        var rows = ReadRows(
            session.Use(VersionSql.ReadUnfinished)
                .Bind("@application_name", applicationName)
                .Bind("@version", version)
                .Bind("@after", after)
                .Bind("@limit", limit),
            row => (Row: ClaimableRow.Read(row), State: WorkflowStates.Parse(row.Text(16)), UpdatedAtMs: row.Int64(17)));
        var origins = new SqliteOrigins(session, Now());
        return rows.ConvertAll(found => new UnfinishedRow(
            Describe(found.Row, Origin(found.Row)), found.State, found.Row.ExecutorId, found.UpdatedAtMs));

        // Reading does not begin a workflow: one that never ran gets its origin when it runs.
        WorkflowOrigin Origin(ClaimableRow row) => SqliteOrigins.NeverRan(row)
            ? WorkflowOrigin.OfDirectStart(row.Id, row.CreatedAtMs)
            : origins.Resolve(row);
    }

    private static ClaimedWorkflow Describe(ClaimableRow row, WorkflowOrigin origin) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Token = "",
        Input = row.Input,
        Attempt = row.RecoveryAttempts,
        Origin = origin,
        Queue = row.Queue,
        PartitionKey = row.PartitionKey,
        ParentId = row.ParentId,
        DeadlineMs = row.DeadlineMs,
    };

    private static bool Adopt(SqliteSession session, AdoptedRow adopted)
    {
        using var statement = session.Use(VersionSql.Adopt)
            .Bind("@workflow_uuid", adopted.WorkflowId)
            .Bind("@from", adopted.FromVersion)
            .Bind("@to", adopted.ToVersion)
            .Bind("@updated_at", adopted.UpdatedAtMs);
        if (statement.Execute() == 0)
        {
            return false;
        }

        using var waits = session.Use(VersionSql.EndWaits).Bind("@workflow_uuid", adopted.WorkflowId);
        waits.Execute();
        return true;
    }

    private static WaitRow ReadWait(SqliteStatement row) =>
        new(row.Int32(0), WaitKinds.Parse(row.Text(1)), row.Text(2), row.Text(3), row.Int64OrNull(4)) { Part = row.Int32(5) };

    private static List<T> ReadRows<T>(SqliteStatement statement, Func<SqliteStatement, T> read)
    {
        using (statement)
        {
            var rows = new List<T>();
            while (statement.Step())
            {
                rows.Add(read(statement));
            }

            return rows;
        }
    }

    private static long RealNow() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
