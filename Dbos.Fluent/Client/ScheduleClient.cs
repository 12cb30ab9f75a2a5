using Dbos.Fluent.Model;
using Dbos.Fluent.Schedules;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>
/// Manages schedules at run time. A schedule starts a workflow once at each occurrence of a cron expression, however many engines run.
/// Safe for concurrent use.
/// </summary>
/// <remarks>
/// <para>
/// An expression has five fields (minute, hour, day of month, month, day of week) or six (seconds first), and is read in the schedule's
/// time zone. When clocks go forward, occurrences in the gap fire once, right after it. When they go back, a fixed time fires only on the
/// first pass, and an interval fires on both.
/// </para>
/// <para>Every engine sees a change at once if the database sends notifications, else with its covering poll.</para>
/// </remarks>
public sealed class ScheduleClient
{
    // More occurrences point to a mistake in a date or an expression.
    private const int BackfillMax = 100_000;

    private readonly ClientCore core;
    private readonly ScheduleRows rows;

    internal ScheduleClient(ClientCore core) => (this.core, rows) = (core, new ScheduleRows(core.Serializer));

    /// <summary>Creates a schedule.</summary>
    /// <param name="name">The schedule's name, unique in the database; at most 200 characters.</param>
    /// <param name="cron">The cron expression.</param>
    /// <param name="definition">The workflow that it starts; its code may be elsewhere.</param>
    /// <param name="timeZone">The IANA name of the expression's time zone; UTC by default.</param>
    /// <param name="options">How the workflow is started; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>A task that completes when the schedule is durable.</returns>
    /// <exception cref="ArgumentException">
    /// The name, the expression (the message says where in it), the zone or an option is invalid; or the queue is partitioned.
    /// </exception>
    /// <exception cref="ConflictingRegistrationException">A schedule of this name already exists.</exception>
    public async Task CreateAsync<TOut>(
        string name,
        string cron,
        WorkflowDefinition<ScheduledRun, TOut> definition,
        string timeZone = "UTC",
        ScheduleOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var row = rows.Row(new ScheduleDefinition(name, cron, definition, timeZone, options), core.Identity.ApplicationName);
        if (await WriteAsync([row], ScheduleWrite.Create, cancellationToken).ConfigureAwait(false) is { } conflict)
        {
            throw ConflictingRegistrationException.OfSchedule(conflict);
        }
    }

    /// <summary>Creates and updates these schedules in one transaction. Others are left alone.</summary>
    /// <remarks>A paused schedule stays paused, and past occurrences do not fire again; everything else is replaced.</remarks>
    /// <param name="schedules">The schedules, each name once.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when all of them are durable.</returns>
    /// <exception cref="ArgumentException">A schedule is invalid, or two share a name; none was written.</exception>
    /// <exception cref="ConflictingRegistrationException">A name belongs to another application; none was written.</exception>
    public async Task ApplyAsync(IEnumerable<ScheduleDefinition> schedules, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(schedules);
        ScheduleRow[] all = [.. schedules.Select(schedule => rows.Row(schedule, core.Identity.ApplicationName))];
        if (all.GroupBy(row => row.Name, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"The schedule '{twice.Key}' is given twice.", nameof(schedules));
        }

        if (await WriteAsync(all, ScheduleWrite.Apply, cancellationToken).ConfigureAwait(false) is { } others)
        {
            throw ConflictingRegistrationException.OfOthersSchedule(others);
        }
    }

    /// <summary>Changes when and how a schedule fires. Its workflow and pause stay; past occurrences do not fire again.</summary>
    /// <param name="name">The schedule's name.</param>
    /// <param name="cron">The new cron expression.</param>
    /// <param name="timeZone">The IANA name of the expression's time zone; UTC by default.</param>
    /// <param name="options">How the workflow is started from now on; null keeps the options.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the change is durable.</returns>
    /// <exception cref="ArgumentException">The expression, the zone or an option is invalid.</exception>
    /// <exception cref="NonExistentScheduleException">No schedule has this name.</exception>
    public async Task UpdateAsync(
        string name,
        string cron,
        string timeZone = "UTC",
        ScheduleOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ScheduleRows.CheckName(name);
        ScheduleRows.CheckCron(cron, timeZone);
        var changed = await RequireAsync(name, cancellationToken).ConfigureAwait(false) with { Cron = cron, TimeZone = timeZone };
        var (row, mode) = options is null ? (changed, ScheduleWrite.Reschedule) : (rows.With(changed, options), ScheduleWrite.Update);
        if (await WriteAsync([row], mode, cancellationToken).ConfigureAwait(false) is not null)
        {
            throw new NonExistentScheduleException(name);
        }
    }

