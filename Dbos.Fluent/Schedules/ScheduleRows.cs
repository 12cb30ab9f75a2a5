using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Schedules;

/// <summary>Converts schedules and their moments to rows.</summary>
internal sealed class ScheduleRows(PayloadSerializer serializer)
{
    // Each run's id consists of the name, a moment and a few words; ids have at most 255 characters.
    private const int NameLengthMax = 200;

    /// <summary>Creates and checks the row of a schedule.</summary>
    /// <exception cref="ArgumentException">The name, the expression, the zone or the definition is invalid.</exception>
    public ScheduleRow Row(ScheduleDefinition schedule, string? applicationName)
    {
        ArgumentNullException.ThrowIfNull(schedule.Definition);
        CheckName(schedule.Name);
        CheckCron(schedule.Cron, schedule.TimeZone);
        return schedule.Definition.InputType != typeof(ScheduledRun)
            ? throw new ArgumentException(
                $"Schedule '{schedule.Name}': the input of workflow '{schedule.Definition.Name}' is {schedule.Definition.InputType}, "
                + "but a schedule gives it a ScheduledRun: define it with that input.",
                nameof(schedule))
            : With(
                new ScheduleRow
                {
                    Name = schedule.Name,
                    WorkflowName = schedule.Definition.Name,
                    Cron = schedule.Cron,
                    TimeZone = schedule.TimeZone,
                    Context = "",
                    ApplicationName = applicationName,
                },
                schedule.Options ?? new ScheduleOptions());
    }

    /// <summary>A copy of the row with these options.</summary>
    /// <exception cref="ArgumentException">The end is not after the beginning.</exception>
    public ScheduleRow With(ScheduleRow row, ScheduleOptions options) => options.From >= options.Until
        ? throw new ArgumentException($"Schedule '{row.Name}': Until ({options.Until:O}) is not after From ({options.From:O}).")
        : row with
        {
            Context = serializer.Encode(options.Context, typeof(string), PayloadFormat.MessagePack).Text!,
            AutomaticBackfill = options.AutomaticBackfill,
            Queue = options.Queue,
            Overlap = options.Overlap,
            JitterMs = (long)Math.Ceiling(options.Jitter.TotalMilliseconds),
            FromMs = options.From?.ToUnixTimeMilliseconds(),
            UntilMs = options.Until?.ToUnixTimeMilliseconds(),
        };

    /// <summary>The tick that starts the workflow of one moment.</summary>
    public ScheduleTick Tick(ScheduleRow schedule, DateTimeOffset at, TickKind kind, DateTimeOffset now)
    {
        var occurrence = new Occurrence(schedule.Name, at);
        var start = kind == TickKind.Due ? occurrence.StartWithin(TimeSpan.FromMilliseconds(schedule.JitterMs)) : at;
        var tick = Tick(schedule, occurrence.WorkflowId, at, kind, now, start - now);
        return kind == TickKind.Asked ? tick : tick with { Known = schedule };
    }

    /// <summary>The tick of a start by hand.</summary>
    public ScheduleTick Triggered(ScheduleRow schedule, DateTimeOffset now) =>
        Tick(schedule, Occurrence.TriggeredId(schedule.Name, now), now, TickKind.Asked, now, TimeSpan.Zero);

    /// <summary>The context of a schedule; the stored text if this library did not write it.</summary>
    public string? Context(ScheduleRow schedule, out bool isReadable)
    {
        try
        {
            isReadable = true;
            return (string?)serializer.Decode(new Payload(schedule.Context, PayloadSerializer.NativeFormat), typeof(string));
        }
        catch (SerializationFailedException)
        {
            isReadable = false;
            return schedule.Context;
        }
    }

    public static string CheckName(string name) => Names.CheckName(name, nameof(name)).Length <= NameLengthMax
        ? name
        : throw new ArgumentException(
            $"A schedule's name has at most {NameLengthMax} characters; this one has {name.Length}.", nameof(name));

    /// <exception cref="ArgumentException">The expression or the zone is invalid, or names no moment at all.</exception>
    public static void CheckCron(string cron, string timeZone)
    {
        // A schedule that never fires is a mistake that nobody would notice later. Any start works for this check, as the calendar repeats.
        if (CronSchedule.Parse(cron, timeZone).NextAfter(DateTimeOffset.UnixEpoch) is null)
        {
            throw new ArgumentException(
                $"Cron expression '{cron}' names no moment at all: there is no such day in any year.", nameof(cron));
        }
    }

    private ScheduleTick Tick(
        ScheduleRow schedule, string id, DateTimeOffset at, TickKind kind, DateTimeOffset now, TimeSpan wait)
    {
        var run = new ScheduledRun(at, now, Context(schedule, out _));
        var delayed = wait > TimeSpan.Zero;
        return new ScheduleTick(schedule.Name, at.ToUnixTimeMilliseconds(), kind, new WorkflowInsert
        {
            Id = id,
            Name = schedule.WorkflowName,
            State = delayed ? WorkflowState.Delayed : WorkflowState.Enqueued,
            Token = Guid.CreateVersion7().ToString(),
            Input = serializer.EncodeInput(run, typeof(ScheduledRun), PayloadFormat.MessagePack),
            Queue = schedule.Queue ?? QueueNames.Internal,
            ApplicationName = schedule.ApplicationName,
            ScheduleName = schedule.Name,
            DelayMs = delayed ? (long)Math.Ceiling(wait.TotalMilliseconds) : null,
        });
    }
}
