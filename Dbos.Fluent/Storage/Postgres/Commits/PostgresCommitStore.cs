using Npgsql;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Writes batches of units, each in one transaction and one round trip.</summary>
internal sealed class PostgresCommitStore : ICommitStore, IAsyncDisposable
{
    // Locked rows are skipped, but an insert waits for any uncommitted insert of the same key. A caller's own
    // transaction may take long, and lanes are for short calls.
    private const string WaitShortly = "; SET lock_timeout = '250ms'";

    // Units that wait for a transaction that holds many locks for long must not take all connections.
    private const int ApartMax = 16;

    private readonly SemaphoreSlim apart = new(ApartMax);
    private readonly PostgresDatabase database;
    private readonly PostgresLanes lanes;
    private readonly CommitSql skipping;
    private readonly CommitSql waiting;
    private readonly StandingSql standing;

    public PostgresCommitStore(PostgresDatabase database, int lanes)
    {
        this.database = database;
        this.lanes = new PostgresLanes(database, lanes, PostgresLanes.PlanByKey + WaitShortly);
        skipping = CommitSql.Skipping(database.Schema);
        waiting = CommitSql.Waiting(database.Schema);
        standing = new StandingSql(database.Schema);
    }

    /// <summary>The connections on which batches are written.</summary>
    public PostgresLanes Lanes => lanes;

    public async ValueTask<IReadOnlyList<CommitResult>> CommitAsync(IReadOnlyList<CommitUnit> batch, CancellationToken cancellationToken)
    {
        var results = new List<CommitResult>(batch.Count);
        foreach (var run in Runs(batch))
        {
            results.AddRange(await CommitRunAsync(run, cancellationToken).ConfigureAwait(false));
        }

        return results;
    }

    public async ValueTask<CommitResult> CommitWaitingAsync(CommitUnit unit, CancellationToken cancellationToken)
    {
        await apart.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var results = await database.LimitAsync(() => WriteApartAsync(unit, cancellationToken)).ConfigureAwait(false);
            return results[0] ?? CommitResult.Busy;
        }
        finally
        {
            apart.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        apart.Dispose();
        return lanes.DisposeAsync();
    }

    // What a workflow writes after its own outcome or parking must find the row given up, so a new transaction begins there. Otherwise the
    // batch is one run.
    private static IEnumerable<IReadOnlyList<CommitUnit>> Runs(IReadOnlyList<CommitUnit> batch)
    {
        HashSet<Ownership>? ended = null;
        var first = 0;
        for (var next = 0; next < batch.Count; next++)
        {
            if (ended is not null && OwnerOf(batch[next]) is { } owner && ended.Contains(owner))
            {
                yield return [.. batch.Skip(first).Take(next - first)];
                (first, ended) = (next, null);
            }

            if (batch[next] is OutcomeUnit or ParkUnit && OwnerOf(batch[next]) is { } leaving)
            {
                (ended ??= []).Add(leaving);
            }
        }

        if (first == 0)
        {
            yield return batch;
        }
        else
        {
            yield return [.. batch.Skip(first)];
        }
    }

    private static Ownership? OwnerOf(CommitUnit unit) => unit switch
    {
        StartUnit start => start.Parent,
        DebounceUnit debounce => debounce.Parent,
        CheckpointUnit checkpoint => checkpoint.Owner,
        OutcomeUnit outcome => outcome.Owner,
        SendUnit send => send.Owner,
        ReceiveUnit receive => receive.Owner,
        EventUnit set => set.Owner,
        StreamUnit stream => stream.Owner,
        ParkUnit park => park.Owner,
        _ => null,
    };

    private async Task<CommitResult[]> CommitRunAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        try
        {
            var results = await OnLaneAsync(units, cancellationToken).ConfigureAwait(false);
            return [.. results.Select(result => result ?? CommitResult.Busy)];
        }
        catch (Exception failure) when (units.Count > 1 && (IsRefusal(failure) || IsInTheWay(failure)))
        {
            return await CommitSinglyAsync(units, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreUnavailableException failure) when (IsInTheWay(failure))
        {
            return [CommitResult.Busy];
        }
    }

    // The database permanently refused something in the batch, which must not hold up the other units.
    private async Task<CommitResult[]> CommitSinglyAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        var results = new CommitResult[units.Count];
        for (var number = 0; number < units.Count; number++)
        {
            try
            {
                results[number] = (await OnLaneAsync([units[number]], cancellationToken).ConfigureAwait(false))[0] ?? CommitResult.Busy;
            }
            catch (Exception refusal) when (IsRefusal(refusal))
            {
                results[number] = new CommitResult(CommitStatus.Refused, Refusal: refusal);
            }
            catch (StoreUnavailableException failure) when (IsInTheWay(failure))
            {
                // Somebody else's transaction blocks it: it is retried separately.
                results[number] = CommitResult.Busy;
            }
        }

        return results;
    }

    private static bool IsInTheWay(Exception failure) => failure is StoreUnavailableException
    {
        InnerException: PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected },
    };

    // Text that cannot be encoded fails in the driver, before anything is sent.
    private static bool IsRefusal(Exception failure) => failure is PostgresException or System.Text.EncoderFallbackException;

    // Not on a lane: this may wait for long, and a lane's connections are for short calls.
    private async Task<CommitResult?[]> WriteApartAsync(CommitUnit unit, CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var session = new CommitSession(connection, waiting, standing, database) { Prepares = false };
            return await session.WriteAsync([unit], cancellationToken).ConfigureAwait(false);
        }
    }

    private Task<CommitResult?[]> OnLaneAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken) =>
        database.GuardAsync(() => lanes.RunAsync(
            connection => Session(connection).WriteAsync(units, cancellationToken), cancellationToken));

    private CommitSession Session(NpgsqlConnection connection) =>
        new(connection, skipping, standing, database) { Prepares = lanes.Prepares };
}
