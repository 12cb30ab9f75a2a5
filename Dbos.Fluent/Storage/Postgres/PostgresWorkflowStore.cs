using Dbos.Fluent.Model;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Reads workflows, cancels and resumes them.</summary>
internal sealed class PostgresWorkflowStore(PostgresDatabase database, PostgresLanes looks) : IWorkflowStore
{
    // Opening the connection, the beginning and the end of the transaction, two looks at the tree and the cancel.
    private const int TreeStatements = 6;

    private readonly WorkflowSql sql = new(database.Schema);

    public async Task<WorkflowRow?> ReadAsync(string workflowId, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(sql.Read, [Text(workflowId)], PostgresWorkflowRows.Read, cancellationToken)
            .ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    public async Task<(WorkflowRow Row, IReadOnlyList<CheckpointRow> Checkpoints)?> ReadHistoryAsync(
        string workflowId, CancellationToken cancellationToken)
    {
        // The row comes first: the checkpoints are read in a later snapshot, so they include all that the row's state says is complete.
        var (rows, checkpoints) = await database.BatchAsync(
            [PostgresDatabase.Command(sql.Read, Text(workflowId)), PostgresDatabase.Command(sql.ReadCheckpoints, Text(workflowId))],
            async reader =>
            {
                var found = await PostgresDatabase.ReadAllAsync(reader, PostgresWorkflowRows.Read, cancellationToken).ConfigureAwait(false);
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                var steps = await PostgresDatabase.ReadAllAsync(reader, row => row.Checkpoint(0), cancellationToken).ConfigureAwait(false);
                return (found, steps);
            },
            cancellationToken).ConfigureAwait(false);
        return rows.Count == 0 ? null : (rows[0], checkpoints);
    }

    public async Task<IReadOnlyList<WorkflowOutcomeRow>> ReadOutcomesAsync(
        IReadOnlyList<string> workflowIds, CancellationToken cancellationToken) =>
        await looks.QueryAsync(sql.ReadOutcomes, [Texts(workflowIds)], ReadOutcome, cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<LostExecution>> ReadLostAsync(
        IReadOnlyList<Ownership> executions, CancellationToken cancellationToken) =>
        await database.QueryAsync(
            sql.ReadLost,
            [Texts(executions, execution => execution.WorkflowId), Texts(executions, execution => execution.Token)],
            row => new LostExecution(row.GetString(0), StateOrNull(row, 1), !row.IsDBNull(2) && row.GetBoolean(2)),
            cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<string>> CancelAsync(
        IReadOnlyList<string> workflowIds, bool children, CancelError error, CancellationToken cancellationToken) => children
        ? await CancelTreeAsync(workflowIds, error, cancellationToken).ConfigureAwait(false)
        : await database.SecondAsync(
            PostgresDatabase.Command(sql.LockTree, Texts(workflowIds), Truth(false)),
            PostgresDatabase.Command(sql.Cancel, CancelParameters(workflowIds, error)),
            row => row.GetString(0),
            cancellationToken).ConfigureAwait(false);

    public async Task<ResumeResult> ResumeAsync(IReadOnlyList<string> workflowIds, string? queue, CancellationToken cancellationToken)
    {
        var rows = await database.SecondAsync(
            PostgresDatabase.Command(sql.LockAll, Texts(workflowIds)),
            PostgresDatabase.Command(sql.Resume, database.Now, Texts(workflowIds), Text(queue)),
            row => (Missing: row.TextOrNull(0), Unplaced: row.TextOrNull(1), Resumed: row.TextOrNull(2)),
            cancellationToken).ConfigureAwait(false);
        return rows is [{ Resumed: null } refused]
            ? new ResumeResult([], refused.Missing, refused.Unplaced)
            : new ResumeResult(rows.ConvertAll(row => row.Resumed!));
    }

    public async Task<IReadOnlyList<string>> CancelExpiredAsync(
        string applicationName, int limit, CancelError error, CancellationToken cancellationToken) =>
        await database.QueryAsync(
            sql.CancelExpired,
            [database.Now, Text(applicationName), Text(error.Native), Text(error.Portable), Small(limit)],
            row => row.GetString(0),
            cancellationToken).ConfigureAwait(false);

    private Task<IReadOnlyList<string>> CancelTreeAsync(
        IReadOnlyList<string> workflowIds, CancelError error, CancellationToken cancellationToken) =>
        database.TransactionAsync<IReadOnlyList<string>>(
            TreeStatements,
            async (connection, token) =>
            {
                var locked = await database.LockTreeAsync(connection, sql.LockTree, workflowIds, children: true, token)
                    .ConfigureAwait(false);
                return await database.QueryAsync(
                    connection, sql.Cancel, CancelParameters(locked, error), row => row.GetString(0), token).ConfigureAwait(false);
            },
            _ => true,
            cancellationToken);

    private NpgsqlParameter[] CancelParameters(IReadOnlyList<string> workflowIds, CancelError error) =>
        [database.Now, Texts(workflowIds), Text(error.Native), Text(error.Portable)];

    private static WorkflowOutcomeRow ReadOutcome(NpgsqlDataReader row)
    {
        var format = row.TextOrNull(4);
        return new WorkflowOutcomeRow(
            row.GetString(0),
            StateOrNull(row, 1),
            new Payload(row.TextOrNull(2), format),
            new Payload(row.TextOrNull(3), format),
            row.GetBoolean(5));
    }

    private static WorkflowState? StateOrNull(NpgsqlDataReader row, int column) =>
        row.TextOrNull(column) is { } stored ? WorkflowStates.Parse(stored) : null;
}
