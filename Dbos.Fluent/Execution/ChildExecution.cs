using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Children: started with the parent's checkpoint in one write, found again by the recorded id, awaited through the store.
/// </summary>
internal sealed class ChildExecution(RunScope run, StepExecutor steps, IChildStarter starter)
{
    public async ValueTask<StepEnd> CallAsync(Step step, ICallStep call, Slots slots, CancelSignal signal)
    {
        var (end, childId) = await BeginAsync(step, call, slots[0], signal).ConfigureAwait(false);
        return end == StepEnd.Completed ? await AwaitAsync(step, childId, slots[1], signal).ConfigureAwait(false) : end;
    }

    public async ValueTask<StepEnd> StartAsync(Step step, IStartStep start, int sequence, CancelSignal signal)
    {
        var (end, childId) = await BeginAsync(step, start, sequence, signal).ConfigureAwait(false);
        if (end == StepEnd.Completed)
        {
            ((IHandleStep)step).CompleteWithHandle(childId, run.Environment.Handles);
        }

        return end;
    }

    public async ValueTask<StepEnd> AwaitAsync(Step step, string workflowId, int sequence, CancelSignal signal)
    {
        if (!steps.TryMatch(sequence, StepKind.BuiltIn, BuiltInNames.GetResult, out var row))
        {
            return StepEnd.Broken;
        }

        if (row is null)
        {
            var startedAtMs = run.Environment.Clock.NowMs;
            if (await WaitAsync(workflowId, signal).ConfigureAwait(false) is not { } outcome)
            {
                return StepEnd.Stopped;
            }

            row = ResultRow(outcome, sequence, startedAtMs);
            if (!await steps.StoreAsync(row).ConfigureAwait(false))
            {
                return StepEnd.Stopped;
            }
        }

        return steps.Restore(step, row);
    }

    private async ValueTask<(StepEnd End, string ChildId)> BeginAsync(Step step, IStartStep start, int sequence, CancelSignal signal)
    {
        if (!steps.TryMatch(sequence, StepKind.Child, step.Name, out var row))
        {
            return (StepEnd.Broken, "");
        }

        if (row is { Error: null, ChildId: { } recorded })
        {
            run.Facts.Saw(row.CompletedAtMs);
            return (StepEnd.Completed, recorded);
        }

        if (row is not null)
        {
            return (steps.Restore(step, row), "");
        }

        return run.MayNotBegin(signal) ? (StepEnd.Stopped, "") : await BeginFirstAsync(step, start, sequence).ConfigureAwait(false);
    }

    private async ValueTask<(StepEnd End, string ChildId)> BeginFirstAsync(Step step, IStartStep start, int sequence)
    {
        var childId = start.Options.Id ?? $"{run.Work.Id}-{sequence}";
        var now = run.Environment.Clock.NowMs;
        var row = new CheckpointRow(sequence, step.Name, null, null, null, childId, now, now);
        var child = new ChildStart(start.Definition, start.Input, start.Options with { Id = childId }, run.Owner, run.Work.DeadlineMs, row);
        try
        {
            var result = await starter.StartAsync(child).ConfigureAwait(false);
            if (result.Status is CommitStatus.Written or CommitStatus.Attached)
            {
                run.Facts.Saw(now);
                return (StepEnd.Completed, childId);
            }

            return (await RefusedAsync(step, row, result).ConfigureAwait(false), childId);
        }
        catch (OperationCanceledException)
        {
            return (StepEnd.Stopped, childId);
        }
        catch (DbosException exception) when (exception is not StoreUnavailableException)
        {
            return (await FailAsync(step, row, exception).ConfigureAwait(false), childId);
        }
    }

    private ValueTask<StepEnd> RefusedAsync(Step step, CheckpointRow row, CommitResult result)
    {
        if (result.Status == CommitStatus.NotOwned)
        {
            run.Stop.Fire(CancellationReason.Shutdown);
            return new(StepEnd.Stopped);
        }

        return FailAsync(step, row, StartRefusals.ToException(result, row.ChildId!, step.Name));
    }

    // The refusal is an outcome of the step: a replay gives it again without asking the database.
    private async ValueTask<StepEnd> FailAsync(Step step, CheckpointRow row, Exception exception)
    {
        var error = run.Environment.Serializer.EncodeFailure(Failures.Record(exception), PayloadFormat.MessagePack);
        var failed = row with { Error = error.Text, Format = error.Format };
        return await steps.StoreAsync(failed).ConfigureAwait(false) ? steps.Restore(step, failed) : StepEnd.Stopped;
    }

    private Task<WorkflowOutcomeRow?> WaitAsync(string workflowId, CancelSignal signal) => run.WaitAsync(async () =>
    {
        try
        {
            // A drain lets a run wait on for a child that may be draining too; only the end of the drain or a sibling stops the wait.
            using var stop = new CancelSignal(signal == run.Steps ? run.Stop : signal);
            return (WorkflowOutcomeRow?)(await run.Environment.Outcomes.WaitAsync(workflowId, stop.Token).ConfigureAwait(false)).Row;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    });

    private CheckpointRow ResultRow(WorkflowOutcomeRow outcome, int sequence, long startedAtMs)
    {
        var now = run.Environment.Clock.NowMs;
        var row = new CheckpointRow(sequence, BuiltInNames.GetResult, null, null, null, outcome.Id, startedAtMs, now);
        if (outcome.State == WorkflowState.Success)
        {
            // The result is passed on as it was stored; nothing is decoded that the parent may never read.
            return row with { Output = outcome.Output.Text, Format = outcome.Output.Format };
        }

        var exception = OutcomeErrors.ToException(outcome, run.Environment.Serializer, original: null);
        var error = run.Environment.Serializer.EncodeFailure(Failures.Record(exception), PayloadFormat.MessagePack);
        return row with { Error = error.Text, Format = error.Format };
    }
}
