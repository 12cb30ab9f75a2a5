using System.Globalization;
using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Schedules;

/// <summary>Occurrences as text, so that a test reads like a calendar.</summary>
internal static class Moments
{
    public static DateTimeOffset At(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    /// <summary>The first occurrences after a moment, on the zone's clocks and with the offset that these have then.</summary>
    public static string Local(string cron, string timeZone, string after, int count)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(timeZone);
        var occurrences = CronSchedule.Parse(cron, timeZone).After(At(after), DateTimeOffset.MaxValue).Take(count);
        return string.Join(", ", occurrences.Select(occurrence => Text(occurrence.ToOffset(zone.GetUtcOffset(occurrence)))));
    }

    /// <summary>The first occurrences after a moment, in UTC.</summary>
    public static string Utc(string cron, string after, int count) =>
        string.Join(", ", CronSchedule.Parse(cron, "UTC").After(At(after), DateTimeOffset.MaxValue).Take(count).Select(Short));

    private static string Text(DateTimeOffset moment) => Short(moment) + moment.ToString("zzz", CultureInfo.InvariantCulture);

    private static string Short(DateTimeOffset moment) =>
        moment.ToString(moment.Second == 0 ? "MM-dd HH:mm" : "MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
