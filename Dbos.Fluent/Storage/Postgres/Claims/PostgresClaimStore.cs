using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Claims waiting workflows.</summary>
internal sealed class PostgresClaimStore : IClaimStore, IAsyncDisposable
{
    private readonly PostgresDatabase database;
    private readonly ClaimSql sql;
    private readonly ParkedClaimSql parked;
    private readonly PostgresOrigins origins;
    private readonly PostgresInputs inputs;
    private readonly PostgresLanes lane;

    // Separate from the other lanes: a wait for a queue's lock delays no claim that needs none.
    private readonly PostgresLimitedClaims limited;

    public PostgresClaimStore(PostgresDatabase database)
    {
        this.database = database;
        sql = new ClaimSql(database.Schema);
        parked = new ParkedClaimSql(database.Schema);
        origins = new PostgresOrigins(database);
        inputs = new PostgresInputs(ReadInputsAsync);
        lane = new PostgresLanes(database, 1);
        limited = new PostgresLimitedClaims(database, inputs);
    }

    public async Task<ClaimResult> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        var rows = request.Repeated ? await ReadClaimedAsync(request, cancellationToken).ConfigureAwait(false) : [];
        if (rows.Count == 0)
        {
            rows = await TakeAsync(request, cancellationToken).ConfigureAwait(false);
        }

