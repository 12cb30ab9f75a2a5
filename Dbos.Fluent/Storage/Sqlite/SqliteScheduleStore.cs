using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteScheduleStore(SqliteThreads writer, SqliteThreads readers, TimeProvider time) : IScheduleStore
{
    public Task<ScheduleWritten> WriteAsync(IReadOnlyList<ScheduleRow> rows, ScheduleWrite mode, CancellationToken cancellationToken) =>
        writer.RunAsync(session => Write(session, rows, mode, NowMs), cancellationToken);

    // The processes of one file are on one machine, whose clock is the store's.
    public Task<long> ReadNowMsAsync(CancellationToken cancellationToken) => Task.FromResult(NowMs);

    public Task<ScheduleRow?> ReadAsync(string name, CancellationToken cancellationToken) =>
        readers.RunAsync(session => Read(session, name), cancellationToken);

    public async Task<IReadOnlyList<ScheduleRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken) =>
        await readers.RunAsync(session => ReadAll(session, applicationName), cancellationToken).ConfigureAwait(false);

    public Task<bool> SetPausedAsync(string name, bool paused, CancellationToken cancellationToken) =>
        writer.RunAsync(session => SetPaused(session, name, paused, NowMs), cancellationToken);

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => writer.RunAsync(
        session =>
        {
            using var statement = session.Use(ScheduleSql.Delete).Bind("@schedule_name", name);
            return statement.Execute();
        },
        cancellationToken);

    public Task<TickOutcome> FireAsync(ScheduleTick tick, CancellationToken cancellationToken) =>
        writer.RunAsync(session => new SqliteTick(session, tick, NowMs).Fire(), cancellationToken);

    public Task<string?> FindRunningAsync(string name, CancellationToken cancellationToken) => readers.RunAsync(
        session =>
        {
            using var statement = session.Use(ScheduleSql.FindRunning).Bind("@schedule_name", name);
            return statement.Step() ? statement.Text(0) : null;
        },
        cancellationToken);

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    internal static ScheduleRow? Read(SqliteSession session, string name)
    {
        using var statement = session.Use(ScheduleSql.Read).Bind("@schedule_name", name);
        return statement.Step() ? SqliteScheduleRow.Read(statement) : null;
    }

    /// <summary>Moves the last fired moment forward, never back.</summary>
    internal static void Fired(SqliteSession session, ScheduleRow row, long momentMs)
    {
        if (row.LastFiredAtMs >= momentMs)
        {
            return;
        }

        using var statement = session.Use(ScheduleSql.SetLastFired)
            .Bind("@schedule_name", row.Name)
            .Bind("@last_fired_at", EpochMs.ToIso(momentMs));
        statement.Execute();
    }

    private static ScheduleWritten Write(SqliteSession session, IReadOnlyList<ScheduleRow> rows, ScheduleWrite mode, long nowMs)
    {
        var standings = new List<ScheduleRow?>(rows.Count);
        foreach (var row in rows)
        {
            var standing = Read(session, row.Name);
            standings.Add(standing);
            if (mode is ScheduleWrite.Create && standing is not null
                || mode is ScheduleWrite.Update or ScheduleWrite.Reschedule && standing is null
                || mode is ScheduleWrite.Apply && IsOthers(standing, row))
            {
                return new ScheduleWritten(row.Name);
            }
        }

        foreach (var (index, written) in rows.Index())
        {
            var row = written;
            if (standings[index] is { } standing)
            {
                row = mode is ScheduleWrite.Reschedule ? standing with { Cron = row.Cron, TimeZone = row.TimeZone } : row;
                Update(session, row, mode);
                SkipFormer(session, standing, row, nowMs);
            }
            else
            {
                Insert(session, row, nowMs);
            }

            using var side = SqliteScheduleRow.BindSide(session.Use(ScheduleSql.WriteSide), row);
            side.Execute();
        }

        return new ScheduleWritten(null);
    }

    // A schedule that catches up begins behind all moments that were not due before it was written so: those of another expression, those
    // before its old beginning and behind its old end, those of the time in which it did not catch up or had never fired.
    private static void SkipFormer(SqliteSession session, ScheduleRow standing, ScheduleRow row, long nowMs)
    {
        if (!row.AutomaticBackfill)
        {
            return;
        }

        if (standing.LastFiredAtMs is null || !standing.AutomaticBackfill
            || (row.Cron, row.TimeZone) != (standing.Cron, standing.TimeZone)
            || (row.UntilMs != standing.UntilMs && standing.UntilMs <= nowMs))
        {
            Fired(session, standing, nowMs);
        }
        else if (row.FromMs != standing.FromMs && standing.FromMs is { } from)
        {
            Fired(session, standing, Math.Min(nowMs, from - 1));
        }
    }

    private static bool IsOthers(ScheduleRow? standing, ScheduleRow row) =>
        standing?.ApplicationName is { } owner && row.ApplicationName is { } writer && owner != writer;

    private static void Insert(SqliteSession session, ScheduleRow row, long nowMs)
    {
        using var insert = SqliteScheduleRow.BindCommon(session.Use(ScheduleSql.Insert), row)
            .Bind("@schedule_id", Guid.CreateVersion7().ToString())
            .Bind("@workflow_name", row.WorkflowName)
            .Bind("@status", ScheduleWords.ToStored(row.Paused))
            .Bind("@last_fired_at", EpochMs.ToIso(row.LastFiredAtMs ?? (row.AutomaticBackfill ? nowMs : null)))
            .Bind("@application_name", row.ApplicationName);
        insert.Execute();
    }

    private static void Update(SqliteSession session, ScheduleRow row, ScheduleWrite mode)
    {
        using (var update = SqliteScheduleRow.BindCommon(session.Use(ScheduleSql.Update), row))
        {
            update.Execute();
        }

        if (mode is ScheduleWrite.Apply)
        {
            using var workflow = session.Use(ScheduleSql.SetWorkflow)
                .Bind("@schedule_name", row.Name)
                .Bind("@workflow_name", row.WorkflowName)
                .Bind("@application_name", row.ApplicationName);
            workflow.Execute();
        }
    }

    private static List<ScheduleRow> ReadAll(SqliteSession session, string? applicationName)
    {
        using var statement = session.Use(ScheduleSql.ReadAll).Bind("@application_name", applicationName);
        var rows = new List<ScheduleRow>();
        while (statement.Step())
        {
            rows.Add(SqliteScheduleRow.Read(statement));
        }

        // SQLite compares UTF-8 bytes, which orders surrogates differently.
        rows.Sort(static (one, other) => string.CompareOrdinal(one.Name, other.Name));
        return rows;
    }

    private static bool SetPaused(SqliteSession session, string name, bool paused, long nowMs)
    {
        if (Read(session, name) is not { } row)
        {
            return false;
        }

        using (var statement = session.Use(ScheduleSql.SetStatus)
            .Bind("@schedule_name", name)
            .Bind("@status", ScheduleWords.ToStored(paused)))
        {
            statement.Execute();
        }

        // A schedule that was not paused has no moments that became due in a pause.
        if (!paused && row is { Paused: true, AutomaticBackfill: false })
        {
            Fired(session, row, nowMs);
        }

        return true;
    }
}
