namespace Dbos.Fluent;

/// <summary>What is known of one schedule at the moment it was read. Immutable; it does not follow the schedule.</summary>
/// <param name="Name">The schedule's name, unique in the database.</param>
/// <param name="WorkflowName">The workflow that it starts.</param>
/// <param name="Cron">Its cron expression.</param>
/// <param name="TimeZone">The IANA name of the zone in which the expression is read.</param>
/// <param name="Paused">True while it starts nothing.</param>
/// <param name="LastFiredAt">
/// The latest of its occurrences that counts as done; null before the first, but for a schedule that catches up: when it was made, as
/// whatever it names from then on is caught up on. Starts by hand and backfills do not count.
/// </param>
/// <param name="NextAt">
/// Its next occurrence; null while it is paused, when none is left, and where its expression or zone cannot be read here.
/// </param>
public sealed record ScheduleStatus(
    string Name,
    string WorkflowName,
    string Cron,
    string TimeZone,
    bool Paused,
    DateTimeOffset? LastFiredAt,
    DateTimeOffset? NextAt);
