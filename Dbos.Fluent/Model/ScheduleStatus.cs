namespace Dbos.Fluent;

/// <summary>A snapshot of one schedule at the moment it was read. Immutable; it does not follow the schedule.</summary>
/// <param name="Name">The schedule's name, unique in the database.</param>
/// <param name="WorkflowName">The name of the workflow that it starts.</param>
/// <param name="Cron">Its cron expression.</param>
/// <param name="TimeZone">The IANA name of the time zone in which the expression is read.</param>
/// <param name="Paused">True while the schedule starts nothing.</param>
/// <param name="LastFiredAt">
/// The latest occurrence that counts as done; null before the first one. For a schedule that catches up, it begins as the moment the
/// schedule was made, because every occurrence from then on is caught up on. Starts by hand and backfills do not count.
/// </param>
/// <param name="NextAt">
/// The next occurrence; null while the schedule is paused, when none is left, and where its expression or zone cannot be read here.
/// </param>
public sealed record ScheduleStatus(
    string Name,
    string WorkflowName,
    string Cron,
    string TimeZone,
    bool Paused,
    DateTimeOffset? LastFiredAt,
    DateTimeOffset? NextAt);
