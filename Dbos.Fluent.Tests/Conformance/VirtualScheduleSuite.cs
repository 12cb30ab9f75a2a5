using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Schedules on a clock that the test moves, and a workflow that notes what it was started for.</summary>
public abstract class VirtualScheduleSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    protected const string EachMinute = "* * * * *";

    protected System.Collections.Concurrent.ConcurrentDictionary<DateTimeOffset, ScheduledRun> Runs { get; } = new();

    protected System.Threading.Channels.Channel<ScheduledRun> Arrivals { get; } =
        System.Threading.Channels.Channel.CreateUnbounded<ScheduledRun>();

    protected ManualTimeProvider Time { get; } = new(new(2026, 1, 1, 0, 0, 30, TimeSpan.Zero));

    protected static DateTimeOffset Start => new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    protected Task<ScheduledRun> ArrivesAsync() => Arrivals.Reader.ReadAsync(Cancel).AsTask().Within(Bounded.Limit);

    /// <summary>Waits until a moment is done, whatever came of it.</summary>
    protected Task FiredAsync(int minute, string schedule = "tick") => FiredAtAsync(Start.AddMinutes(minute), schedule);

    /// <summary>Waits until a moment is done, whatever came of it.</summary>
    protected Task FiredAtAsync(DateTimeOffset moment, string schedule)
    {
        var stored = moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        return Eventually.TrueAsync(
            async () => await Database.ScalarAsync(
                $"SELECT last_fired_at FROM workflow_schedules WHERE schedule_name = '{schedule}'") == stored,
            Bounded.Limit,
            $"{schedule} has fired at {stored}");
    }

    /// <summary>Waits until an engine has taken in what has changed: it then waits for the next moment.</summary>
    protected Task FollowedAsync() => Eventually.TrueAsync(() => Time.TimersPending > 0, Bounded.Limit, "the next moment is waited for");

    protected Task<WorkflowEngine> LaunchVirtualAsync(Action<EngineOptions> configure, params WorkflowDefinition[] definitions) =>
        LaunchAsync(
            options =>
            {
                options.TimeProvider = Time;
                configure(options);
            },
            definitions);

    protected WorkflowDefinition<ScheduledRun, Unit> Noted() => Workflow.Define<ScheduledRun>("noted").Step("note", x => Task.Run(() =>
    {
        Runs[x.Input.ScheduledAt] = x.Input;
        Arrivals.Writer.TryWrite(x.Input);
    })).End();
}
