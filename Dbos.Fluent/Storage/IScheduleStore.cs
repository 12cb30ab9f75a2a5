namespace Dbos.Fluent.Storage;

/// <summary>Schedules as rows: <c>workflow_schedules</c>, and <c>fluent_schedules</c> for what DBOS has no column for.</summary>
internal interface IScheduleStore
{
    /// <summary>Writes schedules in one transaction, all or none. Several processes may write the same ones at once.</summary>
    /// <remarks>
    /// An update keeps the row's id, its pause, and when it last fired. But of a schedule that catches up, those moments until now count
    /// as fired that were not due before: all, if it names other moments from now on, if it did not catch up, or if its end was over; else
    /// those before its former beginning. The row's own workflow and application stay under <see cref="ScheduleWrite.Update"/>.
    /// </remarks>
    Task<ScheduleWritten> WriteAsync(IReadOnlyList<ScheduleRow> rows, ScheduleWrite mode, CancellationToken cancellationToken);

    /// <summary>Reads the store's clock, which decides which moments are due.</summary>
    Task<long> ReadNowMsAsync(CancellationToken cancellationToken);

    /// <summary>Reads one schedule; null if it does not exist.</summary>
    Task<ScheduleRow?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Reads the schedules of an application and those without one, by name, ordinally; null reads those of all applications.
    /// </summary>
    Task<IReadOnlyList<ScheduleRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken);

    /// <summary>
    /// Pauses a schedule or ends its pause; false if the schedule does not exist. When a pause ends, all moments until now count as fired,
    /// unless the schedule catches up.
    /// </summary>
    Task<bool> SetPausedAsync(string name, bool paused, CancellationToken cancellationToken);

    /// <summary>Deletes a schedule; workflows that it has started stay. An unknown schedule is ignored.</summary>
    Task DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Starts the workflow of one moment of a schedule, unless it was started before, in one transaction under the lock of the schedule's
    /// row. State, queue and tokens are set as for any enqueue.
    /// </summary>
    Task<TickOutcome> FireAsync(ScheduleTick tick, CancellationToken cancellationToken);

    /// <summary>Finds a workflow of the schedule that has not ended; null if all have ended.</summary>
    Task<string?> FindRunningAsync(string name, CancellationToken cancellationToken);
}

/// <summary>A schedule.</summary>
internal sealed record ScheduleRow
{
    /// <summary>
    /// How many milliseconds the last fired moment may be ahead of the clock. One further ahead was written while a clock was wrong, and
    /// counts for nothing: otherwise the schedule would be silent until that moment.
    /// </summary>
    public const long AheadMaxMs = 3_600_000;

    public required string Name { get; init; }

    public required string WorkflowName { get; init; }

    public required string Cron { get; init; }

    /// <summary>An IANA name. Column <c>cron_timezone</c>; null there reads as UTC.</summary>
    public required string TimeZone { get; init; }

    /// <summary>The encoded context. Column <c>context</c> has no format beside it, so it uses the library's own.</summary>
    public required string Context { get; init; }

    public bool Paused { get; init; }

    /// <summary>The latest moment that counts as fired; column <c>last_fired_at</c>, ISO UTC with milliseconds and <c>Z</c>.</summary>
    public long? LastFiredAtMs { get; init; }

    public bool AutomaticBackfill { get; init; }

    /// <summary>Null for the internal queue.</summary>
    public string? Queue { get; init; }

    public string? ApplicationName { get; init; }

    /// <summary>Like the properties below, stored in <c>fluent_schedules</c>; a schedule of another SDK has no row there.</summary>
    public Overlap Overlap { get; init; }

    public long JitterMs { get; init; }

    public long? FromMs { get; init; }

    public long? UntilMs { get; init; }

    /// <summary>A moment that waits for the previous run to end (<see cref="Overlap.QueueOne"/>); null if none waits.</summary>
    public long? WaitingTickMs { get; init; }

    /// <summary>Whether another row of the schedule has the same moments and makes the same start at each.</summary>
    public bool StartsTheSame(ScheduleRow other) =>
        (WorkflowName, Cron, TimeZone, Context, Queue, JitterMs, FromMs, UntilMs)
        == (other.WorkflowName, other.Cron, other.TimeZone, other.Context, other.Queue, other.JitterMs, other.FromMs, other.UntilMs);
}

/// <summary>How schedules are written.</summary>
internal enum ScheduleWrite
{
    /// <summary>None of the names may be in use.</summary>
    Create,

    /// <summary>All of the names must be in use.</summary>
    Update,

    /// <summary>As <see cref="Update"/>, but writes only the expression and its zone, and ignores the rest of a row.</summary>
    Reschedule,

    /// <summary>A name may be in use or not.</summary>
    Apply,
}

/// <summary>The result of a write of schedules.</summary>
/// <param name="Conflict">
/// A name because of which nothing was written: one in use, under <see cref="ScheduleWrite.Update"/> and
/// <see cref="ScheduleWrite.Reschedule"/> one not in use, under <see cref="ScheduleWrite.Apply"/> one of another application.
/// </param>
internal sealed record ScheduleWritten(string? Conflict);

/// <summary>One moment of a schedule.</summary>
/// <param name="Schedule">The schedule's name.</param>
/// <param name="TickMs">The moment.</param>
/// <param name="Kind">Why it fires.</param>
/// <param name="Row">
/// The workflow to insert: ENQUEUED on its queue (or DELAYED, with jitter), no tokens of its own but <c>creator_xid</c>, schedule name set.
/// </param>
internal sealed record ScheduleTick(string Schedule, long TickMs, TickKind Kind, WorkflowInsert Row)
{
    /// <summary>The schedule as the caller has read it: nothing happens if it has changed since. Null accepts any.</summary>
    public ScheduleRow? Known { get; init; }
}

/// <summary>Why a moment fires.</summary>
internal enum TickKind
{
    /// <summary>Its time has come. Nothing happens unless it is later than the last fired moment, which then moves to it.</summary>
    Due,

    /// <summary>It waited for the previous run (<see cref="ScheduleRow.WaitingTickMs"/>). Nothing happens while that continues.</summary>
    Waiting,

    /// <summary>A person requested it. Overlap and pause are ignored, and the last fired moment neither matters nor moves.</summary>
    Asked,
}

/// <summary>The result of firing a moment.</summary>
internal enum TickOutcome
{
    /// <summary>Its workflow was started by this call.</summary>
    Started,

    /// <summary>It fired before: its workflow exists, or the last fired moment is not earlier.</summary>
    AlreadyFired,

    /// <summary>The schedule does not exist.</summary>
    Gone,

    /// <summary>The schedule is paused.</summary>
    Paused,

    /// <summary>The schedule has changed since it was read: another moment, or another start, is due.</summary>
    Changed,

    /// <summary>A run of the schedule has not ended, and the schedule says to skip or one moment already waits.</summary>
    Skipped,

    /// <summary>A run of the schedule has not ended: the moment waits for it.</summary>
    Queued,
}
