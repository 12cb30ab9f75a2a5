using Dbos.Fluent.Model;
using Dbos.Fluent.Schedules;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>
/// Schedules at run time: workflows that are started at each occurrence of a cron expression, once, whichever processes run.
/// Safe for concurrent use.
/// </summary>
/// <remarks>
/// <para>
/// An expression has five fields (minute, hour, day of month, month, day of week) or six (seconds first), and is read in the schedule's
/// time zone. Where clocks go forward, what falls into the gap fires once, right after it; where they go back, a fixed time fires once, the
/// first time, and an interval on each pass.
/// </para>
/// <para>A change is seen by every engine at once where it is notified, else within its covering poll.</para>
/// </remarks>
public sealed class ScheduleClient
{
    // More are a slip of a date or an expression rather than a wish.
    private const int BackfillMax = 100_000;

    private readonly ClientCore core;
    private readonly ScheduleRows rows;

    internal ScheduleClient(ClientCore core) => (this.core, rows) = (core, new ScheduleRows(core.Serializer));

    /// <summary>Creates a schedule.</summary>
    /// <param name="name">Its name, unique in the database; at most 200 characters.</param>
    /// <param name="cron">Its expression.</param>
    /// <param name="definition">What it starts; its code may live elsewhere.</param>
    /// <param name="timeZone">The IANA name of the zone in which the expression is read; UTC by default.</param>
    /// <param name="options">How it starts; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>A task that completes when the schedule is durable.</returns>
    /// <exception cref="ArgumentException">
    /// The name, the expression (the message says where in it), the zone or an option does not serve; or the queue is partitioned.
    /// </exception>
    /// <exception cref="ConflictingRegistrationException">A schedule of this name exists.</exception>
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
    /// <remarks>What is paused stays paused, and what has fired has fired; everything else becomes as given.</remarks>
    /// <param name="schedules">The schedules, each name once.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when all of them are durable.</returns>
    /// <exception cref="ArgumentException">One of them does not serve, or two have one name; none was written.</exception>
    /// <exception cref="ConflictingRegistrationException">A name is another application's; none was written.</exception>
    public async Task ApplyAsync(IEnumerable<ScheduleDefinition> schedules, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(schedules);
        ScheduleRow[] all = [.. schedules.Select(schedule => rows.Row(schedule, core.Identity.ApplicationName))];
        if (all.GroupBy(row => row.Name, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"The schedule '{twice.Key}' stands here twice.", nameof(schedules));
        }

        if (await WriteAsync(all, ScheduleWrite.Apply, cancellationToken).ConfigureAwait(false) is { } others)
        {
            throw ConflictingRegistrationException.OfOthersSchedule(others);
        }
    }

    /// <summary>Changes when a schedule fires, and how. Its workflow, its pause, and what has fired stay.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cron">Its new expression.</param>
    /// <param name="timeZone">The IANA name of the zone in which the expression is read; UTC by default.</param>
    /// <param name="options">How it starts from now on; null keeps what it has.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the change is durable.</returns>
    /// <exception cref="ArgumentException">The expression, the zone or an option does not serve.</exception>
    /// <exception cref="NonExistentScheduleException">There is no schedule of this name.</exception>
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

    /// <summary>Stops a schedule from starting anything; what it has started goes on.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when the pause is durable; a schedule that there is not is told of in the log alone.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public Task PauseAsync(string name, CancellationToken cancellationToken = default) =>
        SetPausedAsync(name, paused: true, cancellationToken);

    /// <summary>Ends a pause. What would have fired meanwhile is left out, unless the schedule backfills automatically.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when that is durable; a schedule that there is not is told of in the log alone.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public Task ResumeAsync(string name, CancellationToken cancellationToken = default) =>
        SetPausedAsync(name, paused: false, cancellationToken);

    /// <summary>Deletes a schedule; what it has started goes on.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Gives up the call.</param>
    /// <returns>A task that completes when it is deleted; nothing happens if there is no such schedule.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        await UseAsync(
            "delete a schedule",
            async token =>
            {
                await core.Store.Schedules.DeleteAsync(name, token).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        core.Announce(new StoreSignal(StoreSignalKind.Schedule, name));
    }

