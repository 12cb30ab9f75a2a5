namespace Dbos.Fluent.Storage;

/// <summary>
/// Converts values of <c>queues</c> to valid ones: another SDK may write names and limits that nobody can register here.
/// </summary>
internal static class StoredQueues
{
    /// <summary>The stored polling interval if nobody has set one.</summary>
    public const double PollSecondsDefault = 1.0;

    private static readonly TimeSpan PeriodMin = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan PeriodMax = TimeSpan.FromDays(365);
    private static readonly TimeSpan PollMax = TimeSpan.FromDays(1);

    /// <summary>
    /// A queue without limits; null if this library does not allow the name. One such row must not hide the others.
    /// </summary>
    public static WorkflowQueue? NamedOrNull(string name)
    {
        try
        {
            return new WorkflowQueue(name);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>A limit. A queue with zero or less is paused, and shows the lowest limit.</summary>
    public static int? Limit(long? stored) => stored is { } limit ? (int)Math.Clamp(limit, 1, int.MaxValue) : null;

    /// <summary>A rate; null unless both of its values are stored.</summary>
    // The error of a binary fraction is removed first: it must not be rounded up to a millisecond.
    public static RateLimit? Rate(long? starts, double? seconds) => Limit(starts) is { } limit && seconds is { } period
        ? new RateLimit(limit, Within(Math.Round(period, 6), PeriodMin, PeriodMax))
        : null;

    public static TimeSpan? Poll(double? seconds) =>
        seconds is { } interval and not PollSecondsDefault ? Within(interval, PeriodMin, PollMax) : null;

    // NaN counts as the least. Seconds as a binary fraction are seldom exact, so they are rounded to the nearest tick.
    private static TimeSpan Within(double seconds, TimeSpan least, TimeSpan most) =>
        !(seconds > least.TotalSeconds) ? least
        : seconds >= most.TotalSeconds ? most
        : TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond));
}
