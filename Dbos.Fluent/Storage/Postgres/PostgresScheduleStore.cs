using Dbos.Fluent.Model;
using Npgsql;
using NpgsqlTypes;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Stores schedules as rows, and fires their moments.</summary>
internal sealed class PostgresScheduleStore(PostgresDatabase database, PostgresLanes watch) : IScheduleStore
{
    // Opening the connection, the beginning and the end of the transaction, and two in between.
    private const int StatementsOfWrite = 5;

    private readonly ScheduleSql sql = new(database.Schema);
    private readonly TickSql ticks = new(database.Schema);

    public Task<ScheduleWritten> WriteAsync(
        IReadOnlyList<ScheduleRow> rows, ScheduleWrite mode, CancellationToken cancellationToken) => database.Schema.HasSideTables
        ? database.LimitAsync(StatementsOfWrite, () => OnConnectionAsync(rows, mode, cancellationToken))
        : throw new StoreSchemaException(
            "Schedules have options in a table of this library, and there was none when this client connected. "
            + "Launch an engine on the database once, and connect the client again.");

    public async Task<long> ReadNowMsAsync(CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(ScheduleSql.ReadNow, [database.Now], row => row.GetInt64(0), cancellationToken)
            .ConfigureAwait(false);
        return rows[0];
    }

    public async Task<ScheduleRow?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(sql.Read, [Text(name)], ReadRow, cancellationToken).ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    public async Task<IReadOnlyList<ScheduleRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken) =>
        await watch.QueryAsync(sql.ReadAll, [Text(applicationName)], ReadRow, cancellationToken).ConfigureAwait(false);

    public async Task<bool> SetPausedAsync(string name, bool paused, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync(
            sql.SetPaused, [database.Now, Text(name), Truth(paused)], row => row.FieldCount, cancellationToken).ConfigureAwait(false);
        return rows.Count > 0;
    }

    public Task DeleteAsync(string name, CancellationToken cancellationToken) =>
        database.QueryAsync(sql.Delete, [Text(name)], row => row.FieldCount, cancellationToken);

    public Task<TickOutcome> FireAsync(ScheduleTick tick, CancellationToken cancellationToken) => database.BatchAsync(
        [
            PostgresDatabase.Command(ticks.Lock, Text(tick.Schedule)),
            PostgresDatabase.Command(
                tick.Kind switch { TickKind.Due => ticks.Due, TickKind.Waiting => ticks.Waiting, _ => ticks.Asked },
                [
                    database.Now, .. StartPart.RowOf(tick.Row), Text(tick.Schedule), Number(tick.TickMs), Text(EpochMs.ToIso(tick.TickMs)),
                    .. tick.Kind == TickKind.Asked ? [] : KnownOf(tick.Known),
                ]),
        ],
        async reader =>
        {
            await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
            var outcomes = await PostgresDatabase.ReadAllAsync(reader, row => row.GetString(0), cancellationToken).ConfigureAwait(false);
            return outcomes.Count == 0 ? TickOutcome.Gone : Enum.Parse<TickOutcome>(outcomes[0]);
        },
        cancellationToken);

    private static NpgsqlParameter[] KnownOf(ScheduleRow? row) =>
    [
        Text(row?.WorkflowName), Text(row?.Cron), Text(row?.TimeZone), Text(row?.Context), Text(row?.Queue),
        Number(row?.JitterMs), Number(row?.FromMs), Number(row?.UntilMs),
    ];
    public async Task<string?> FindRunningAsync(string name, CancellationToken cancellationToken)
    {
        var ids = await database.QueryAsync(sql.FindRunning, [Text(name)], row => row.GetString(0), cancellationToken)
            .ConfigureAwait(false);
        return ids.Count == 0 ? null : ids[0];
    }

    private async Task<ScheduleWritten> OnConnectionAsync(
        IReadOnlyList<ScheduleRow> rows, ScheduleWrite mode, CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            return await InTransactionAsync(connection, rows, mode, cancellationToken).ConfigureAwait(false);
        }
    }

    // Conflicts are found while writing, and disposing rolls back.
    private async Task<ScheduleWritten> InTransactionAsync(
        NpgsqlConnection connection, IReadOnlyList<ScheduleRow> rows, ScheduleWrite mode, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            var updates = mode is ScheduleWrite.Update or ScheduleWrite.Reschedule;
            var names = updates
                ? await RunAsync(connection, sql.Lock, [Texts(rows, row => row.Name)], cancellationToken).ConfigureAwait(false)
                : await RunAsync(
                    connection, mode == ScheduleWrite.Create ? sql.Create : sql.Apply, ColumnsOf(rows), cancellationToken)
                    .ConfigureAwait(false);
            if (rows.FirstOrDefault(row => !names.Contains(row.Name)) is { } conflict)
            {
                return new ScheduleWritten(conflict.Name);
            }

            if (updates)
            {
                var update = mode == ScheduleWrite.Update ? sql.Update : sql.Reschedule;
                await RunAsync(connection, update, ColumnsOf(rows), cancellationToken).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            return new ScheduleWritten(null);
        }
    }

    private async Task<HashSet<string>> RunAsync(
        NpgsqlConnection connection, string statement, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(statement, connection) { CommandTimeout = database.TimeoutSeconds };
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.AddRange(parameters);
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                var names = await PostgresDatabase.ReadAllAsync(reader, row => row.GetString(0), cancellationToken).ConfigureAwait(false);
                return [.. names];
            }
        }
    }

    private NpgsqlParameter[] ColumnsOf(IReadOnlyList<ScheduleRow> rows) =>
    [
        database.Now,
        Texts(rows, row => row.Name),
        Texts(rows, row => row.WorkflowName),
        Texts(rows, row => row.Cron),
        Texts(rows, row => row.TimeZone),
        Texts(rows, row => row.Context),
        Texts(rows, row => ScheduleWords.ToStored(row.Paused)),
        Texts(rows, row => EpochMs.ToIso(row.LastFiredAtMs)),
        new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Boolean, Value = rows.Select(row => row.AutomaticBackfill).ToArray() },
        Texts(rows, row => row.Queue),
        Texts(rows, row => row.ApplicationName),
        Texts(rows, row => OverlapWords.ToStored(row.Overlap)),
        Numbers(rows, row => row.JitterMs),
        Numbers(rows, row => row.FromMs),
        Numbers(rows, row => row.UntilMs),
        Numbers(rows, row => row.WaitingTickMs),
    ];

    private static ScheduleRow ReadRow(NpgsqlDataReader row) => new()
    {
        Name = row.GetString(0),
        WorkflowName = row.GetString(1),
        Cron = row.GetString(2),
        TimeZone = row.GetString(3),
        Context = row.GetString(4),
        Paused = row.GetBoolean(5),
        LastFiredAtMs = row.NumberOrNull(6),
        AutomaticBackfill = row.GetBoolean(7),
        Queue = row.TextOrNull(8),
        ApplicationName = row.TextOrNull(9),
        Overlap = OverlapWords.Parse(row.TextOrNull(10)),
        JitterMs = row.GetInt64(11),
        FromMs = row.NumberOrNull(12),
        UntilMs = row.NumberOrNull(13),
        WaitingTickMs = row.NumberOrNull(14),
    };
}
