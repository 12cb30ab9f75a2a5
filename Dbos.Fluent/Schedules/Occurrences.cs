namespace Dbos.Fluent.Schedules;

/// <summary>The occurrences of a stretch of time, found one by one as they are asked for.</summary>
internal static class Occurrences
{
    /// <summary>From a moment, which counts, until another, which does not: a backfill.</summary>
    public static IEnumerable<DateTimeOffset> Between(this ICronSchedule schedule, DateTimeOffset from, DateTimeOffset until) =>
        schedule.After(from.UtcTicks > 0 ? from.AddTicks(-1) : from, until);

    /// <summary>After an occurrence that has taken place until a moment, which does not count: a catch-up.</summary>
    public static IEnumerable<DateTimeOffset> After(this ICronSchedule schedule, DateTimeOffset last, DateTimeOffset until)
    {
        for (var next = schedule.NextAfter(last); next < until; next = schedule.NextAfter(next.Value))
        {
            yield return next.Value;
        }
    }
}
