using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Finds the workflows from which forks got their history.</summary>
/// <remarks>
/// A fork takes its source's origin, so that whatever its copied history was computed from comes out the same. Nothing runs before the
/// fork's own copy is stored, and a repeated claim resolves it again.
/// </remarks>
internal sealed class PostgresOrigins(PostgresDatabase database)
{
    private readonly ClaimSql sql = new(database.Schema);

    /// <summary>Finds the origins of claimed forks that have none of their own, by workflow, and stores them as the forks' own.</summary>
    public async Task<Dictionary<string, WorkflowOrigin>> ResolveForksAsync(List<ClaimRow> taken, CancellationToken cancellationToken)
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

    /// <summary>Stores the origin of a new fork, within the transaction that makes it.</summary>
    public async Task ResolveForkAsync(NpgsqlConnection connection, string forkId, CancellationToken cancellationToken)
    {
        var found = await database.QueryAsync(connection, sql.ReadAncestors, [Texts([forkId])], ReadAncestor, cancellationToken)
            .ConfigureAwait(false);
        await database.QueryAsync(
            connection,
            sql.StoreOrigins,
            [
                Texts(found, row => row.Fork),
                Numbers(found, row => row.Origin.Seed),
                Numbers(found, row => row.Origin.StartedAtMs),
            ],
            row => 0,
            cancellationToken).ConfigureAwait(false);
    }

    private static (string Fork, WorkflowOrigin Origin) ReadAncestor(NpgsqlDataReader row) => (
        row.GetString(0),
        row.IsDBNull(3)
            ? WorkflowOrigin.OfDirectStart(row.GetString(1), row.GetInt64(2))
            : new WorkflowOrigin(row.GetInt64(3), row.GetInt64(4)));
}
