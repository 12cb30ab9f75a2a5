using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Explains why a workflow is in its current state.</summary>
internal sealed class WorkflowExplainer(IStore store, PayloadSerializer serializer, RunningWorkflows? running)
{
    /// <summary>How many of a workflow's simultaneous waits are named at most.</summary>
    private const int NamedMax = 4;

    private readonly QueueExplainer queues = new(store);

    /// <summary>
    /// Explains once, from several reads. Who repeats it after a failure reads all of them again, as the workflow may have gone on.
    /// </summary>
    /// <exception cref="NonExistentWorkflowException">No workflow has this id.</exception>
    /// <exception cref="StoreUnavailableException">One of the reads failed.</exception>
    public async Task<WorkflowExplanation> ExplainAsync(string workflowId, CancellationToken cancellationToken)
    {
        var row = await store.Workflows.ReadAsync(workflowId, cancellationToken).ConfigureAwait(false)
            ?? throw new NonExistentWorkflowException(workflowId);
        var status = row.Status;
        var (reason, text) = status.State switch
        {
            _ when row.UnknownState is { } unknown => (
                ExplainReasons.UnknownState,
                $"is in state '{unknown}', which this version of the library does not know. Only a newer one can tell more."),
            WorkflowState.Pending => await OfRunningAsync(status, cancellationToken).ConfigureAwait(false),
            WorkflowState.Delayed when status.Parked => await OfParkedAsync(status, cancellationToken).ConfigureAwait(false),
            WorkflowState.Delayed => await OfDelayedAsync(status, cancellationToken).ConfigureAwait(false),
            WorkflowState.Enqueued => await queues.ExplainAsync(status, cancellationToken).ConfigureAwait(false),
            _ => await OfEndedAsync(status, cancellationToken).ConfigureAwait(false),
        };
        return new WorkflowExplanation(workflowId, reason, $"Workflow '{workflowId}' ({status.Name}) {text}");
    }

    private async Task<(string Reason, string Text)> OfRunningAsync(WorkflowStatus status, CancellationToken cancellationToken)
    {
        if (running?.Find(status.Id) is { } run)
        {
            return OfRun(run, status);
        }

        var executors = status.ApplicationName is { } application
            ? await store.Executors.ReadAsync(application, cancellationToken).ConfigureAwait(false)
            : [];
        var owner = executors.FirstOrDefault(executor => executor.ExecutorId == status.ExecutorId);
        if (owner is { Alive: true })
        {
            return (ExplainReasons.Running, $"runs at executor '{status.ExecutorId}' (version {owner.ApplicationVersion}).");
        }

        if (executors.Count == 0)
        {
            return OfUnknown(status);
        }

        var code = await store.Versions.ReadCodeAsync(
            status.ApplicationName, status.ApplicationVersion, status.Name, cancellationToken).ConfigureAwait(false);
        var since = owner is null ? "is not registered" : $"has been dead since {Moment(owner.ExpiresAtMs)}";
        var then = code.Takers > 0
            ? "A living engine takes it up when it has not moved for a lease; RecoverAsync hands it on at once."
            : $"No engine that is alive would take it: {QueueExplainer.Missing(status, code)}";
        return (ExplainReasons.OwnerDead, $"belongs to executor '{status.ExecutorId}', which {since}. {then}");
    }

    // Programs of other SDKs do not register. If an application never had an engine of this library, nothing is known of its executors.
    private static (string Reason, string Text) OfUnknown(WorkflowStatus status) => (
        ExplainReasons.OwnerUnknown,
        $"belongs to executor '{status.ExecutorId}' of application '{status.ApplicationName ?? "(none)"}', which has no engine of this "
        + "library here. Programs of other DBOS SDKs do not register, so whether it runs is not known: ask that program, and recover it "
        + "there.");

    private static (string Reason, string Text) OfRun(RunScope run, WorkflowStatus status)
    {
        var where = $"(in memory at this executor, '{status.ExecutorId}')";
        if (run.IsWaiting && OfWaits(run.Waits.Current) is { } wait)
        {
            return (wait.Reason, $"{wait.Text} {where}.");
        }

        if (run.IsWaiting && run.Current is { Step: IReadStreamStep read })
        {
            return (
                ExplainReasons.Stream, $"waits for value {read.Offset} of stream '{read.Key}' of workflow '{read.WorkflowId}' {where}.");
        }

        var step = run.Current is { } current ? $" at step '{current.Step.Name}' ({current.Sequence})" : "";
        return (ExplainReasons.Running, $"runs here, at executor '{status.ExecutorId}'{step}.");
    }

    private async Task<(string Reason, string Text)> OfParkedAsync(WorkflowStatus status, CancellationToken cancellationToken)
    {
        var waits = await store.Versions.ReadWaitsAsync(status.Id, cancellationToken).ConfigureAwait(false);
        var code = await store.Versions.ReadCodeAsync(
            status.ApplicationName, status.ApplicationVersion, status.Name, cancellationToken).ConfigureAwait(false);
        var isOver = await IsAnyOverAsync(waits, cancellationToken).ConfigureAwait(false);
        if (isOver && code.Takers == 0)
        {
            return QueueExplainer.OfMissing(status, code);
        }

        if (isOver || OfWaits(waits) is not { } found)
        {
            return (ExplainReasons.Queued, "has waited long enough, and is taken up by the next engine that looks.");
        }

        var then = code.Takers > 0 ? "" : $" Then nobody takes it up: {QueueExplainer.Missing(status, code)}";
        return (found.Reason, $"{found.Text}.{then}");
    }

