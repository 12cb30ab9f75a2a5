using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Rewinds, deletes and marks workflows; forks are made by <see cref="PostgresForks"/>.</summary>
internal sealed class PostgresManagementStore(PostgresDatabase database) : IManagementStore
{
    // Opening the connection, the beginning and the end of the transaction, and two round trips.
    private const int Statements = 5;

    private readonly ForkSql sql = new(database.Schema);
    private readonly DeletionSql deletions = new(database.Schema);
    private readonly PostgresForks forks = new(database);

    public Task<ForkResult> ForkAsync(ForkRequest request, CancellationToken cancellationToken) =>
        database.TransactionAsync(
            Statements + 2,
            (connection, token) => forks.MakeAsync(connection, request, token),
            result => result.Status == ForkStatus.Forked,
            cancellationToken);

    public Task<RewindResult> RewindAsync(RewindRequest request, CancellationToken cancellationToken) =>
        database.TransactionAsync(
            Statements,
            (connection, token) => RewindAsync(connection, request, token),
            result => result.Status == RewindStatus.Rewound,
            cancellationToken);

    public Task<IReadOnlyList<string>> DeleteAsync(
        IReadOnlyList<string> workflowIds, bool children, CancellationToken cancellationToken) =>
        database.TransactionAsync<IReadOnlyList<string>>(
            Statements,
            async (connection, token) =>
            {
                var locked = await database.LockTreeAsync(connection, deletions.LockTree, workflowIds, children, token)
                    .ConfigureAwait(false);
                return await database.QueryAsync(
                    connection, deletions.Delete, [Texts(locked)], row => row.GetString(0), token).ConfigureAwait(false);
            },
            _ => true,
            cancellationToken);

    public async Task<bool> SetAttributesAsync(string workflowId, string? attributesJson, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            deletions.SetAttributes,
            [database.Now, Text(workflowId), JsonOrNull(attributesJson)],
            row => row.GetInt32(0),
            cancellationToken).ConfigureAwait(false);
        return rows.Count == 1;
    }

    public async Task<PageKey?> ReadRetentionBoundAsync(RetentionScope scope, CancellationToken cancellationToken)
    {
        var (text, parameters) = deletions.ReadBound(scope, database.Now);
        var rows = await database.QueryAsync(
            text, parameters, row => new PageKey(row.GetInt64(0), row.TextOrNull(1) ?? PageKey.LastId), cancellationToken)
            .ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    public async Task<RetentionBatch> CollectAsync(RetentionRequest request, CancellationToken cancellationToken)
    {
        var (text, parameters) = deletions.Collect(request, database.Now);
        var places = await database.SecondAsync(
            PostgresDatabase.Command(DeletionSql.Settings),
            PostgresDatabase.Command(text, parameters),
            row => (Key: new PageKey(row.GetInt64(0), row.GetString(1)), Ends: row.GetBoolean(2), Frees: row.GetBoolean(3)),
            cancellationToken).ConfigureAwait(false);
        var deleted = places.Count(place => !place.Ends);
        return new RetentionBatch(
            deleted,
            deleted == request.Limit ? places[deleted - 1].Key : places is [.., { Ends: true, Key: var until }] ? until : null,
            places.Any(place => place.Frees));
    }

    public async Task<PageKey?> FindFirstAsync(RetentionRequest request, CancellationToken cancellationToken)
    {
        var (text, parameters) = deletions.FindFirst(request, database.Now);
        var rows = await database.QueryAsync(
            text, parameters, row => new PageKey(row.GetInt64(0), row.GetString(1)), cancellationToken).ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    public async Task<long?> ReadCommitsAsync(CancellationToken cancellationToken)
    {
        var counts = await database.QueryAsync(DeletionSql.ReadCommits, [], row => row.GetInt64(0), cancellationToken)
            .ConfigureAwait(false);
        return counts is [var commits, ..] ? commits : null;
    }

    private async Task<RewindResult> RewindAsync(
        NpgsqlConnection connection, RewindRequest request, CancellationToken cancellationToken)
    {
        var (workflowId, from) = request;
        var standing = await database.QueryAsync(
            connection,
            sql.Lock,
            [Text(workflowId)],
            row => (State: WorkflowStates.Parse(row.GetString(0)), EndedAtMs: row.NumberOrNull(1)),
            cancellationToken).ConfigureAwait(false);
        if (standing is not [var (state, endedAtMs)])
        {
            return new RewindResult(RewindStatus.NoWorkflow);
        }

        if (request.IsDone(state, endedAtMs))
        {
            return new RewindResult(RewindStatus.Rewound, state);
        }

        var (highest, _, _) = await forks.ReadCutsAsync(connection, workflowId, null, cancellationToken).ConfigureAwait(false);
        if (!state.IsTerminal() || from > highest + 1)
        {
            return new RewindResult(state.IsTerminal() ? RewindStatus.BeyondHistory : RewindStatus.NotEnded, state, highest);
        }

        await database.QueryAsync(
            connection, sql.Rewind, [database.Now, Text(workflowId), Small(from)], row => 0, cancellationToken)
            .ConfigureAwait(false);
        return new RewindResult(RewindStatus.Rewound, state, highest);
    }
}
