using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteWorkflowStore(SqliteThreads writer, SqliteThreads readers, TimeProvider time) : IWorkflowStore
{
    public Task<WorkflowRow?> ReadAsync(string workflowId, CancellationToken cancellationToken) =>
        readers.RunAsync(session => Read(session, workflowId), cancellationToken);

    public Task<(WorkflowRow Row, IReadOnlyList<CheckpointRow> Checkpoints)?> ReadHistoryAsync(
        string workflowId, CancellationToken cancellationToken) =>
        readers.RunAsync<(WorkflowRow, IReadOnlyList<CheckpointRow>)?>(
            session => Read(session, workflowId) is { } row ? (row, ReadCheckpoints(session, workflowId)) : null, cancellationToken);

    public async Task<IReadOnlyList<WorkflowOutcomeRow>> ReadOutcomesAsync(
        IReadOnlyList<string> workflowIds, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadOutcomes(session, workflowIds), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<LostExecution>> ReadLostAsync(
        IReadOnlyList<Ownership> executions, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadLost(session, executions), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<string>> CancelAsync(
        IReadOnlyList<string> workflowIds, bool children, CancelError error, CancellationToken cancellationToken) =>
        await writer.RunAsync(
            session => Cancel(session, children ? ReadFamily(session, workflowIds) : workflowIds, error, Now()),
            cancellationToken).ConfigureAwait(false);

    public Task<ResumeResult> ResumeAsync(IReadOnlyList<string> workflowIds, string? queue, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Resume(session, workflowIds, queue ?? QueueNames.Internal, Now()), cancellationToken);

    public async Task<IReadOnlyList<string>> CancelExpiredAsync(
        string applicationName, int limit, CancelError error, CancellationToken cancellationToken) =>
        await writer.RunAsync(session => CancelExpired(session, applicationName, limit, error), cancellationToken).ConfigureAwait(false);

    private static WorkflowRow? Read(SqliteSession session, string workflowId)
    {
        using var statement = session.Use(WorkflowSql.Read).Bind("@workflow_uuid", workflowId);
        return statement.Step() ? SqliteRows.ReadWorkflow(statement) : null;
    }

    private static List<CheckpointRow> ReadCheckpoints(SqliteSession session, string workflowId)
    {
        using var statement = session.Use(WorkflowSql.ReadCheckpoints).Bind("@workflow_uuid", workflowId);
        var checkpoints = new List<CheckpointRow>();
        while (statement.Step())
        {
            checkpoints.Add(SqliteRows.ReadCheckpoint(statement));
        }

        return checkpoints;
    }

    private static List<WorkflowOutcomeRow> ReadOutcomes(SqliteSession session, IReadOnlyList<string> workflowIds)
    {
        using var statement = session.Use(WorkflowSql.ReadOutcomes).Bind("@workflow_uuids", SqliteLists.Of(workflowIds));
        var outcomes = new List<WorkflowOutcomeRow>();
        while (statement.Step())
        {
            var format = statement.TextOrNull(4);
            outcomes.Add(new WorkflowOutcomeRow(
                statement.Text(0),
                statement.TextOrNull(1) is { } state ? WorkflowStates.Parse(state) : null,
                new Payload(statement.TextOrNull(2), format),
                new Payload(statement.TextOrNull(3), format),
                statement.Truth(5)));
        }

        return outcomes;
    }

    private static List<LostExecution> ReadLost(SqliteSession session, IReadOnlyList<Ownership> executions)
    {
        using var statement = session.Use(WorkflowSql.ReadLost).Bind("@executions", SqliteLists.Of(executions));
        var lost = new List<LostExecution>();
        while (statement.Step())
        {
            WorkflowState? state = statement.TextOrNull(1) is { } stored ? WorkflowStates.Parse(stored) : null;
            lost.Add(new LostExecution(statement.Text(0), state, statement.Truth(2)));
        }

        return lost;
    }

    private List<string> CancelExpired(SqliteSession session, string applicationName, int limit, CancelError error)
    {
        var now = Now();
        List<string> expired;
        using (var statement = session.Use(WorkflowSql.ReadExpired)
            .Bind("@now", now).Bind("@application_name", applicationName).Bind("@limit", limit))
        {
            expired = SqliteRows.ReadIds(statement);
        }

        return Cancel(session, expired, error, now);
    }

    private static List<string> Cancel(SqliteSession session, IReadOnlyList<string> workflowIds, CancelError error, long nowMs)
    {
        var cancelled = new List<string>();
        foreach (var id in workflowIds)
        {
            using var statement = session.Use(WorkflowSql.Cancel).Bind("@workflow_uuid", id).Bind("@now", nowMs);
            if (!statement.Step())
            {
                continue;
            }

            cancelled.Add(id);
            DeleteWaits(session, id);
            using var output = session.Use(WorkflowSql.WriteCancelError)
                .Bind("@workflow_uuid", id)
                .Bind("@serialization", statement.TextOrNull(0))
                .Bind("@native", error.Native)
                .Bind("@portable", error.Portable)
                .Bind("@now", nowMs);
            output.Execute();
        }

        return cancelled;
    }

    private static List<string> ReadFamily(SqliteSession session, IReadOnlyList<string> workflowIds)
    {
        using var statement = session.Use(WorkflowSql.ReadFamily).Bind("@workflow_uuids", SqliteLists.Of(workflowIds));
        return SqliteRows.ReadIds(statement);
    }

    private static ResumeResult Resume(SqliteSession session, IReadOnlyList<string> workflowIds, string queue, long nowMs)
    {
        var needsPartition = SqliteRegistration.Read(session, queue) is { Queue.IsPartitioned: true };
        string? unplaced = null;
        foreach (var id in workflowIds)
        {
            if (Read(session, id)?.Status is not { } status)
            {
                return new ResumeResult([], MissingId: id);
            }

            var goesOn = status.State is not (WorkflowState.Success or WorkflowState.Error);
            unplaced ??= needsPartition && goesOn && status.PartitionKey is null ? id : null;
        }

        if (unplaced is not null)
        {
            return new ResumeResult([], UnplacedId: unplaced);
        }

        var resumed = new List<string>();
        foreach (var id in workflowIds.Distinct(StringComparer.Ordinal))
        {
            using var statement = session.Use(WorkflowSql.Resume)
                .Bind("@workflow_uuid", id).Bind("@queue_name", queue).Bind("@now", nowMs);
            if (statement.Execute() == 1)
            {
                DeleteOutcome(session, id);
                DeleteWaits(session, id);
                resumed.Add(id);
            }
        }

        return new ResumeResult(resumed);
    }

    private static void DeleteOutcome(SqliteSession session, string workflowId)
    {
        using var statement = session.Use(RewindSql.DeleteOutcome).Bind("@workflow_uuid", workflowId);
        statement.Execute();
    }

    private static void DeleteWaits(SqliteSession session, string workflowId)
    {
        using var statement = session.Use(ParkSql.DeleteWaits).Bind("@workflow_uuid", workflowId);
        statement.Execute();
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