    // A client's clock is its machine's, and only the database's decides what is over.
    private async Task<bool> IsAnyOverAsync(IReadOnlyList<WaitRow> waits, CancellationToken cancellationToken)
    {
        if (waits.Min(wait => wait.WakeAtMs) is not { } first)
        {
            return false;
        }

        return first <= await store.Schedules.ReadNowMsAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<(string Reason, string Text)> OfDelayedAsync(WorkflowStatus status, CancellationToken cancellationToken)
    {
        var until = status.DelayUntil is { } end ? Moment(end) : "a moment that is not known";
        var code = await store.Versions.ReadCodeAsync(
            status.ApplicationName, status.ApplicationVersion, status.Name, cancellationToken).ConfigureAwait(false);
        var then = code.Takers > 0 ? "" : $" Then nobody takes it up: {QueueExplainer.Missing(status, code)}";
        return (
            ExplainReasons.Delayed,
            $"is delayed until {until}; then it waits in queue '{status.Queue}'. SetDelayAsync moves that, and resuming it ends it.{then}");
    }

    private async Task<(string Reason, string Text)> OfEndedAsync(WorkflowStatus status, CancellationToken cancellationToken)
    {
        var when = status.CompletedAt is { } end ? $" at {Moment(end)}" : "";
        switch (status.State)
        {
            case WorkflowState.Success:
                return (ExplainReasons.Finished, $"finished{when}.");
            case WorkflowState.MaxRecoveryAttemptsExceeded:
                return (
                    ExplainReasons.DeadLettered,
                    // The claim that gave the workflow up counted itself, but did not run it.
                    $"was given up{when}: it was taken up {status.RecoveryAttempts - 1} times and its process died each time, last at "
                    + $"executor '{status.ExecutorId}'. Fix what kills it, then resume it: a resume gives it a new budget of attempts.");
        }

        var outcomes = await store.Workflows.ReadOutcomesAsync([status.Id], cancellationToken).ConfigureAwait(false);
        return outcomes is [{ State: WorkflowState.Error } failed] ? Failed(serializer.DecodeFailure(failed.Error), when)
            : outcomes is [{ State: WorkflowState.Cancelled } ended] && OutcomeErrors.ToException(ended, serializer, null)
                is AwaitedWorkflowCancelledException { Reason: CancellationReason.DeadlineExceeded }
                ? (ExplainReasons.TimedOut, $"was cancelled{when}, as its deadline had passed. Resumed, it has its whole timeout again.")
            : (ExplainReasons.Cancelled, $"was cancelled{when}. Resuming it lets it go on from its last checkpoint.");
    }

    private static (string Reason, string Text) Failed(RecordedFailure failure, string when) => (
        ExplainReasons.Failed,
        $"failed{when}: {failure.TypeName}: {failure.Message}");

    // Members of a group wait concurrently; a sleep among them may end the group's wait.
    private static (string Reason, string Text)? OfWaits(IReadOnlyList<WaitRow> waits)
    {
        var sleeps = waits.Where(wait => wait.Kind == WaitKind.Time).OrderBy(wait => wait.WakeAtMs).Take(1);
        var others = waits.Where(wait => wait.Kind != WaitKind.Time).OrderBy(wait => wait.Sequence).ThenBy(wait => wait.Part).ToList();
        (string Reason, string Text)[] all = [.. others.Take(1).Concat(sleeps).Concat(others.Skip(1)).Select(OfWait)];
        var rest = all.Length > NamedMax ? $"; and for {all.Length - NamedMax} more" : "";
        return all.Length == 0 ? null : (all[0].Reason, string.Join("; ", all.Take(NamedMax).Select(wait => wait.Text)) + rest);
    }

    private static (string Reason, string Text) OfWait(WaitRow wait) => wait switch
    {
        { Kind: WaitKind.Time } sleep => (ExplainReasons.Sleeping, $"sleeps until {Moment(sleep.WakeAtMs!.Value)}"),
        { Kind: WaitKind.Message, Name: ReservedTexts.NoTopic } untitled => (
            ExplainReasons.Message, $"waits for a message without a topic{Until(untitled)}"),
        { Kind: WaitKind.Message } message => (
            ExplainReasons.Message, $"waits for a message on topic '{message.Name}'{Until(message)}"),
        { Kind: WaitKind.Event } set => (
            ExplainReasons.Event, $"waits for event '{set.Name}' of workflow '{set.TargetId}'{Until(set)}"),
        { } outcome => (ExplainReasons.Workflow, $"waits for workflow '{outcome.TargetId}' to end{Until(outcome)}"),
    };

    private static string Until(WaitRow wait) => wait.WakeAtMs is { } end ? $" until {Moment(end)}" : ", without an end";

    public static string Moment(long ms) => Moment(EpochMs.ToMoment(ms));

    private static string Moment(DateTimeOffset moment) =>
        moment.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
