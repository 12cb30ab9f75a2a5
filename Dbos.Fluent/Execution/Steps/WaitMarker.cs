using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// The row that says when a wait for a value is over: written when it begins, with no duration of its own, as every DBOS SDK does.
/// </summary>
internal static class WaitMarker
{
    private static readonly long EndOfTimeMs = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static CheckpointRow Row(int sequence, long untilMs, long nowMs) => new(sequence, BuiltInNames.Sleep, nowMs, nowMs)
    {
        Output = untilMs.ToString(CultureInfo.InvariantCulture),
        Format = PayloadSerializer.PortableFormat,
    };

    public static long Read(CheckpointRow marker) => (long)double.Parse(marker.Output!, CultureInfo.InvariantCulture);

    /// <summary>When a receive is over that begins now; null where it has no end and so no row.</summary>
    public static long? UntilMs(IReceiveStep receive, long nowMs) =>
        receive.Until is { } until ? EpochMs.NotBefore(until)
        : receive.Timeout is { } timeout ? UntilMs(timeout, nowMs)
        : null;

    /// <summary>When a wait is over that begins now; the end of time where it lasts for ever.</summary>
    public static long UntilMs(TimeSpan timeout, long nowMs)
    {
        var durationMs = timeout == Timeout.InfiniteTimeSpan ? double.MaxValue : Math.Ceiling(timeout.TotalMilliseconds);
        return durationMs >= EndOfTimeMs - nowMs ? EndOfTimeMs : nowMs + (long)durationMs;
    }
}