        var more = rows.RemoveAll(row => ReferenceEquals(row, ClaimRow.MoreBehind)) > 0;
        rows.Sort((one, other) => (one.Priority, one.CreatedAtMs).CompareTo((other.Priority, other.CreatedAtMs)) is not 0 and var order
            ? order
            : string.CompareOrdinal(one.Id, other.Id));
        var result = await ResultAsync(rows, cancellationToken).ConfigureAwait(false);
        return result with { More = more };
    }

    public async Task<LimitedClaim> ClaimLimitedAsync(ClaimRequest request, QueueShare share, CancellationToken cancellationToken)
    {
        var owned = request.Repeated ? await limited.ReadTakenAsync(request, share, cancellationToken).ConfigureAwait(false) : [];
        var answer = owned.Count > 0
            ? new LimitedAnswer(owned, More: true, RetryAtMs: null, share.AfterPartition)
            : await limited.TakeAsync(request, share, cancellationToken).ConfigureAwait(false);
        return new LimitedClaim(
            await ResultAsync(answer.Rows, cancellationToken).ConfigureAwait(false), answer.More, answer.RetryAtMs, answer.LastPartition);
    }

    public async Task<ParkedClaim> ClaimParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken cancellationToken)
    {
        var owned = request.Repeated ? await ReadClaimedAsync(request, cancellationToken).ConfigureAwait(false) : [];
        if (owned.Count >= request.Limit)
        {
            // The end of its page was lost with the answer, so the page is looked at once more.
            return await ClaimedAsync(owned, (scope as ParkedScope.Page)?.After, cancellationToken).ConfigureAwait(false);
        }

        var rest = request with { Limit = request.Limit - owned.Count };
        var rows = await TakeParkedAsync(rest, scope, cancellationToken).ConfigureAwait(false);
        var lastLookedAt = rows.Find(row => row.Spent && !row.PassedOver)?.Id;
        var claim = await ClaimedAsync([.. owned, .. rows.Where(row => !row.Spent)], lastLookedAt, cancellationToken).ConfigureAwait(false);
        return claim with { PassedOver = [.. rows.Where(row => row.PassedOver).Select(row => row.Id)] };
    }

    public async Task<ParkedOutlook> ReadParkedOutlookAsync(string applicationName, long? afterMs, CancellationToken cancellationToken)
    {
        // Not on the lane: other applications' parked rows may precede the first of its own, and claims need not wait for that.
        var rows = await database.QueryAsync(
            parked.ReadOutlook,
            [Text(applicationName), Number(afterMs ?? long.MinValue)],
            row => new ParkedOutlook(row.GetBoolean(0), row.NumberOrNull(1)),
            cancellationToken).ConfigureAwait(false);
        return rows[0];
    }

    public async Task<IReadOnlyDictionary<string, StoredHistory>> ReadHistoriesAsync(
        IReadOnlyList<string> workflowIds, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.ReadHistories,
            [Texts(workflowIds)],
            row => (Id: row.GetString(0), Checkpoint: row.Checkpoint(1)),
            cancellationToken).ConfigureAwait(false);
        var byWorkflow = rows.ToLookup(row => row.Id, row => row.Checkpoint);
        return workflowIds.Distinct().ToDictionary(id => id, id => new StoredHistory([.. byWorkflow[id]]));
    }

    public async ValueTask DisposeAsync()
    {
        await lane.DisposeAsync().ConfigureAwait(false);
        await limited.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<ClaimResult> ResultAsync(List<ClaimRow> rows, CancellationToken cancellationToken)
    {
        var taken = rows.FindAll(row => !row.Spent);
        var forks = await origins.ResolveForksAsync(taken, cancellationToken).ConfigureAwait(false);
        return new ClaimResult(
            taken.ConvertAll(row => row.ToWorkflow(forks)), [.. rows.Where(row => row.Spent).Select(row => row.Id)]);
    }

    private async Task<List<ClaimRow>> ReadClaimedAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.ReadClaimed, [Text(request.Token), Text(request.ExecutorId)], ClaimRow.ReadInline, cancellationToken).ConfigureAwait(false);
        return await inputs.AddAsync(rows, cancellationToken).ConfigureAwait(false);
    }

    private Task<List<KeyValuePair<string, string?>>> ReadInputsAsync(string[] ids, CancellationToken cancellationToken) =>
        database.QueryAsync(
            sql.ReadInputs, [Texts(ids)], row => KeyValuePair.Create(row.GetString(0), row.TextOrNull(1)), cancellationToken);

    private async Task<ParkedClaim> ClaimedAsync(List<ClaimRow> taken, string? lastLookedAt, CancellationToken cancellationToken)
    {
        var forks = await origins.ResolveForksAsync(taken, cancellationToken).ConfigureAwait(false);
        return new ParkedClaim(taken.ConvertAll(row => row.ToWorkflow(forks)), lastLookedAt);
    }

    private async Task<List<ClaimRow>> TakeParkedAsync(ClaimRequest request, ParkedScope scope, CancellationToken cancellationToken)
    {
        var (statement, parameters) = scope switch
        {
            ParkedScope.Due => (parked.Due, Array.Empty<NpgsqlParameter>()),
            ParkedScope.Woken woken => (parked.Woken, KeysOf(woken.Signals)),
            ParkedScope.Among among => (parked.Among, [Texts(among.WorkflowIds)]),
            ParkedScope.Page page => (parked.Page, [Text(page.After), Small(page.PageSize)]),
            _ => throw new System.Diagnostics.UnreachableException($"Unknown scope {scope.GetType()}."),
        };
        var rows = await lane.QueryAsync(
            statement, [.. ClaimParameters.Of(database, request), .. parameters], ClaimRow.ReadParked, cancellationToken)
            .ConfigureAwait(false);
        return await inputs.AddAsync(rows, cancellationToken).ConfigureAwait(false);
    }

    private static NpgsqlParameter[] KeysOf(IReadOnlyList<StoreSignal> signals)
    {
        List<StoreSignal> waited = [.. signals.Where(signal => KindOf(signal.Kind) is not null).Distinct()];
        return [Texts(waited, signal => KindOf(signal.Kind)), Texts(waited, signal => signal.Key)];
    }

    // Nobody announces the end of a wait for a moment.
    private static string? KindOf(StoreSignalKind announced) => announced switch
    {
        StoreSignalKind.Message => "message",
        StoreSignalKind.Event => "event",
        StoreSignalKind.Completed => "outcome",
        _ => null,
    };

    private async Task<List<ClaimRow>> TakeAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        var rows = await lane.BatchAsync(
            [
                PostgresDatabase.Command(sql.LetThrough),
                PostgresDatabase.Command(sql.Claim, [.. ClaimParameters.OfEnqueued(database, request), Texts(request.Queues)]),
            ],
            async reader =>
            {
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                return await PostgresDatabase.ReadAllAsync(reader, ClaimRow.ReadInline, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return await inputs.AddAsync(rows, cancellationToken).ConfigureAwait(false);
    }
}
