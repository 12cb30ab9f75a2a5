using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>A durable wait, for a duration from its first run or until a moment.</summary>
internal sealed class SleepStep : Step<Unit>
{
    public SleepStep(TimeSpan duration)
        : base(BuiltInNames.Sleep) => Duration = duration;

    public SleepStep(DateTimeOffset until)
        : base(BuiltInNames.Sleep) => Until = until;

    public TimeSpan? Duration { get; }

    public DateTimeOffset? Until { get; }

    // The row records when the sleep ends, not that the workflow saw its end: the outcome is always cleared.
    internal override bool ClearUnrecorded(object run)
    {
        Bind(run);
        return false;
    }

    public static TimeSpan CheckDuration(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        return duration == TimeSpan.MaxValue
            ? throw new ArgumentOutOfRangeException(
                nameof(duration), duration, "Sleep needs a finite duration. To wait without end, use Receive.")
            : duration;
    }

    /// <summary>The wake-up moment in milliseconds since the epoch, rounded up so that no sleep is shorter than asked.</summary>
    public long WakeAtMs(DateTimeOffset now)
    {
        if (Until is { } until)
        {
            return EpochMs.NotBefore(until);
        }

        return EpochMs.NotBefore(Duration!.Value >= DateTimeOffset.MaxValue - now ? DateTimeOffset.MaxValue : now + Duration.Value);
    }
}
