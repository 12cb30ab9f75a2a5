namespace Dbos.Fluent.Storage;

/// <summary>
/// Values of <c>queues</c> as this library can have them: another SDK may write names and limits that nobody can register here.
/// </summary>
internal static class StoredQueues
{
    /// <summary>The value of the column of polling where nobody has set one.</summary>
    public const double PollSecondsDefault = 1.0;

    private static readonly TimeSpan PeriodMin = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan PeriodMax = TimeSpan.FromDays(365);
    private static readonly TimeSpan PollMax = TimeSpan.FromDays(1);

    /// <summary>
    /// A queue without limits; null under a name that this library has no queue for. One such row must not hide the others.
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

    /// <summary>A limit. With zero or less the queue is paused, and the least limit is shown.</summary>
    public static int? Limit(long? stored) => stored is { } limit ? (int)Math.Clamp(limit, 1, int.MaxValue) : null;

    /// <summary>A rate; half of one is none.</summary>
    // The error of a binary fraction is taken away first: it must not be rounded up to a millisecond.
    public static RateLimit? Rate(long? starts, double? seconds) => Limit(starts) is { } limit && seconds is { } period
        ? new RateLimit(limit, Within(Math.Round(period, 6), PeriodMin, PeriodMax))
        : null;

    public static TimeSpan? Poll(double? seconds) =>
        seconds is { } interval and not PollSecondsDefault ? Within(interval, PeriodMin, PollMax) : null;

    // NaN counts as the least. A binary fraction of seconds is seldom exact, so the nearest tick is meant.
    private static TimeSpan Within(double seconds, TimeSpan least, TimeSpan most) =>
        !(seconds > least.TotalSeconds) ? least
        : seconds >= most.TotalSeconds ? most
        : TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond));
}
