using System.Diagnostics;
using System.Globalization;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Makes records of rows of schedules, in the order of the columns of <see cref="ScheduleSql"/>, and binds them.</summary>
internal static class SqliteScheduleRow
{
    private const string Active = "ACTIVE";
    private const string Paused = "PAUSED";
    private const string MomentFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static ScheduleRow Read(SqliteStatement row) => new()
    {
        Name = row.Text(0),
        WorkflowName = row.Text(1),
        Cron = row.Text(2),
        TimeZone = row.TextOrNull(3) ?? "UTC",
        Context = row.Text(4),
        Paused = row.Text(5) == Paused,
        LastFiredAtMs = ParseMoment(row.TextOrNull(6)),
        AutomaticBackfill = row.Truth(7),
        Queue = row.TextOrNull(8),
        ApplicationName = row.TextOrNull(9),
        Overlap = ParseOverlap(row.TextOrNull(10)),
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
        .Bind("@overlap", ToStored(row.Overlap))
        .Bind("@jitter_ms", row.JitterMs)
        .Bind("@from_ms", row.FromMs)
        .Bind("@until_ms", row.UntilMs)
        .Bind("@waiting_tick_ms", row.WaitingTickMs);

    public static string ToStatus(bool paused) => paused ? Paused : Active;

    /// <summary>ISO 8601 in UTC with milliseconds, as every SDK writes it.</summary>
    public static string? ToMoment(long? momentMs) => momentMs is { } ms
        ? DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString(MomentFormat, CultureInfo.InvariantCulture)
        : null;

    // Another offset is read too; what is no moment at all reads as never.
    private static long? ParseMoment(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment)
            ? moment.ToUnixTimeMilliseconds()
            : null;

    private static string ToStored(Overlap overlap) => overlap switch
    {
        Overlap.Allow => "allow",
        Overlap.Skip => "skip",
        Overlap.QueueOne => "queue_one",
        _ => throw new UnreachableException($"Unknown overlap {overlap}."),
    };

    private static Overlap ParseOverlap(string? stored) => stored switch
    {
        null or "allow" => Overlap.Allow,
        "skip" => Overlap.Skip,
        "queue_one" => Overlap.QueueOne,
        _ => throw new InvalidOperationException($"The database holds an overlap policy this version does not know: '{stored}'."),
    };
}
