using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Schedules;

/// <summary>Starts the workflows of moments that are due.</summary>
/// <param name="store">The schedules.</param>
/// <param name="environment">The engine's clock, names and log.</param>
/// <param name="explainer">Explains why a run that blocks a moment has not ended.</param>
/// <param name="started">Called with a workflow that now waits in a queue.</param>
internal sealed class ScheduleFiring(
    IScheduleStore store, RunEnvironment environment, WorkflowExplainer explainer, Action<CommitUnit> started)
{
    /// <summary>
    /// How late a moment may start. If the database or the machine was away for longer, a running engine leaves older moments to a
    /// backfill.
    /// </summary>
    private static readonly TimeSpan LateMax = TimeSpan.FromHours(1);

    /// <summary>How many moments of one schedule are caught up on before the other schedules get their turn.</summary>
    private const int AtOnceMax = 100;

    private readonly ScheduleRows rows = new(environment.Serializer);
    private readonly HashSet<string> warned = new(StringComparer.Ordinal);

    // By schedule: the run that was last reported as blocking it while no engine takes the run.
    private readonly Dictionary<string, string> stranded = new(StringComparer.Ordinal);

    /// <summary>
    /// Whether this engine fires the schedule: it belongs to this application, or to none and has a context that this library wrote.
    /// </summary>
    public bool IsOurs(ScheduleRow row)
    {
        rows.Context(row, out var isReadable);
        if (!isReadable && row.ApplicationName is not null && warned.Add(row.Name))
        {
            environment.Logger.ContextUnreadable(row.Name);
        }

        return isReadable || row.ApplicationName is not null;
    }

    /// <summary>Starts the due moments of a schedule, a limited number at once.</summary>
    /// <returns>False if the schedule has been paused, deleted or changed.</returns>
    public async Task<bool> FireDueAsync(SchedulePlan plan, CancellationToken cancellationToken)
    {
        if (plan.Waiting is { } waiting && !await FireAsync(plan, waiting, TickKind.Waiting, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        // Virtual time jumps, which does not mean that anything was away.
        var now = environment.Clock.UtcNow;
        if (environment.Clock.Time == TimeProvider.System && plan.Next < now - LateMax && !plan.Row.AutomaticBackfill)
        {
            plan.SkipUntil(now - LateMax);
            environment.Logger.MomentsLeftOut(plan.Row.Name, now - LateMax);
        }

        for (var fired = 0; fired < AtOnceMax && plan.Next is { } next && next <= environment.Clock.UtcNow; fired++)
        {
            if (!await FireAsync(plan, next, TickKind.Due, cancellationToken).ConfigureAwait(false))
            {
                return false;
            }

            plan.Advance();
        }

        return true;
    }

    private async Task<bool> FireAsync(SchedulePlan plan, DateTimeOffset at, TickKind kind, CancellationToken cancellationToken)
    {
        try
        {
            var tick = rows.Tick(plan.Row, at, kind, environment.Clock.UtcNow);
            var outcome = await StoreBackoff.RepeatAsync(_ => store.FireAsync(tick, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
            if (outcome == TickOutcome.Skipped)
            {
                await TellOfSkippedAsync(plan.Row.Name, at, cancellationToken).ConfigureAwait(false);
            }

            return Settle(plan, tick, at, outcome);
        }
        catch (SerializationFailedException exception)
        {
            // A value that cannot be stored now cannot be stored later either. The schedule continues with its next moment.
            environment.Logger.TickFailed(plan.Row.Name, at, exception);
            return true;
        }
    }

    // A run that no engine takes would silently stop the schedule for ever. Of several engines, the one that skipped the moment reports it.
    private async Task TellOfSkippedAsync(string schedule, DateTimeOffset at, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.FindRunningAsync(schedule, cancellationToken).ConfigureAwait(false) is not { } workflowId)
            {
                return;
            }

            var (_, reason, text) = await StoreBackoff.RepeatInTimeAsync(
                "explain a workflow", _ => explainer.ExplainAsync(workflowId, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (ExplainReasons.IsStranded(reason) && stranded.GetValueOrDefault(schedule) != workflowId)
            {
                stranded[schedule] = workflowId;
                environment.Logger.MomentSkippedBehindStranded(schedule, at, workflowId, text);
            }
            else
            {
                environment.Logger.MomentSkipped(schedule, at, workflowId, text);
            }
        }
        catch (Exception exception) when (
            exception is NonExistentWorkflowException or StoreUnavailableException or OperationCanceledException)
        {
            // The run is gone, or cannot be explained now or in time. The moment is skipped all the same.
        }
    }

    private bool Settle(SchedulePlan plan, ScheduleTick tick, DateTimeOffset at, TickOutcome outcome)
    {
        switch (outcome)
        {
            case TickOutcome.Started:
                started(new StartUnit(tick.Row));
                break;
            case TickOutcome.Queued when tick.Kind == TickKind.Due:
                plan.Wait(at);
                break;
            case TickOutcome.Gone or TickOutcome.Paused or TickOutcome.Changed:
                return false;
        }

        if (tick.Kind == TickKind.Waiting && outcome is TickOutcome.Started or TickOutcome.AlreadyFired)
        {
            plan.Wait(null);
        }

        return true;
    }
}
