using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Schedules;

/// <summary>One schedule as this engine follows it: its progress and its next moment.</summary>
internal sealed class SchedulePlan
{
    private readonly ICronSchedule cron;
    private DateTimeOffset cursor;

    private SchedulePlan(ScheduleRow row, ICronSchedule cron, DateTimeOffset cursor)
    {
        (Row, this.cron, this.cursor) = (row, cron, cursor);
        Next = Find();
    }

    public ScheduleRow Row { get; private set; }

    /// <summary>The next moment; null if no moment is left.</summary>
    public DateTimeOffset? Next { get; private set; }

    /// <summary>The moment that waits for the previous run; null if none waits.</summary>
    public DateTimeOffset? Waiting => EpochMs.ToMoment(Row.WaitingTickMs);

    /// <summary>Creates a plan that begins now, or where the schedule stopped if it catches up.</summary>
    /// <exception cref="ArgumentException">The expression or the zone cannot be read here.</exception>
    /// <param name="row">The schedule.</param>
    /// <param name="now">The moment from which its moments count.</param>
    /// <param name="catchUp">
    /// False if the schedule has named other moments until now, so that its new moments were never due before.
    /// </param>
    public static SchedulePlan Begin(ScheduleRow row, DateTimeOffset now, bool catchUp)
    {
        var lastFired = EpochMs.ToMoment(row.LastFiredAtMs) is { } fired && fired <= now.AddMilliseconds(ScheduleRow.AheadMaxMs)
            ? fired
            : (DateTimeOffset?)null;
        var cursor = catchUp && row.AutomaticBackfill && lastFired is { } last && last < now ? last : Later(now, lastFired);
        return new SchedulePlan(row, CronSchedule.Parse(row.Cron, row.TimeZone), cursor);
    }

    /// <summary>Takes the row over if it still names the same moments.</summary>
    public bool TryUpdate(ScheduleRow row)
    {
        if ((row.Cron, row.TimeZone, row.FromMs, row.UntilMs) != (Row.Cron, Row.TimeZone, Row.FromMs, Row.UntilMs))
        {
            return false;
        }

        Row = row;
        return true;
    }

    public bool NamesSameMoments(ScheduleRow row) => (row.Cron, row.TimeZone) == (Row.Cron, Row.TimeZone);

    /// <summary>Continues after the next moment.</summary>
    public void Advance()
    {
        cursor = Next!.Value;
        Next = Find();
    }

    /// <summary>Skips moments that are too old to be useful.</summary>
    public void SkipUntil(DateTimeOffset moment)
    {
        if (cursor < moment)
        {
            cursor = moment;
            Next = Find();
        }
    }

    /// <summary>Sets the moment that begins to wait; null once it has been started.</summary>
    public void Wait(DateTimeOffset? tick) => Row = Row with { WaitingTickMs = tick?.ToUnixTimeMilliseconds() };

    private DateTimeOffset? Find()
    {
        // The beginning is inclusive, the end exclusive.
        var from = EpochMs.ToMoment(Row.FromMs);
        var next = cron.NextAfter(from > cursor ? from.Value.AddTicks(-1) : cursor);
        return next < (EpochMs.ToMoment(Row.UntilMs) ?? DateTimeOffset.MaxValue) ? next : null;
    }

    private static DateTimeOffset Later(DateTimeOffset moment, DateTimeOffset? other) => other > moment ? other.Value : moment;
}
