namespace Dbos.Fluent.Schedules;

/// <summary>The occurrences in a time range, computed one by one as the caller enumerates them.</summary>
internal static class Occurrences
{
    /// <summary>From one moment, inclusive, until another, exclusive: a backfill.</summary>
    public static IEnumerable<DateTimeOffset> Between(this ICronSchedule schedule, DateTimeOffset from, DateTimeOffset until) =>
        schedule.After(from.UtcTicks > 0 ? from.AddTicks(-1) : from, until);

    /// <summary>After an occurrence that has taken place, until a moment, exclusive: a catch-up.</summary>
    public static IEnumerable<DateTimeOffset> After(this ICronSchedule schedule, DateTimeOffset last, DateTimeOffset until)
    {
        for (var next = schedule.NextAfter(last); next < until; next = schedule.NextAfter(next.Value))
        {
            yield return next.Value;
        }
    }
}
