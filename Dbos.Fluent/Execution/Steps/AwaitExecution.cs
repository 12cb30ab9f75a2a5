using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Waits for other workflows to end, and records how they ended.</summary>
/// <remarks>A workflow that awaits itself would wait forever, so its step fails.</remarks>
internal sealed class AwaitExecution(RunScope run, StepRecords records, StepCommits commits)
{
    // For how long the first workflow that has ended waits for the looks at the others of its list.
    private static readonly TimeSpan LookMax = TimeSpan.FromSeconds(1);

    public async ValueTask<StepEnd> AwaitAsync(Step step, string workflowId, StepPlace place)
    {
        var sequence = place.Slots.First;
        if (!records.TryMatch(sequence, RecordedKind.BuiltIn, BuiltInNames.GetResult, out var row))
        {
            return StepEnd.Broken;
        }

        if (row is null)
        {
            var startedAtMs = run.Environment.Clock.NowMs;
            if (workflowId == run.Work.Id && !run.MayNotBegin(place.Signal))
            {
                return await RefuseAsync(step, BuiltInNames.GetResult, place).ConfigureAwait(false);
            }

            if (await WaitFirstAsync([workflowId], place).ConfigureAwait(false) is not { } outcome)
            {
                return StepEnd.Stopped;
            }

            row = ResultRow(outcome, sequence, startedAtMs);
            if (!await commits.StoreAsync(row, place).ConfigureAwait(false))
            {
                return StepEnd.Stopped;
            }
        }

        if (row.Error is not null)
        {
            return records.Restore(step, row, place);
        }

        place.Facts.Saw(row.CompletedAtMs);
        return ValueSteps.Give(run, step, row, step.ResultType, step.Complete);
    }

    /// <remarks>The row stores the winner's id, so that it can be read without knowing the list.</remarks>
    public async ValueTask<StepEnd> AwaitAnyAsync(Step step, IAwaitAnyStep any, StepPlace place)
    {
        var sequence = place.Slots.First;
        if (!records.TryMatch(sequence, RecordedKind.BuiltIn, BuiltInNames.WaitFirst, out var row))
        {
            return StepEnd.Broken;
        }

        if (row is null)
        {
            var startedAtMs = run.Environment.Clock.NowMs;
            if (any.WorkflowIds.All(id => id == run.Work.Id) && !run.MayNotBegin(place.Signal))
            {
                return await RefuseAsync(step, BuiltInNames.WaitFirst, place).ConfigureAwait(false);
            }

            if (await WaitFirstAsync(any.WorkflowIds, place).ConfigureAwait(false) is not { } winner)
            {
                return StepEnd.Stopped;
            }

            var now = run.Environment.Clock.NowMs;
            var id = run.Environment.Serializer.Encode(winner.Id, typeof(string), PayloadFormat.MessagePack);
            row = new CheckpointRow(sequence, BuiltInNames.WaitFirst, startedAtMs, now) { Output = id.Text, Format = id.Format };
            if (!await commits.StoreAsync(row, place).ConfigureAwait(false))
            {
                return StepEnd.Stopped;
            }
        }

        return row.Error is not null ? records.Restore(step, row, place) : CompleteWithWinner(step, any, row, place);
    }

    private ValueTask<StepEnd> RefuseAsync(Step step, string name, StepPlace place)
    {
        var now = run.Environment.Clock.NowMs;
        var row = new CheckpointRow(place.Slots.First, name, now, now);
        return commits.FailAsync(step, row, place, new InvalidOperationException(
            $"Workflow '{run.Work.Id}' awaits itself, and so would never end: await its children, or other workflows."));
    }

    private StepEnd CompleteWithWinner(Step step, IAwaitAnyStep any, CheckpointRow row, StepPlace place)
    {
        place.Facts.Saw(row.CompletedAtMs);
        try
        {
            var id = (string?)run.Environment.Serializer.Decode(new Payload(row.Output, row.Format), typeof(string));
            var index = any.WorkflowIds.Index().FirstOrDefault(pair => pair.Item == id, (Index: -1, Item: "")).Index;
            if (index >= 0)
            {
                step.Complete(index);
                return StepEnd.Completed;
            }

            return run.Break(new UnexpectedStepException(
                run.Work.Id,
                row.Sequence,
                $"{BuiltInNames.WaitFirst} (of {string.Join(", ", any.WorkflowIds)})",
                $"{BuiltInNames.WaitFirst} (won by {id})"));
        }
        catch (SerializationFailedException exception)
        {
            return run.Break(exception);
        }
    }

    /// <summary>Waits until one of the workflows has ended; of several that have, returns the first in the list.</summary>
    private async ValueTask<WorkflowOutcomeRow?> WaitFirstAsync(IReadOnlyList<string> ids, StepPlace place)
    {
        if (run.MayNotBegin(place.Signal))
        {
            return null;
        }

        var outcomes = run.Environment.Wakeups.Outcomes;
        using var stop = StopOf(place.Signal);
        var told = ids.Select(outcomes.Register).ToArray();
        try
        {
            // Until the looks are done, the run stays in memory. A run that left to wait for an ended workflow would be taken up and leave
            // again. Also, before all looks are done, the first one found need not be the first in the list, unless it is alone there. One
            // that cannot be read does not keep the others from being first for long.
            var first = Task.WhenAny(told.Select(wait => wait.Found));
            var looked = Task.WhenAll(ids.Select(outcomes.LookFirstAsync));
            Task known = ids.Count == 1 ? first : first.ContinueWith(
                static _ => Task.Delay(LookMax, TimeProvider.System), CancellationToken.None, TaskContinuationOptions.None,
                TaskScheduler.Default).Unwrap();
            await run.WaitAsync(null, () => Task.WhenAny(looked, known).WaitAsync(stop.Token)).ConfigureAwait(false);
            var isOver = Array.Exists(told, wait => wait.Found.IsCompleted);
            await run.WaitAsync(isOver ? null : Waits(ids, place), () => first.WaitAsync(stop.Token)).ConfigureAwait(false);
            var ended = Array.Find(told, wait => wait.Found.IsCompletedSuccessfully)?.Found ?? await first.ConfigureAwait(false);
            return (await ended.ConfigureAwait(false)).Row;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            Array.ForEach(told, wait => wait.Dispose());
        }
    }

    private static WaitRow[] Waits(IReadOnlyList<string> ids, StepPlace place) => [.. ids.Distinct(StringComparer.Ordinal).Select(
        (id, index) => new WaitRow(place.Slots.First, WaitKind.Outcome, id, "", null) { Part = index })];

    // During a drain a run may keep waiting for a child that may be draining too. Only the end of the drain or a sibling stops the wait.
    private CancelSignal StopOf(CancelSignal signal) => new(signal == run.Steps ? run.Stop : signal);

    private CheckpointRow ResultRow(WorkflowOutcomeRow outcome, int sequence, long startedAtMs)
    {
        var now = run.Environment.Clock.NowMs;
        var row = new CheckpointRow(sequence, BuiltInNames.GetResult, startedAtMs, now) { ChildId = outcome.Id };
        if (outcome.State == WorkflowState.Success)
        {
            // The result is passed on as it is stored; nothing is decoded that the parent may never read.
            return row with { Output = outcome.Output.Text, Format = outcome.Output.Format };
        }

        var exception = OutcomeErrors.ToException(outcome, run.Environment.Serializer, original: null);
        var error = run.Environment.Serializer.EncodeFailure(Failures.Record(exception), PayloadFormat.MessagePack);
        return row with { Error = error.Text, Format = error.Format };
    }
}
