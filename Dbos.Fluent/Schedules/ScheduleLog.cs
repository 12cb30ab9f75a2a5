using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Schedules;

/// <summary>What schedules log. Event ids 14xx; never reused.</summary>
internal static partial class ScheduleLog
{
    [LoggerMessage(1401, LogLevel.Error, "Schedules could not be followed; the next look tries again")]
    public static partial void ScheduleLoopFailed(this ILogger logger, Exception exception);

    [LoggerMessage(
        1402,
        LogLevel.Warning,
        "Schedule {Schedule} is not followed: its expression '{Cron}' or zone '{TimeZone}' cannot be read here. Update or delete it")]
    public static partial void ScheduleUnreadable(this ILogger logger, string schedule, string cron, string timeZone, Exception exception);

    [LoggerMessage(
        1403, LogLevel.Warning, "The context of schedule {Schedule} cannot be decoded; its runs are given the stored text. Update it")]
    public static partial void ContextUnreadable(this ILogger logger, string schedule);

    [LoggerMessage(
        1404,
        LogLevel.Warning,
        "Schedule {Schedule} left out its moments before {Until}: they lie more than an hour back. Backfill them if they matter")]
    public static partial void MomentsLeftOut(this ILogger logger, string schedule, DateTimeOffset until);

    [LoggerMessage(1405, LogLevel.Error, "A moment of schedule {Schedule} could not be started: {Tick}")]
    public static partial void TickFailed(this ILogger logger, string schedule, DateTimeOffset tick, Exception exception);

    [LoggerMessage(
        1406,
        LogLevel.Warning,
        "There is no schedule {Schedule} to be paused or resumed, so nothing was done: a pause does not wait for a schedule. Check the "
        + "name, or create the schedule first (Schedules.CreateAsync)")]
    public static partial void NoScheduleToPause(this ILogger logger, string schedule);

    [LoggerMessage(
        1407, LogLevel.Information, "Schedule {Schedule} skipped {Tick}, as its run {WorkflowId} has not ended. {Explanation}")]
    public static partial void MomentSkipped(
        this ILogger logger, string schedule, DateTimeOffset tick, string workflowId, string explanation);

    [LoggerMessage(
        1408,
        LogLevel.Warning,
        "Schedule {Schedule} skipped {Tick}, and starts nothing until its run {WorkflowId} has ended, which nobody takes. {Explanation}")]
    public static partial void MomentSkippedBehindStranded(
        this ILogger logger, string schedule, DateTimeOffset tick, string workflowId, string explanation);
}
