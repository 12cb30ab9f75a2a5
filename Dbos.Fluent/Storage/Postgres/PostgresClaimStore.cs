using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Takes waiting workflows.</summary>
internal sealed class PostgresClaimStore(PostgresDatabase database) : IClaimStore, IAsyncDisposable
{
    private readonly ClaimSql sql = new(database.Schema);
    private readonly ParkedClaimSql parked = new(database.Schema);
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

    public async Task<ParkedClaim> ClaimParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken cancellationToken)
    {
        var owned = request.Repeated ? await ReadClaimedAsync(request, cancellationToken).ConfigureAwait(false) : [];
        if (owned.Count >= request.Limit)
        {
            // With the answer, the end of its page was lost: the page is looked at once more.
            return await ClaimedAsync(owned, (scope as ParkedScope.Page)?.After, cancellationToken).ConfigureAwait(false);
        }

        var rest = request with { Limit = request.Limit - owned.Count };
        var rows = await TakeParkedAsync(rest, scope, cancellationToken).ConfigureAwait(false);
        var lastLookedAt = rows.Find(row => row.Spent)?.Id;
        return await ClaimedAsync([.. owned, .. rows.Where(row => !row.Spent)], lastLookedAt, cancellationToken).ConfigureAwait(false);
    }

    public async Task<ParkedOutlook> ReadParkedOutlookAsync(string applicationName, long? afterMs, CancellationToken cancellationToken)
    {
        // Not on the lane: where others' parked rows stand before the first of its own, claims need not wait for it.
        var rows = await database.QueryAsync(
            parked.ReadOutlook,
            [Text(applicationName), Number(afterMs ?? long.MinValue)],
            row => new ParkedOutlook(row.GetBoolean(0), row.NumberOrNull(1)),
            cancellationToken).ConfigureAwait(false);
        return rows[0];
    }

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

    private async Task<ParkedClaim> ClaimedAsync(List<ClaimRow> taken, string? lastLookedAt, CancellationToken cancellationToken)
    {
        var origins = await ResolveForksAsync(taken, cancellationToken).ConfigureAwait(false);
        return new ParkedClaim(taken.ConvertAll(row => row.ToWorkflow(origins)), lastLookedAt);
    }

    private Task<List<ClaimRow>> TakeParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken cancellationToken)
    {
        var (statement, parameters) = scope switch
        {
            ParkedScope.Due => (parked.Due, Array.Empty<NpgsqlParameter>()),
            ParkedScope.Woken woken => (parked.Woken, KeysOf(woken.Signals)),
            ParkedScope.Among among => (parked.Among, [Texts(among.WorkflowIds)]),
            ParkedScope.Page page => (parked.Page, [Text(page.After), Small(page.PageSize)]),
            _ => throw new System.Diagnostics.UnreachableException($"Unknown scope {scope.GetType()}."),
        };
        return lane.QueryAsync(
            statement,
            [
                database.Now,
                Text(request.Token),
                Text(request.ExecutorId),
                Text(request.ApplicationName),
                Text(request.ApplicationVersion),
                Texts(request.WorkflowNames),
                Small(request.Limit),
                .. parameters,
            ],
            ClaimRow.Read,
            cancellationToken);
    }

    private static NpgsqlParameter[] KeysOf(IReadOnlyList<StoreSignal> signals)
    {
        List<StoreSignal> waited = [.. signals.Where(signal => KindOf(signal.Kind) is not null).Distinct()];
        return [Texts(waited, signal => KindOf(signal.Kind)), Texts(waited, signal => signal.Key)];
    }

    // A wait for a moment is announced by nobody.
    private static string? KindOf(StoreSignalKind announced) => announced switch
    {
        StoreSignalKind.Message => "message",
        StoreSignalKind.Event => "event",
        StoreSignalKind.Completed => "outcome",
        _ => null,
    };

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
