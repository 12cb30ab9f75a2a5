using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>How a schedule starts its workflows. Immutable; each property is checked when it is set.</summary>
public sealed record ScheduleOptions
{
    /// <summary>What happens at an occurrence while an earlier workflow of the schedule has not ended.</summary>
    /// <value><see cref="Overlap.Allow"/> by default.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of the enumeration.</exception>
    public Overlap Overlap
    {
        get;
        init => field = Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Overlap), value, "Overlap is Allow, Skip or QueueOne.");
    }

    /// <summary>Spreads starts: each is delayed by a part of this time, which the schedule's name and the occurrence determine.</summary>
    /// <value>Zero by default. At most a day.</value>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or longer than a day.</exception>
    public TimeSpan Jitter
    {
        get;
        init => field = value < TimeSpan.Zero || value > TimeSpan.FromDays(1)
            ? throw new ArgumentOutOfRangeException(nameof(Jitter), value, "Jitter lasts from zero to a day.")
            : value;
    }

    /// <summary>The moment from which occurrences count; an occurrence at that moment counts.</summary>
    /// <value>Null by default: occurrences count from now on.</value>
    public DateTimeOffset? From { get; init; }

    /// <summary>The moment from which no occurrence counts; an occurrence at that moment does not.</summary>
    /// <value>Null by default: no end.</value>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Whether the schedule catches up on occurrences it missed while no engine ran or while it was paused.</summary>
    /// <remarks>
    /// What was not due before a change is not caught up on. A change of the expression or the zone, one of an <see cref="Until"/> that had
    /// passed, and turning this on therefore drop all that was still to be caught up on: use <see cref="ScheduleClient.BackfillAsync"/>.
    /// </remarks>
    /// <value>False by default: missed occurrences are skipped.</value>
    public bool AutomaticBackfill { get; init; }

    /// <summary>The queue that the workflow enters, by name.</summary>
    /// <value>Null by default: the internal queue, which has no limits.</value>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public string? Queue
    {
        get;
        init => field = value is null ? null : Names.CheckName(value, nameof(Queue));
    }

    /// <summary>A text that each workflow receives with its occurrence (<see cref="ScheduledRun.Context"/>).</summary>
    /// <value>Null by default: nothing.</value>
    public string? Context { get; init; }
}
