using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Makes forks within the caller's transaction.</summary>
internal sealed class PostgresForks(PostgresDatabase database)
{
    private readonly ForkSql sql = new(database.Schema);
    private readonly PostgresOrigins origins = new(database);

    public async Task<ForkResult> MakeAsync(NpgsqlConnection connection, ForkRequest request, CancellationToken cancellationToken)
    {
        // Comes first, because the fork's source may be gone by now.
        if (request.IsRepeated
            && await ReadHolderAsync(connection, request, cancellationToken).ConfigureAwait(false) is { Status: ForkStatus.Forked } made)
        {
            return made;
        }

        var source = await database.QueryAsync(connection, sql.Lock, [Text(request.SourceId)], row => 0, cancellationToken)
            .ConfigureAwait(false);
        if (source.Count == 0)
        {
            return new ForkResult(ForkStatus.NoSource);
        }

        var (highest, failed, named) = await ReadCutsAsync(connection, request.SourceId, request.Cut.StepName, cancellationToken)
            .ConfigureAwait(false);
        if (request.Cut.StepName is not null && named is null)
        {
            return new ForkResult(ForkStatus.NoStep);
        }

        var from = request.Cut.Sequence ?? named ?? failed;
        if (from > highest + 1)
        {
            return new ForkResult(ForkStatus.BeyondHistory, highest);
        }

        if (!await InsertAsync(connection, request, from, cancellationToken).ConfigureAwait(false))
        {
            return await ReadHolderAsync(connection, request, cancellationToken).ConfigureAwait(false);
        }

        await StoreOriginAsync(connection, request.ForkId, from, cancellationToken).ConfigureAwait(false);
        return new ForkResult(ForkStatus.Forked, highest);
    }

    /// <summary>The highest sequence of a history, its last failure, and the first step of a name.</summary>
    public async Task<(int Highest, int Failed, int? Named)> ReadCutsAsync(
        NpgsqlConnection connection, string workflowId, string? stepName, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            connection,
            sql.ReadCuts,
            [Text(workflowId), Text(stepName)],
            row => (row.GetInt32(0), row.GetInt32(1), row.IsDBNull(2) ? (int?)null : row.GetInt32(2)),
            cancellationToken).ConfigureAwait(false);
        return rows[0];
    }

    private async Task<bool> InsertAsync(NpgsqlConnection connection, ForkRequest request, int from, CancellationToken cancellationToken)
    {
        var (options, replaced) = (request.Options, request.Options.ReplacedChildren?.ToArray() ?? []);
        var made = await database.QueryAsync(
            connection,
            sql.Fork,
            [
                database.Now,
                Text(request.SourceId),
                Text(request.ForkId),
                Small(from),
                Text(options.ApplicationVersion),
                Text(options.Queue),
                Text(options.PartitionKey),
                Number(options.Timeout is { } timeout ? (long)Math.Ceiling(timeout.TotalMilliseconds) : null),
                Texts(replaced, pair => pair.Key),
                Texts(replaced, pair => pair.Value),
                Texts([.. request.ReplacedWinners], pair => pair.Key),
                Texts([.. request.ReplacedWinners], pair => pair.Value),
            ],
            row => 0,
            cancellationToken).ConfigureAwait(false);
        return made.Count == 1;
    }

    private async Task<ForkResult> ReadHolderAsync(NpgsqlConnection connection, ForkRequest request, CancellationToken cancellationToken)
    {
        var holders = await database.QueryAsync(
            connection,
            sql.ReadHolder,
            [Text(request.ForkId)],
            row => (Name: row.TextOrNull(0), State: WorkflowStates.Parse(row.GetString(1)), From: row.TextOrNull(2)),
            cancellationToken).ConfigureAwait(false);
        return holders is [var holder] && request.IsRepeated && holder.From == request.SourceId
            ? new ForkResult(ForkStatus.Forked)
            : new ForkResult(ForkStatus.IdInUse)
            {
                ExistingName = holders is [var other] ? other.Name : null,
                ExistingState = holders is [var same] ? same.State : default,
            };
    }

    private async Task StoreOriginAsync(NpgsqlConnection connection, string forkId, int from, CancellationToken cancellationToken)
    {
        if (!database.Schema.HasSideTables)
        {
            // If no ancestor has an origin, the fork needs none; an executor that runs it later looks for one in its ancestors.
            return;
        }

        if (from > 0)
        {
            await origins.ResolveForkAsync(connection, forkId, cancellationToken).ConfigureAwait(false);
            return;
        }

        await database.QueryAsync(
            connection,
            sql.StoreOwnOrigin,
            [database.Now, Text(forkId), Number(Random.Shared.NextInt64(long.MinValue, long.MaxValue))],
            row => 0,
            cancellationToken).ConfigureAwait(false);
    }
}