    /// <summary>Reads one schedule.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <returns>The schedule as it is now; null if there is none of this name.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public async Task<ScheduleStatus?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        return await ReadAsync(name, cancellationToken).ConfigureAwait(false) is { } row ? Status(row) : null;
    }

    /// <summary>Reads the schedules of this client's application, and those of none; all if the client has no name.</summary>
    /// <param name="cancellationToken">Gives up the reading.</param>
    /// <returns>The schedules as they are now, by name. One that cannot be read here is among them, without a next occurrence.</returns>
    public async Task<IReadOnlyList<ScheduleStatus>> ListAsync(CancellationToken cancellationToken = default)
    {
        var all = await UseAsync(
            "list schedules", token => core.Store.Schedules.ReadAllAsync(core.Identity.ApplicationName, token), cancellationToken)
            .ConfigureAwait(false);
        return [.. all.Select(Status)];
    }

    /// <summary>Starts a schedule's workflow now, beside its occurrences: also while it is paused, and whatever still runs.</summary>
    /// <param name="name">The schedule's name.</param>
    /// <param name="cancellationToken">Gives up the waiting.</param>
    /// <returns>The workflow's id.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    /// <exception cref="NonExistentScheduleException">There is no schedule of this name.</exception>
    public async Task<string> TriggerAsync(string name, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        var schedule = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        for (var now = await NowAsync(cancellationToken).ConfigureAwait(false); ; now = now.AddMilliseconds(1))
        {
            // Its id is made of the moment, so two in one millisecond would be one. Occurrences are at whole seconds: one of a schedule
            // named like this one with "-trigger" behind it has the id that a start by hand would have there.
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
    /// Starts a schedule's workflow for each of its occurrences in a stretch of time. Those that have fired are left as they are.
    /// </summary>
    /// <param name="name">The schedule's name.</param>
    /// <param name="from">The beginning, which counts.</param>
    /// <param name="until">The end, which does not.</param>
    /// <param name="cancellationToken">Gives up; the occurrences before that are started.</param>
    /// <returns>The workflows' ids, one for each occurrence, in order; the same for the same stretch.</returns>
    /// <exception cref="ArgumentException">
    /// The name is not one; <paramref name="until"/> is before <paramref name="from"/>; or there are more than 100,000 occurrences.
    /// </exception>
    /// <exception cref="NonExistentScheduleException">There is no schedule of this name.</exception>
    public async Task<IReadOnlyList<string>> BackfillAsync(
        string name, DateTimeOffset from, DateTimeOffset until, CancellationToken cancellationToken = default)
    {
        Names.CheckName(name, nameof(name));
        ArgumentOutOfRangeException.ThrowIfLessThan(until, from);
        var schedule = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        var moments = CronSchedule.Parse(schedule.Cron, schedule.TimeZone).Between(from, until).Take(BackfillMax + 1).ToList();
        if (moments.Count > BackfillMax)
        {
            throw new ArgumentException(
                $"Schedule '{name}' has more than {BackfillMax} moments between {from:O} and {until:O}: backfill it piece by piece.",
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
        // A queue that is not written is not chosen now.
        foreach (var queue in mode == ScheduleWrite.Reschedule ? [] : written.Select(row => row.Queue).OfType<string>())
        {
            Execution.PartitionRule.Check(
                new StartOptions { Queue = queue }, await core.Book.FindAsync(queue, cancellationToken).ConfigureAwait(false));
        }

        var repeated = false;
        var result = await core.UseAsync(
            "write schedules",
            token => StoreBackoff.RepeatAsync(
                failures =>
                {
                    repeated = failures > 0;
                    return core.Store.Schedules.WriteAsync(written, mode, token);
                },
                token),
            cancellationToken).ConfigureAwait(false);

        // A try whose answer was lost may have made what now stands in its own way.
        var isOwn = repeated && mode == ScheduleWrite.Create && result.Conflict is { } name
            && await ReadAsync(name, cancellationToken).ConfigureAwait(false) is { } standing
            && standing with { Paused = false, LastFiredAtMs = null, WaitingTickMs = null } == written[0];
        if (result.Conflict is null || isOwn)
        {
            core.Announce(new StoreSignal(StoreSignalKind.Schedule, ""));
            return null;
        }

        return result.Conflict;
    }

    private async Task SetPausedAsync(string name, bool paused, CancellationToken cancellationToken)
    {
        Names.CheckName(name, nameof(name));
        var known = await UseAsync(
            "pause a schedule", token => core.Store.Schedules.SetPausedAsync(name, paused, token), cancellationToken)
            .ConfigureAwait(false);
        if (known)
        {
            core.Announce(new StoreSignal(StoreSignalKind.Schedule, name));
        }
        else
        {
            core.Logger.NoScheduleToPause(name);
        }
    }

    private async Task<TickOutcome> FireAsync(ScheduleTick tick, CancellationToken cancellationToken)
    {
        var outcome = await UseAsync("start a scheduled workflow", token => core.Store.Schedules.FireAsync(tick, token), cancellationToken)
            .ConfigureAwait(false);
        if (outcome == TickOutcome.Gone)
        {
            throw new NonExistentScheduleException(tick.Schedule);
        }

        if (outcome == TickOutcome.Started)
        {
            core.Written(new StartUnit(tick.Row));
        }

        return outcome;
    }

    // The clock of a client is its machine's; what is compared by all processes is the store's.
    private async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken)
    {
        var outlook = await UseAsync(
            "read the time", token => core.Store.Queues.ReadOutlookAsync(core.Identity.ApplicationName ?? "", token), cancellationToken)
            .ConfigureAwait(false);
        return EpochMs.ToMoment(outlook.NowMs);
    }

    private async Task<ScheduleRow> RequireAsync(string name, CancellationToken cancellationToken) =>
        await ReadAsync(name, cancellationToken).ConfigureAwait(false) ?? throw new NonExistentScheduleException(name);

    private Task<ScheduleRow?> ReadAsync(string name, CancellationToken cancellationToken) =>
        UseAsync("read a schedule", token => core.Store.Schedules.ReadAsync(name, token), cancellationToken);

    private ScheduleStatus Status(ScheduleRow row)
    {
        DateTimeOffset? next = null;
        try
        {
            next = row.Paused ? null : SchedulePlan.Begin(row, core.Clock.UtcNow, catchUp: false).Next;
        }
        catch (ArgumentException)
        {
            // Another SDK reads expressions that this one does not: the schedule is listed, and says no next moment.
        }

        return new ScheduleStatus(
            row.Name, row.WorkflowName, row.Cron, row.TimeZone, row.Paused, EpochMs.ToMoment(row.LastFiredAtMs), next);
    }

    private Task<T> UseAsync<T>(string doing, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        core.UseAsync(doing, token => StoreBackoff.RepeatAsync(_ => call(token), token), cancellationToken);
}
