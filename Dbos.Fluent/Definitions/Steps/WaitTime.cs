namespace Dbos.Fluent.Definitions;

/// <summary>Checks the length of a wait that may end without a value.</summary>
internal static class WaitTime
{
    /// <summary>Checks a timeout and returns it: a negative timeout is refused, except the one that means infinite.</summary>
    public static TimeSpan Check(TimeSpan timeout, string parameter) =>
        timeout >= TimeSpan.Zero || timeout == Timeout.InfiniteTimeSpan
            ? timeout
            : throw new ArgumentOutOfRangeException(
                parameter, timeout, "A timeout is zero or longer, or Timeout.InfiniteTimeSpan for a wait without end.");

    /// <summary>Checks a timeout where null means no limit, and returns null for an infinite one too.</summary>
    public static TimeSpan? CheckLimit(TimeSpan? timeout, string parameter) =>
        timeout is { } limit && Check(limit, parameter) != Timeout.InfiniteTimeSpan ? limit : null;
}
