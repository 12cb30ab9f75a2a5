using System.Globalization;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Creates records from rows of schedules, in the order of the columns of <see cref="ScheduleSql"/>, and binds them.</summary>
internal static class SqliteScheduleRow
{
    public static ScheduleRow Read(SqliteStatement row) => new()
    {
        Name = row.Text(0),
        WorkflowName = row.Text(1),
        Cron = row.Text(2),
        TimeZone = row.TextOrNull(3) ?? "UTC",
        Context = row.Text(4),
        Paused = row.Text(5) == ScheduleWords.Paused,
        LastFiredAtMs = ParseMoment(row.TextOrNull(6)),
        AutomaticBackfill = row.Truth(7),
        Queue = row.TextOrNull(8),
        ApplicationName = row.TextOrNull(9),
        Overlap = OverlapWords.Parse(row.TextOrNull(10)),
        JitterMs = row.Int64(11),
        FromMs = row.Int64OrNull(12),
        UntilMs = row.Int64OrNull(13),
        WaitingTickMs = row.Int64OrNull(14),
    };

    public static SqliteStatement BindCommon(SqliteStatement statement, ScheduleRow row) => statement
        .Bind("@schedule_name", row.Name)
        .Bind("@schedule", row.Cron)
        .Bind("@cron_timezone", row.TimeZone)
        .Bind("@context", row.Context)
        .Bind("@automatic_backfill", row.AutomaticBackfill ? 1 : 0)
        .Bind("@queue_name", row.Queue);

    public static SqliteStatement BindSide(SqliteStatement statement, ScheduleRow row) => statement
        .Bind("@schedule_name", row.Name)
        .Bind("@overlap", OverlapWords.ToStored(row.Overlap))
        .Bind("@jitter_ms", row.JitterMs)
        .Bind("@from_ms", row.FromMs)
        .Bind("@until_ms", row.UntilMs)
        .Bind("@waiting_tick_ms", row.WaitingTickMs);

    // Accepts any offset; text that is not a moment reads as never.
    private static long? ParseMoment(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment)
            ? moment.ToUnixTimeMilliseconds()
            : null;
}
