using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Takes waiting workflows.</summary>
internal sealed class PostgresClaimStore(PostgresDatabase database) : IClaimStore, IAsyncDisposable
{
    private readonly ClaimSql sql = new(database.Schema);
    private readonly PostgresLanes lane = new(database, 1);

    public async Task<ClaimResult> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        var rows = request.Repeated ? await ReadClaimedAsync(request, cancellationToken).ConfigureAwait(false) : [];
        if (rows.Count == 0)
        {
            rows = await TakeAsync(request, cancellationToken).ConfigureAwait(false);
        }

        var taken = rows.FindAll(row => !row.Spent);
        taken.Sort((one, other) => (one.Priority, one.CreatedAtMs).CompareTo((other.Priority, other.CreatedAtMs)) is not 0 and var order
            ? order
            : string.CompareOrdinal(one.Id, other.Id));
        var origins = await ResolveForksAsync(taken, cancellationToken).ConfigureAwait(false);
        return new ClaimResult(
            taken.ConvertAll(row => row.ToWorkflow(origins)),
            [.. rows.Where(row => row.Spent).Select(row => row.Id)]);
    }

    public Task<ParkedClaim> ClaimParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    public Task<ParkedOutlook> ReadParkedOutlookAsync(string applicationName, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    public async Task<IReadOnlyDictionary<string, IReadOnlyList<CheckpointRow>>> ReadHistoriesAsync(
        IReadOnlyList<string> workflowIds, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.ReadHistories,
            [Texts(workflowIds)],
            row => (Id: row.GetString(0), Checkpoint: row.Checkpoint(1)),
            cancellationToken).ConfigureAwait(false);
        var byWorkflow = rows.ToLookup(row => row.Id, row => row.Checkpoint);
        return workflowIds.Distinct().ToDictionary(id => id, id => (IReadOnlyList<CheckpointRow>)[.. byWorkflow[id]]);
    }

    public ValueTask DisposeAsync() => lane.DisposeAsync();

    private Task<List<ClaimRow>> ReadClaimedAsync(ClaimRequest request, CancellationToken cancellationToken) =>
        database.QueryAsync(sql.ReadClaimed, [Text(request.Token), Text(request.ExecutorId)], ClaimRow.Read, cancellationToken);

    private Task<List<ClaimRow>> TakeAsync(ClaimRequest request, CancellationToken cancellationToken) => lane.QueryAsync(
        sql.Claim,
        [
            database.Now,
            Text(request.Token),
            Text(request.ExecutorId),
            Text(request.ApplicationName),
            Text(request.ApplicationVersion),
            Texts(request.WorkflowNames),
            Small(request.Limit),
            Small(request.RecoveryAttemptsMax),
            Number(Random.Shared.NextInt64()),
        ],
        ClaimRow.Read,
        cancellationToken);

    // A fork takes on its source's origin, so that what its copied history was computed from comes out the same. Until its own copy is
    // stored nothing has run, and a claim that is repeated resolves it again.
    private async Task<Dictionary<string, WorkflowOrigin>> ResolveForksAsync(List<ClaimRow> taken, CancellationToken cancellationToken)
    {
        var forks = taken.FindAll(row => row.Origin is null && row.IsFork).ConvertAll(row => row.Id);
        if (forks.Count == 0)
        {
            return [];
        }

        var origins = await database.QueryAsync(sql.ReadAncestors, [Texts(forks)], ReadAncestor, cancellationToken).ConfigureAwait(false);
        await database.QueryAsync(
            sql.StoreOrigins,
            [
                Texts(origins, row => row.Fork),
                Numbers(origins, row => row.Origin.Seed),
                Numbers(origins, row => row.Origin.StartedAtMs),
            ],
            row => row,
            cancellationToken).ConfigureAwait(false);
        return origins.ToDictionary(row => row.Fork, row => row.Origin);
    }

    private static (string Fork, WorkflowOrigin Origin) ReadAncestor(NpgsqlDataReader row) => (
        row.GetString(0),
        row.IsDBNull(3)
            ? WorkflowOrigin.OfDirectStart(row.GetString(1), row.GetInt64(2))
            : new WorkflowOrigin(row.GetInt64(3), row.GetInt64(4)));

    private sealed record ClaimRow(
        string Id, bool Spent, ClaimedWorkflow? Workflow, WorkflowOrigin? Origin, bool IsFork, int Priority, long CreatedAtMs)
    {
        public static ClaimRow Read(NpgsqlDataReader row)
        {
            var id = row.GetString(1);
            if (row.GetBoolean(0))
            {
                return new ClaimRow(id, true, null, null, false, 0, 0);
            }

            WorkflowOrigin? origin = row.IsDBNull(13) ? null : new WorkflowOrigin(row.GetInt64(13), row.GetInt64(14));
            var workflow = new ClaimedWorkflow
            {
                Id = id,
                Name = row.GetString(2),
                Token = row.GetString(3),
                Input = new Payload(row.TextOrNull(4), row.TextOrNull(5)),
                Attempt = (int)row.GetInt64(6),
                Origin = origin ?? default,
                Queue = row.TextOrNull(7),
                ParentId = row.TextOrNull(8),
                DeadlineMs = row.NumberOrNull(9),
            };
            return new ClaimRow(id, false, workflow, origin, !row.IsDBNull(11), row.GetInt32(12), row.GetInt64(10));
        }

        // Without an origin of its own, a row that is no fork has been run before it was ever enqueued: it was started directly.
        public ClaimedWorkflow ToWorkflow(Dictionary<string, WorkflowOrigin> forks) => Workflow! with
        {
            Origin = Origin ?? (forks.TryGetValue(Id, out var resolved) ? resolved : WorkflowOrigin.OfDirectStart(Id, CreatedAtMs)),
        };
    }
}
