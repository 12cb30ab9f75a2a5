using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Stores queues as rows, and manages what waits in them.</summary>
internal sealed class PostgresQueueStore(PostgresDatabase database, PostgresLanes watch) : IQueueStore
{
    private const int OutlookColumns = 6;

    private readonly QueueSql sql = new(database.Schema);
    private readonly DelayedSql delayed = new(database.Schema);
    private readonly PostgresBulkStarts starts = new(database);

    public async Task<QueueRegistered> RegisterAsync(QueueRegistration registration, CancellationToken cancellationToken)
    {
        for (; ; )
        {
            var rows = await database.BatchAsync(
                Registering(registration),
                reader => PostgresDatabase.ReadAllAsync(reader, ReadRow, cancellationToken),
                cancellationToken).ConfigureAwait(false);

            // There is no row if somebody deleted it between the first and the last statement: then it is registered again.
            if (rows is [{ } row])
            {
                var isOthers = row.ApplicationName is not null
                    && registration.ApplicationName is not null
                    && row.ApplicationName != registration.ApplicationName;
                return new QueueRegistered(row, isOthers ? row.ApplicationName : null);
            }
        }
    }

    public async Task<QueueRow?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(sql.Read, [Text(name)], ReadRow, cancellationToken).ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    public async Task<IReadOnlyList<QueueRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(sql.ReadAll, [Text(applicationName)], ReadRow, cancellationToken).ConfigureAwait(false);
        return [.. rows.OfType<QueueRow>()];
    }

    public async Task<IReadOnlyDictionary<string, QueueCount>> CountAsync(
        IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.Count,
            [Texts(names)],
            row => KeyValuePair.Create(row.GetString(0), new QueueCount(row.GetInt64(1), row.GetInt64(2))),
            cancellationToken).ConfigureAwait(false);
        return new Dictionary<string, QueueCount>(rows);
    }

    public Task<bool> SetPausedAsync(string name, bool paused, CancellationToken cancellationToken) =>
        database.BatchAsync(
            [PostgresDatabase.Command(sql.SetPaused, Text(name), Truth(paused)), PostgresDatabase.Command(sql.AwaitClaims)],
            async reader => await reader.ReadAsync(cancellationToken).ConfigureAwait(false),
            cancellationToken);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) =>
        database.QueryAsync(sql.Delete, [Text(name)], row => row.FieldCount, cancellationToken);

    public async Task<QueueOutlook> ReadOutlookAsync(string applicationName, CancellationToken cancellationToken)
    {
        QueueOutlook? outlook = null;
        var rows = await watch.QueryAsync(
            sql.ReadOutlook,
            [database.Now, Text(applicationName)],
            row =>
            {
                outlook ??= ReadOutlook(row);
                return row.IsDBNull(OutlookColumns) ? null : PostgresQueueRows.ReadOrNull(row, OutlookColumns);
            },
            cancellationToken).ConfigureAwait(false);
        return outlook! with { Queues = [.. rows.OfType<QueueRow>()] };
    }

    public async Task<IReadOnlyList<string>> ReleaseDelayedAsync(string applicationName, int limit, CancellationToken cancellationToken) =>
        await database.QueryAsync(
            delayed.Release, [database.Now, Text(applicationName), Small(limit)], row => row.GetString(0), cancellationToken)
            .ConfigureAwait(false);

    public Task<IReadOnlyList<CommitResult>> StartManyAsync(IReadOnlyList<StartUnit> starts, CancellationToken cancellationToken) =>
        this.starts.WriteAsync(starts, cancellationToken);

    public Task<bool> SetPriorityAsync(string workflowId, int priority, CancellationToken cancellationToken) =>
        AnyAsync(delayed.SetPriority, [database.Now, Text(workflowId), Small(priority)], cancellationToken);

    public Task<bool> SetDelayAsync(string workflowId, DelayEnd end, CancellationToken cancellationToken) => AnyAsync(
        delayed.SetDelay, [database.Now, Text(workflowId), Number(end.DelayMs), Number(end.UntilMs)], cancellationToken);

    private static QueueOutlook ReadOutlook(NpgsqlDataReader row) => new(
        [],
        row.GetFieldValue<string[]>(0),
        row.NumberOrNull(1),
        new ParkedOutlook(row.GetBoolean(4), row.NumberOrNull(5)),
        row.GetBoolean(2),
        row.GetInt64(3));

    private static QueueRow? ReadRow(NpgsqlDataReader row) => PostgresQueueRows.ReadOrNull(row, 0);

    // One transaction with a snapshot for each statement, so that what another process registers meanwhile is seen.
    private List<NpgsqlBatchCommand> Registering(QueueRegistration registration)
    {
        var name = registration.Queue.Name;
        List<NpgsqlBatchCommand> commands =
        [
            PostgresDatabase.Command(sql.Insert, ColumnsOf(registration)),
            PostgresDatabase.Command(sql.Adopt, Text(name), Text(registration.ApplicationName)),
        ];
        if (registration.Policy != OnConflict.NeverUpdate)
        {
            commands.Add(PostgresDatabase.Command(
                sql.Overwrite,
                [
                    .. ColumnsOf(registration),
                    Truth(registration.Policy == OnConflict.UpdateIfLatestVersion),
                    Text(registration.ApplicationVersion),
                ]));
        }

        commands.Add(PostgresDatabase.Command(sql.Read, Text(name)));
        commands.Add(PostgresDatabase.Command(sql.AwaitClaims));
        return commands;
    }

    private NpgsqlParameter[] ColumnsOf(QueueRegistration registration)
    {
        var queue = registration.Queue;
        return
        [
            database.Now,
            Text(queue.Name),
            Small(queue.Concurrency),
            Small(queue.WorkerConcurrency),
            Small(queue.RateLimit?.Starts),
            Fraction(queue.RateLimit?.Per.TotalSeconds),
            Small(queue.PartitionConcurrency),
            Small(queue.PartitionWorkerConcurrency),
            Small(queue.PartitionRateLimit?.Starts),
            Fraction(queue.PartitionRateLimit?.Per.TotalSeconds),
            Fraction(queue.PollInterval?.TotalSeconds ?? StoredQueues.PollSecondsDefault),
            Text(registration.ApplicationName),
        ];
    }

    private async Task<bool> AnyAsync(string statement, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(statement, parameters, row => row.FieldCount, cancellationToken).ConfigureAwait(false);
        return rows.Count > 0;
    }
}
