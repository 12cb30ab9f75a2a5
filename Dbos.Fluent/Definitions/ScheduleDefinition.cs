namespace Dbos.Fluent;

/// <summary>A schedule to apply: which workflow runs at which moments. It is checked when it is applied.</summary>
/// <param name="Name">Its name, unique in the database; at most 200 characters.</param>
/// <param name="Cron">
/// Five fields (minute, hour, day of month, month, day of week) or six, with seconds first.
/// </param>
/// <param name="Definition">The workflow that it starts; its input is <see cref="ScheduledRun"/>.</param>
/// <param name="TimeZone">The IANA name of the time zone in which the expression is read; UTC by default.</param>
/// <param name="Options">How it starts its workflows; null for the defaults.</param>
public sealed record ScheduleDefinition(
    string Name, string Cron, WorkflowDefinition Definition, string TimeZone = "UTC", ScheduleOptions? Options = null);
