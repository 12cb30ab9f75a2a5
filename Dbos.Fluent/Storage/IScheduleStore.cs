namespace Dbos.Fluent.Storage;

/// <summary>Schedules as rows: <c>workflow_schedules</c>, and <c>fluent_schedules</c> for what DBOS has no column for.</summary>
internal interface IScheduleStore
{
    /// <summary>Writes schedules, in one transaction: all, or none. Several processes may write the same at once.</summary>
    /// <remarks>
    /// An update keeps the row's id, its pause, and when it last fired; but where a schedule that catches up names other moments from now
    /// on, all those until now count as fired. The row's own workflow and application stay under <see cref="ScheduleWrite.Update"/>.
    /// </remarks>
    Task<ScheduleWritten> WriteAsync(IReadOnlyList<ScheduleRow> rows, ScheduleWrite mode, CancellationToken cancellationToken);

    /// <summary>The store's clock, by which moments are due.</summary>
    Task<long> ReadNowMsAsync(CancellationToken cancellationToken);

    /// <summary>One schedule, or null.</summary>
    Task<ScheduleRow?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// The schedules of an application and those that belong to none, by name, ordinally; of all applications where it is null.
    /// </summary>
    Task<IReadOnlyList<ScheduleRow>> ReadAllAsync(string? applicationName, CancellationToken cancellationToken);

    /// <summary>
    /// Pauses a schedule or ends its pause; false if there is no such schedule. With the end of a pause all moments until now count as
    /// fired, unless the schedule catches up.
    /// </summary>
    Task<bool> SetPausedAsync(string name, bool paused, CancellationToken cancellationToken);

    /// <summary>Deletes a schedule; what it has started stays. Nothing happens to an unknown one.</summary>
    Task DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Starts the workflow of one moment of a schedule, unless it was started before: one transaction, under the lock of the schedule's
    /// row. Its state, its queue and its tokens are set as for any enqueue.
    /// </summary>
    Task<TickOutcome> FireAsync(ScheduleTick tick, CancellationToken cancellationToken);

    /// <summary>A workflow of the schedule that has not ended; null if all have.</summary>
    Task<string?> FindRunningAsync(string name, CancellationToken cancellationToken);
}

/// <summary>A schedule.</summary>
internal sealed record ScheduleRow
{
    public required string Name { get; init; }

    public required string WorkflowName { get; init; }

    public required string Cron { get; init; }

    /// <summary>An IANA name. Column <c>cron_timezone</c>; null there reads as UTC.</summary>
    public required string TimeZone { get; init; }

    /// <summary>The encoded context. Column <c>context</c> has no format beside it: it is in the library's own.</summary>
    public required string Context { get; init; }

    public bool Paused { get; init; }

    /// <summary>The latest moment that counts as fired; column <c>last_fired_at</c>, ISO UTC with milliseconds and <c>Z</c>.</summary>
    public long? LastFiredAtMs { get; init; }

    public bool AutomaticBackfill { get; init; }

    /// <summary>Null for the internal queue.</summary>
    public string? Queue { get; init; }

    public string? ApplicationName { get; init; }

    /// <summary>As are those below, in <c>fluent_schedules</c>; a schedule of another SDK has no row there.</summary>
    public Overlap Overlap { get; init; }

    public long JitterMs { get; init; }

    public long? FromMs { get; init; }

    public long? UntilMs { get; init; }

    /// <summary>A moment that waits until the run before it has ended (<see cref="Overlap.QueueOne"/>); null without one.</summary>
    public long? WaitingTickMs { get; init; }

    /// <summary>Whether another row of the schedule names the same moments and starts the same at each.</summary>
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

    /// <summary>As <see cref="Update"/>, but only the expression and its zone are written: what else a row says does not count.</summary>
    Reschedule,

    /// <summary>Either.</summary>
    Apply,
}

/// <summary>What became of a write of schedules.</summary>
/// <param name="Conflict">
/// A name that is in use, or under <see cref="ScheduleWrite.Update"/> and <see cref="ScheduleWrite.Reschedule"/> is not, or under
/// <see cref="ScheduleWrite.Apply"/> is another application's: nothing was written then.
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
    /// <summary>The schedule as whoever fires has read it: nothing happens where it is another by now. Null: whatever it is.</summary>
    public ScheduleRow? Known { get; init; }
}

/// <summary>Why a moment fires.</summary>
internal enum TickKind
{
    /// <summary>Its time has come. Nothing happens if it is not later than what last fired; what last fired moves to it.</summary>
    Due,

    /// <summary>It waited for the run before it (<see cref="ScheduleRow.WaitingTickMs"/>). Nothing happens while that goes on.</summary>
    Waiting,

    /// <summary>A person asked for it. Overlap, pause and what last fired play no part, and the latter stays.</summary>
    Asked,
}

/// <summary>What became of a moment.</summary>
internal enum TickOutcome
{
    /// <summary>Its workflow was started by this call.</summary>
    Started,

    /// <summary>It fired before: its workflow exists, or what last fired is not earlier.</summary>
    AlreadyFired,

    /// <summary>There is no such schedule.</summary>
    Gone,

    /// <summary>The schedule is paused.</summary>
    Paused,

    /// <summary>The schedule has been changed since it was read: what is due is another moment, or another start.</summary>
    Changed,

    /// <summary>A run of the schedule has not ended, and the schedule says to skip; or one moment waits already.</summary>
    Skipped,

    /// <summary>A run of the schedule has not ended: the moment waits for it.</summary>
    Queued,
}
