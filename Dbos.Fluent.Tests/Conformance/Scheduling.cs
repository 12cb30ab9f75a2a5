using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Examples of schedules and of their moments.</summary>
internal static class Scheduling
{
    public static readonly ScheduleRow Nightly = new()
    {
        Name = "nightly",
        WorkflowName = A.Name,
        Cron = "0 3 * * *",
        TimeZone = "UTC",
        Context = "none",
        ApplicationName = A.Application,
    };

    /// <summary>A moment as an engine fires it; the workflow's id follows from the moment.</summary>
    public static ScheduleTick Tick(long momentMs, TickKind kind = TickKind.Due, string? by = null)
    {
        var row = A.Enqueued(IdOf(momentMs, kind)) with { ScheduleName = Nightly.Name, ApplicationVersion = null };
        return new ScheduleTick(Nightly.Name, momentMs, kind, row with { Token = by ?? $"engine at {momentMs}" });
    }

    public static string IdOf(long momentMs, TickKind kind = TickKind.Due) =>
        kind == TickKind.Asked ? $"sched-nightly-trigger-{momentMs}" : $"sched-nightly-{momentMs}";
}
