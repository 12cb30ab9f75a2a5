using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// The row that says when a wait for a value ends. It is written when the wait begins, with no duration of its own, as in every DBOS SDK.
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

    /// <summary>When a receive that begins now is over; null if it has no end and so no row.</summary>
    public static long? UntilMs(IReceiveStep receive, long nowMs) =>
        receive.Until is { } until ? EpochMs.NotBefore(until)
        : receive.Timeout is { } timeout ? UntilMs(timeout, nowMs)
        : null;

    /// <summary>When a wait that begins now is over; the end of time if it lasts forever.</summary>
    public static long UntilMs(TimeSpan timeout, long nowMs)
    {
        var durationMs = timeout == Timeout.InfiniteTimeSpan ? double.MaxValue : Math.Ceiling(timeout.TotalMilliseconds);
        return durationMs >= EndOfTimeMs - nowMs ? EndOfTimeMs : nowMs + (long)durationMs;
    }
}
