using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <inheritdoc/>
internal sealed class PostgresVersionStore(PostgresDatabase database) : IVersionStore
{
    private readonly VersionSql sql = new(database.Schema);
    private readonly StrandedSql stranded = new(database.Schema);
    private readonly PostgresOrigins origins = new(database);

    public async Task<IReadOnlyList<VersionRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken) =>
        await database.QueryAsync(
            sql.ReadAll,
            [Text(applicationName)],
            row => new VersionRow(row.GetString(0), row.GetInt64(1), row.TextOrNull(2)),
            cancellationToken).ConfigureAwait(false);

    public async Task<bool> SetLatestAsync(string? applicationName, string version, CancellationToken cancellationToken)
    {
        var changed = await database.QueryAsync(
            sql.SetLatest, [Text(applicationName), Text(version), database.Now], row => row.GetString(0), cancellationToken)
            .ConfigureAwait(false);
        return changed.Count > 0;
    }

    public async Task<IReadOnlyList<UnfinishedRow>> ReadUnfinishedAsync(
        string applicationName, string version, string after, int limit, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.ReadUnfinished,
            [Text(applicationName), Text(version), Text(after), Small(limit)],
            row => (Claim: ClaimRow.Read(row), State: row.GetString(17), Executor: row.TextOrNull(18), UpdatedAt: row.GetInt64(19)),
            cancellationToken).ConfigureAwait(false);
        var forks = await origins.ResolveForksAsync(rows.ConvertAll(row => row.Claim), cancellationToken).ConfigureAwait(false);
        return rows.ConvertAll(row => new UnfinishedRow(
            row.Claim.ToWorkflow(forks), WorkflowStates.Parse(row.State), row.Executor, row.UpdatedAt));
    }

    public async Task<bool> AdoptAsync(AdoptedRow adopted, CancellationToken cancellationToken)
    {
        var changed = await database.QueryAsync(
            sql.Adopt,
            [Text(adopted.WorkflowId), Text(adopted.FromVersion), Text(adopted.ToVersion), Number(adopted.UpdatedAtMs)],
            row => row.GetString(0),
            cancellationToken).ConfigureAwait(false);
        return changed.Count > 0;
    }

    public async Task<CodeStanding> ReadCodeAsync(
        string? applicationName, string? version, string workflowName, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.ReadCode,
            [Text(applicationName), Text(version), Text(workflowName)],
            row => new CodeStanding(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.TextOrNull(3)),
            cancellationToken).ConfigureAwait(false);
        return rows[0];
    }

    public async Task<StrandedPage> ReadStrandedAsync(StrandedQuestion question, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            stranded.Read(question.State),
            [Text(question.ApplicationName), Number(question.After.AtMs), Text(question.After.Id), Small(question.Limit)],
            row => (Row: new StrandedRow(row.TextOrNull(0), row.GetString(1), row.GetInt64(2), row.GetString(3)), At: row.NumberOrNull(4)),
            cancellationToken).ConfigureAwait(false);
        return StrandedPage.Of(rows);
    }

    public async Task<IReadOnlyList<WaitRow>> ReadWaitsAsync(string workflowId, CancellationToken cancellationToken) =>
        await database.QueryAsync(sql.ReadWaits, [Text(workflowId)], ReadWait, cancellationToken).ConfigureAwait(false);

    public async Task<PlaceCounts> ReadPlaceAsync(PlaceQuestion question, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.ReadPlace,
            [
                Text(question.ApplicationName),
                Text(question.Queue),
                Text(question.PartitionKey),
                Number(question.WindowMs),
                Number(question.PartitionWindowMs),
                database.Now,
                Number(question.StartsMax),
                Number(question.PartitionStartsMax),
            ],
            row => new PlaceCounts(
                row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.NumberOrNull(3), row.GetInt64(4), row.NumberOrNull(5))
            {
                Executors = new(row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), row.GetInt64(10)),
            },
            cancellationToken).ConfigureAwait(false);
        return rows[0];
    }

    private static WaitRow ReadWait(NpgsqlDataReader row) =>
        new(row.GetInt32(0), WaitKinds.Parse(row.GetString(1)), row.GetString(2), row.GetString(3), row.NumberOrNull(4))
        {
            Part = row.GetInt32(5),
        };
}
