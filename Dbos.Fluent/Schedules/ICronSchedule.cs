namespace Dbos.Fluent.Schedules;

/// <summary>The moments that a cron expression names in a time zone.</summary>
/// <remarks>
/// They follow from the expression, the zone's rules and nothing else, so every process finds the same ones from wherever it begins. What
/// implements this can be shared by any number of threads.
/// </remarks>
internal interface ICronSchedule
{
    /// <summary>The first occurrence strictly after a moment: in UTC, on a whole second.</summary>
    /// <returns>Null if there is none, as for 30 February, or none before the calendar ends.</returns>
    DateTimeOffset? NextAfter(DateTimeOffset moment);
}
