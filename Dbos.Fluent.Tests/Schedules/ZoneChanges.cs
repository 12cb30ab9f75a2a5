namespace Dbos.Fluent.Tests.Schedules;

/// <summary>When clocks were changed, and zones that do so in every way there is.</summary>
internal static class ZoneChanges
{
    public static readonly string[] Zones =
    [
        "Europe/Paris", "Europe/London", "Europe/Dublin", "Europe/Moscow", "Europe/Istanbul", "Africa/Cairo", "Africa/Casablanca",
        "America/New_York", "America/Sao_Paulo", "America/Santiago", "America/Havana", "America/Caracas", "America/St_Johns",
        "America/Nuuk", "Antarctica/Troll", "Asia/Tehran", "Asia/Hebron", "Asia/Beirut", "Asia/Amman", "Asia/Damascus", "Asia/Pyongyang",
        "Asia/Kathmandu", "Atlantic/Azores", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland", "Pacific/Chatham",
        "Pacific/Apia", "Pacific/Norfolk", "UTC",
    ];

    /// <summary>Every change in these years, to the minute; the first of each year for a zone that has none.</summary>
    public static IReadOnlyList<DateTimeOffset> Of(string timeZone, int firstYear, int lastYear)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(timeZone);
        var end = NewYear(lastYear + 1);
        List<DateTimeOffset> changes = [];
        for (var moment = NewYear(firstYear); moment < end; moment = moment.AddDays(1))
        {
            if (zone.GetUtcOffset(moment) != zone.GetUtcOffset(moment.AddDays(1)))
            {
                var minutes = Enumerable.Range(1, 24 * 60).Select(minute => moment.AddMinutes(minute));
                changes.Add(minutes.First(minute => zone.GetUtcOffset(minute) != zone.GetUtcOffset(moment)));
            }
        }

        return changes.Count > 0 ? changes : [.. Enumerable.Range(firstYear, lastYear - firstYear + 1).Select(NewYear)];
    }

    private static DateTimeOffset NewYear(int year) => new(year, 1, 1, 0, 0, 0, TimeSpan.Zero);
}
