namespace Dbos.Fluent.Definitions;

/// <summary>How long a wait lasts that may end without a value.</summary>
internal static class WaitTime
{
    /// <summary>Checks a timeout and returns it: negative ones are refused, but for the one that means without end.</summary>
    public static TimeSpan Check(TimeSpan timeout, string parameter) =>
        timeout >= TimeSpan.Zero || timeout == Timeout.InfiniteTimeSpan
            ? timeout
            : throw new ArgumentOutOfRangeException(
                parameter, timeout, "A timeout is zero or longer, or Timeout.InfiniteTimeSpan for a wait without end.");

    /// <summary>Checks a timeout where null means without end, and returns null for either way to say so.</summary>
    public static TimeSpan? CheckLimit(TimeSpan? timeout, string parameter) =>
        timeout is { } limit && Check(limit, parameter) != Timeout.InfiniteTimeSpan ? limit : null;
}