    /// <summary>Stops a schedule from starting workflows. Workflows that it has started continue.</summary>
    /// <param name="name">The schedule's name.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the pause is stored. An unknown schedule is only logged.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public Task PauseAsync(string name, CancellationToken cancellationToken = default) =>
        SetPausedAsync(name, paused: true, cancellationToken);

    /// <summary>Ends a pause. Occurrences during the pause are skipped, unless the schedule backfills automatically.</summary>
    /// <param name="name">The schedule's name.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the end of the pause is stored. An unknown schedule is only logged.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public Task ResumeAsync(string name, CancellationToken cancellationToken = default) =>
        SetPausedAsync(name, paused: false, cancellationToken);

    /// <summary>Deletes a schedule. Workflows that it has started continue.</summary>
    /// <param name="name">The schedule's name.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when it is deleted; an unknown schedule is ignored.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        await core.Calls.RepeatAsync(
            "delete a schedule",
            async (_, token) =>
            {
                await core.Store.Schedules.DeleteAsync(name, token).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        core.Signals.Announce(new StoreSignal(StoreSignalKind.Schedule, name));
    }

    /// <summary>Reads one schedule.</summary>
    /// <param name="name">The schedule's name.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The current state of the schedule; null if no schedule has this name.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public async Task<ScheduleStatus?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        return await ReadAsync(name, cancellationToken).ConfigureAwait(false) is { } row ? Status(row) : null;
    }

    /// <summary>
    /// Reads the schedules of this client's application and those without an application; all if the client has no application name.
    /// </summary>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The current schedules, ordered by name. A schedule whose expression cannot be parsed here has no next occurrence.</returns>
    public async Task<IReadOnlyList<ScheduleStatus>> ListAsync(CancellationToken cancellationToken = default)
    {
        var all = await core.Calls.RepeatAsync(
            "list schedules", (_, token) => core.Store.Schedules.ReadAllAsync(core.Identity.ApplicationName, token), cancellationToken)
            .ConfigureAwait(false);
        return [.. all.Select(Status)];
    }

    /// <summary>
    /// Starts a schedule's workflow now, in addition to its occurrences, even if it is paused or its last workflow still runs.
    /// </summary>
    /// <param name="name">The schedule's name.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The workflow's id.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentScheduleException">No schedule has this name.</exception>
    public async Task<string> TriggerAsync(string name, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        var schedule = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        for (var now = await NowAsync(cancellationToken).ConfigureAwait(false); ; now = now.AddMilliseconds(1))
        {
            // The id contains the time, so two triggers in one millisecond would share it. Whole seconds are skipped: an occurrence of a
            // schedule whose name is this one plus "-trigger" would have the same id.
            if (now.Millisecond == 0)
            {
                continue;
            }

            var tick = rows.Triggered(schedule, now);
            if (await FireAsync(tick, cancellationToken).ConfigureAwait(false) == TickOutcome.Started)
            {
                return tick.Row.Id;
            }
        }
    }

    /// <summary>
    /// Starts a schedule's workflow for each of its occurrences in a period, within <see cref="ScheduleOptions.From"/> and
    /// <see cref="ScheduleOptions.Until"/>. Occurrences that have already fired do not fire again while their workflow's row exists.
    /// </summary>
    /// <remarks>
    /// The workflow's id, which names the occurrence, is all that tells that it has fired. Once retention or a deletion has removed the
    /// row, a backfill of its period runs it again: let <paramref name="from"/> reach back no further than retention keeps the runs.
    /// </remarks>
    /// <param name="name">The schedule's name.</param>
    /// <param name="from">The beginning, included.</param>
    /// <param name="until">The end, excluded.</param>
    /// <param name="cancellationToken">Cancels the call; workflows that were started by then stay started.</param>
    /// <returns>The workflows' ids, one for each occurrence, in order. The same period gives the same ids.</returns>
    /// <exception cref="ArgumentException">
    /// The name is invalid; <paramref name="until"/> is before <paramref name="from"/>; or there are more than 100,000 occurrences.
    /// </exception>
    /// <exception cref="NonExistentScheduleException">No schedule has this name.</exception>
    public async Task<IReadOnlyList<string>> BackfillAsync(
        string name, DateTimeOffset from, DateTimeOffset until, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        ArgumentOutOfRangeException.ThrowIfLessThan(until, from);
        var schedule = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        var moments = schedule.Between(from, until).Take(BackfillMax + 1).ToList();
        if (moments.Count > BackfillMax)
        {
            throw new ArgumentException(
                $"Schedule '{name}' has more than {BackfillMax} moments between {from:O} and {until:O}: backfill shorter periods.",
                nameof(until));
        }

        var now = await NowAsync(cancellationToken).ConfigureAwait(false);
        var ids = new List<string>(moments.Count);
        foreach (var moment in moments)
        {
            var tick = rows.Tick(schedule, moment, TickKind.Asked, now);
            await FireAsync(tick, cancellationToken).ConfigureAwait(false);
            ids.Add(tick.Row.Id);
        }

        return ids;
    }

    /// <summary>Writes the schedules that an engine declares at its launch.</summary>
    internal Task DeclareAsync(IReadOnlyList<ScheduleDefinition> schedules, CancellationToken cancellationToken) =>
        schedules.Count == 0 ? Task.CompletedTask : ApplyAsync(schedules, cancellationToken);

    private async Task<string?> WriteAsync(ScheduleRow[] written, ScheduleWrite mode, CancellationToken cancellationToken)
    {
        // Rescheduling does not write the queue, so it is not checked.
        foreach (var queue in mode == ScheduleWrite.Reschedule ? [] : written.Select(row => row.Queue).OfType<string>())
        {
            Execution.PartitionRule.Check(
                new StartOptions { Queue = queue }, await core.Book.FindAsync(queue, cancellationToken).ConfigureAwait(false));
        }

        var repeated = false;
        var result = await core.Calls.RepeatAsync(
            "write schedules",
            (failures, token) =>
            {
                repeated = failures > 0;
                return core.Store.Schedules.WriteAsync(written, mode, token);
            },
            cancellationToken).ConfigureAwait(false);

        // A try whose answer was lost may have created the schedule that now conflicts.
        var isOwn = repeated && mode == ScheduleWrite.Create && result.Conflict is { } name
            && await ReadAsync(name, cancellationToken).ConfigureAwait(false) is { } standing
            && standing with { Paused = false, LastFiredAtMs = null, WaitingTickMs = null } == written[0];
        if (result.Conflict is null || isOwn)
        {
            core.Signals.Announce(new StoreSignal(StoreSignalKind.Schedule, ""));
            return null;
        }

        return result.Conflict;
    }

    private async Task SetPausedAsync(string name, bool paused, CancellationToken cancellationToken)
    {
        Names.CheckName(name, nameof(name));
        var known = await core.Calls.RepeatAsync(
            "pause a schedule", (_, token) => core.Store.Schedules.SetPausedAsync(name, paused, token), cancellationToken)
            .ConfigureAwait(false);
        if (known)
        {
            core.Signals.Announce(new StoreSignal(StoreSignalKind.Schedule, name));
        }
        else
        {
            core.Logger.NoScheduleToPause(name);
        }
    }

    private async Task<TickOutcome> FireAsync(ScheduleTick tick, CancellationToken cancellationToken)
    {
        var outcome = await core.Calls.RepeatAsync(
            "start a scheduled workflow", (_, token) => core.Store.Schedules.FireAsync(tick, token), cancellationToken)
            .ConfigureAwait(false);
        if (outcome == TickOutcome.Gone)
        {
            throw new NonExistentScheduleException(tick.Schedule);
        }

        if (outcome == TickOutcome.Started)
        {
            core.Signals.Written(new StartUnit(tick.Row));
        }

        return outcome;
    }

    // A client uses its machine's clock, but all processes compare times by the store's clock.
    private async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken) => EpochMs.ToMoment(
        await core.Calls.RepeatAsync(
            "read the time", (_, token) => core.Store.Schedules.ReadNowMsAsync(token), cancellationToken).ConfigureAwait(false));

    private async Task<ScheduleRow> RequireAsync(string name, CancellationToken cancellationToken) =>
        await ReadAsync(name, cancellationToken).ConfigureAwait(false) ?? throw new NonExistentScheduleException(name);

    private Task<ScheduleRow?> ReadAsync(string name, CancellationToken cancellationToken) =>
        core.Calls.RepeatAsync("read a schedule", (_, token) => core.Store.Schedules.ReadAsync(name, token), cancellationToken);

    private ScheduleStatus Status(ScheduleRow row)
    {
        DateTimeOffset? next = null;
        try
        {
            next = row.Paused ? null : SchedulePlan.Begin(row, core.Clock.UtcNow, catchUp: false).Next;
        }
        catch (ArgumentException)
        {
            // Another SDK accepts expressions that this one does not: the schedule is listed without a next occurrence.
        }

        return new ScheduleStatus(
            row.Name, row.WorkflowName, row.Cron, row.TimeZone, row.Paused, EpochMs.ToMoment(row.LastFiredAtMs), next);
    }
}
