using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Schedules;

/// <summary>The occurrences in a time range, computed one by one as the caller enumerates them.</summary>
internal static class Occurrences
{
    /// <summary>From one moment, inclusive, until another, exclusive: a backfill.</summary>
    public static IEnumerable<DateTimeOffset> Between(this ICronSchedule schedule, DateTimeOffset from, DateTimeOffset until) =>
        schedule.After(from.UtcTicks > 0 ? from.AddTicks(-1) : from, until);

    /// <summary>The same of a stored schedule: those that lie between its own beginning and end too.</summary>
    public static IEnumerable<DateTimeOffset> Between(this ScheduleRow row, DateTimeOffset from, DateTimeOffset until)
    {
        var (first, end) = (EpochMs.ToMoment(row.FromMs), EpochMs.ToMoment(row.UntilMs));
        return CronSchedule.Parse(row.Cron, row.TimeZone).Between(first > from ? first.Value : from, end < until ? end.Value : until);
    }

    /// <summary>After an occurrence that has taken place, until a moment, exclusive: a catch-up.</summary>
    public static IEnumerable<DateTimeOffset> After(this ICronSchedule schedule, DateTimeOffset last, DateTimeOffset until)
    {
        for (var next = schedule.NextAfter(last); next < until; next = schedule.NextAfter(next.Value))
        {
            yield return next.Value;
        }
    }
}
