using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Schedules;

/// <summary>One moment of a schedule. All else follows from the name and the moment, so processes need not coordinate.</summary>
internal readonly record struct Occurrence(string ScheduleName, DateTimeOffset At)
{
    private const string IdPrefix = "sched-";

    /// <summary>The id of the workflow of this moment; every process that starts it uses the same id.</summary>
    /// <remarks>DBOS's form. The time is in UTC, which keeps the two passes of a repeated hour apart.</remarks>
    public string WorkflowId => $"{IdPrefix}{ScheduleName}-{EpochMs.ToIso(At)}";

    /// <summary>The id of a workflow that was started by hand, besides the occurrences.</summary>
    public static string TriggeredId(string scheduleName, DateTimeOffset now) => $"{IdPrefix}{scheduleName}-trigger-{EpochMs.ToIso(now)}";

    /// <summary>When the workflow starts if starts are spread over a length of time; the result is the same in every process.</summary>
    /// <param name="jitter">Zero means no delay. The delay is shorter than this, in whole milliseconds, as moments are stored.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="jitter"/> is negative.</exception>
    public DateTimeOffset StartWithin(TimeSpan jitter)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(jitter, TimeSpan.Zero);

        // The hash of the id, read as a fraction of one, selects that part of the jitter.
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(WorkflowId));
        var fraction = BinaryPrimitives.ReadUInt64BigEndian(hash);
        var delayMs = Math.BigMul(fraction, (ulong)(jitter.Ticks / TimeSpan.TicksPerMillisecond), out _);
        return At + TimeSpan.FromMilliseconds((long)delayMs);
    }
}
