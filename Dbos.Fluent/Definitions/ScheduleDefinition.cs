namespace Dbos.Fluent;

/// <summary>A schedule to be applied: which workflow, at which moments. Checked when it is applied.</summary>
/// <param name="Name">Its name, unique in the database; at most 200 characters.</param>
/// <param name="Cron">
/// Five fields (minute, hour, day of month, month, day of week) or six, with seconds first.
/// </param>
/// <param name="Definition">What it starts; its input is <see cref="ScheduledRun"/>.</param>
/// <param name="TimeZone">The IANA name of the zone in which the expression is read; UTC by default.</param>
/// <param name="Options">How it starts; null for the defaults.</param>
public sealed record ScheduleDefinition(
    string Name, string Cron, WorkflowDefinition Definition, string TimeZone = "UTC", ScheduleOptions? Options = null);
