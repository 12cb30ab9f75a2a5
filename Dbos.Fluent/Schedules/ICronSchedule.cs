namespace Dbos.Fluent.Schedules;

/// <summary>The moments that a cron expression names in a time zone.</summary>
/// <remarks>
/// The moments depend only on the expression and the zone's rules, so every process finds the same ones from any starting point.
/// Implementations are thread-safe.
/// </remarks>
internal interface ICronSchedule
{
    /// <summary>The first occurrence strictly after a moment: in UTC, on a whole second.</summary>
    /// <returns>The occurrence; null if there is none, as for 30 February, or none before the calendar ends.</returns>
    DateTimeOffset? NextAfter(DateTimeOffset moment);
}
