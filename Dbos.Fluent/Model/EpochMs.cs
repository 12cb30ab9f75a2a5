using System.Globalization;

namespace Dbos.Fluent.Model;

/// <summary>
/// Converts moments and durations from and to the tables' form: whole milliseconds, in numbers wider than the framework's types.
/// </summary>
internal static class EpochMs
{
    private static readonly long First = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long Last = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
    private static readonly long Longest = (long)TimeSpan.MaxValue.TotalMilliseconds - 1;

    /// <summary>The moment; a value beyond the calendar gives its end, because every row must be readable, whoever wrote it.</summary>
    public static DateTimeOffset ToMoment(long epochMs) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(epochMs, First, Last));

    /// <inheritdoc cref="ToMoment(long)"/>
    public static DateTimeOffset? ToMoment(long? epochMs) => epochMs is { } moment ? ToMoment(moment) : null;

    /// <summary>The moment; null where it lies beyond the calendar, which is how "never" is stored.</summary>
    public static DateTimeOffset? ToMomentOrNever(long? epochMs) => epochMs <= Last ? ToMoment(epochMs) : null;

    /// <summary>The duration; a value too long for the type gives the longest duration.</summary>
    public static TimeSpan? ToDuration(long? milliseconds) =>
        milliseconds is { } length ? TimeSpan.FromMilliseconds(Math.Clamp(length, -Longest, Longest)) : null;

    /// <summary>The moment as DBOS writes it in ids of scheduled workflows and in <c>last_fired_at</c>: UTC, in milliseconds.</summary>
    public static string ToIso(DateTimeOffset moment) =>
        moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <inheritdoc cref="ToIso(DateTimeOffset)"/>
    public static string? ToIso(long? epochMs) => epochMs is { } moment ? ToIso(ToMoment(moment)) : null;

    /// <summary>The millisecond that contains a moment.</summary>
    public static long? Floor(DateTimeOffset? moment) => moment?.ToUnixTimeMilliseconds();

    /// <summary>The first millisecond that begins at or after a moment.</summary>
    public static long? Ceiling(DateTimeOffset? moment) => moment is { } given
        ? given.ToUnixTimeMilliseconds() + (given.UtcTicks % TimeSpan.TicksPerMillisecond == 0 ? 0 : 1)
        : null;

    /// <summary>The moment that much later, at most the end of the calendar; null where no duration is given.</summary>
    public static long? After(long nowMs, long? lengthMs) => lengthMs is { } length ? nowMs + Math.Min(length, Last - nowMs) : null;

    /// <summary>
    /// When a workflow that waits for a moment may continue: never before it, and at the latest at the end of the calendar.
    /// </summary>
    public static long NotBefore(DateTimeOffset moment) => Math.Min(Ceiling(moment)!.Value, Last);
}
