using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Schedules;

/// <summary>One moment that a schedule names. Everything about it follows from the two, so that processes need not agree on it.</summary>
internal readonly record struct Occurrence(string ScheduleName, DateTimeOffset At)
{
    private const string IdPrefix = "sched-";

    /// <summary>The id of the workflow that runs for it: all who start it start the same one.</summary>
    /// <remarks>DBOS's form. The time is in UTC, which keeps the two passes of a repeated hour apart.</remarks>
    public string WorkflowId => $"{IdPrefix}{ScheduleName}-{EpochMs.ToIso(At)}";

    /// <summary>The id of a workflow that somebody started by hand, beside the occurrences.</summary>
    public static string TriggeredId(string scheduleName, DateTimeOffset now) => $"{IdPrefix}{scheduleName}-trigger-{EpochMs.ToIso(now)}";

    /// <summary>When it starts, if starts are spread over a length of time: at the same moment in every process.</summary>
    /// <param name="jitter">Zero is no delay. The delay is shorter than this, and of whole milliseconds, as moments are stored.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="jitter"/> is negative.</exception>
    public DateTimeOffset StartWithin(TimeSpan jitter)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(jitter, TimeSpan.Zero);

        // A hash of the id, read as a fraction of one, takes that part of the jitter.
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(WorkflowId));
        var fraction = BinaryPrimitives.ReadUInt64BigEndian(hash);
        var delayMs = Math.BigMul(fraction, (ulong)(jitter.Ticks / TimeSpan.TicksPerMillisecond), out _);
        return At + TimeSpan.FromMilliseconds((long)delayMs);
    }
}
