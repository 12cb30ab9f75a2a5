using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Takes a run from the end of its body to its stored outcome.</summary>
internal sealed class RunEnding(
    RunScope run, WorkflowDefinition definition, StepCommits commits, Undoing undoing, StreamBurst burst)
{
    /// <summary>
    /// Makes an end ready to be stored: waits for open writes, encodes the result, and stores the last step's outcome unless it is to be
    /// stored with the workflow's success. A refused write fails the workflow.
    /// </summary>
    public async ValueTask<BodyEnd> SettleAsync(BodyEnd end)
    {
        try
        {
            if (burst.IsOpen && await burst.FlushAsync().ConfigureAwait(false) is not StepEnd.Completed and var written)
            {
                return written == StepEnd.Failed ? BodyEnd.FailedBy(burst.Failed!, run) : BodyEnd.Stopped;
            }

            end = Storable(end);
            return end.IsSuccess || await StoreLastAsync().ConfigureAwait(false) ? end : BodyEnd.Stopped;
        }
        catch (Exception exception) when (exception is not StoreSchemaException)
        {
            return run.Stop.IsFired ? BodyEnd.Stopped : BodyEnd.FailedBy(Failures.Record(exception), exception);
        }
    }

    /// <summary>Undoes the completed steps, if the workflow has failed and its code agrees with its history.</summary>
    public async ValueTask<BodyEnd> UndoAsync(BodyEnd end)
    {
        if (run.Broken is not null || (undoing.Begun is null && (end.IsStopped || end.Failure is null)) || run.Stop.IsFired)
        {
            return run.Stop.IsFired ? BodyEnd.Stopped : end;
        }

        RecordedFailure? failure;
        if (undoing.Begun is null)
        {
            failure = await undoing.BeginAsync(end.Failure!, run.Steps).ConfigureAwait(false);
        }
        else if (run.Undos.Holds(undoing.ReadSequences()))
        {
            run.IsLookingBack = false;
            run.History.End = int.MaxValue;
            failure = await undoing.GoOnAsync(run.Steps).ConfigureAwait(false);
        }
        else
        {
            run.Break(new UnexpectedStepException(
                run.Work.Id, undoing.Begun.Sequence, "a step that is not recorded, or the end", BuiltInNames.Compensating));
            failure = null;
        }

        return failure is not null ? new BodyEnd(false, null, failure, end.Exception)
            : run.Broken is { } broken ? BodyEnd.FailedBy(Failures.Record(broken), broken)
            : BodyEnd.Stopped;
    }

    /// <summary>Stores the outcomes of the last steps before the run stops, even if it was told to stop right after them.</summary>
    public async ValueTask StoreStepsAsync()
    {
        try
        {
            if (!burst.IsOpen || await burst.FlushAsync().ConfigureAwait(false) == StepEnd.Completed)
            {
                await StoreLastAsync().ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is not StoreSchemaException)
        {
            // The run stops anyway. A later run repeats the steps that were not stored.
        }
    }

    /// <summary>Stores the outcome, or the next generation.</summary>
    /// <param name="end">The end, ready to be stored.</param>
    /// <param name="nextSequence">The number after those of all steps.</param>
    public async Task<RunEnd> StoreAsync(BodyEnd end, int nextSequence)
    {
        if (end.Again is not null)
        {
            WarnOfSteps(nextSequence);
            return await Continuation.StoreAsync(run, end.Output).ConfigureAwait(false);
        }

        var (unit, row) = Outcome(end);
        CommitStatus status;
        try
        {
            status = (await run.Environment.Checkpointer.WriteAsync(unit with { Last = run.Last }).ConfigureAwait(false)).Status;
        }
        catch (OperationCanceledException)
        {
            return RunEnd.Lost;
        }
        catch (Exception refused) when (run.Last is not null && refused is not StoreSchemaException)
        {
            return await StoreApartAsync(end, nextSequence).ConfigureAwait(false);
        }

        if (status != CommitStatus.Written)
        {
            return RunEnd.Lost;
        }

        if (end.Failure is null)
        {
            WarnOfSteps(nextSequence);
        }
        else
        {
            var exception = end.Exception ?? Failures.ForAwaiter(end.Failure, run.Work.Id, original: null);
            run.Environment.Logger.WorkflowFailed(run.Work.Id, definition.Name, exception);
        }

        return new RunEnd(new WorkflowOutcome(row, end.Exception));
    }

    // The database refused the last step's outcome or the workflow's. Storing the step's alone tells which. If it is the step's, the
    // workflow fails, as by any step.
    private async Task<RunEnd> StoreApartAsync(BodyEnd end, int nextSequence)
    {
        try
        {
            end = await StoreLastAsync().ConfigureAwait(false) ? end : BodyEnd.Stopped;
        }
        catch (Exception refused) when (refused is not StoreSchemaException)
        {
            end = await UndoAsync(BodyEnd.FailedBy(Failures.Record(refused), refused)).ConfigureAwait(false);
        }

        return end.IsStopped ? RunEnd.Lost : await StoreAsync(end, nextSequence).ConfigureAwait(false);
    }

    private void WarnOfSteps(int nextSequence)
    {
        if (nextSequence <= run.History.Highest)
        {
            run.Environment.Logger.FewerStepsThanRecorded(run.Work.Id, definition.Name, nextSequence, run.History.Highest);
        }
    }

    /// <summary>Encodes the next generation's input; if it does not fit, the workflow fails.</summary>
    private BodyEnd Storable(BodyEnd end, ContinueAsNewStep again)
    {
        try
        {
            return end with { Output = Continuation.Encode(run, definition, again) };
        }
        catch (Exception exception) when (exception is InvalidOperationException or SerializationFailedException)
        {
            return BodyEnd.FailedBy(Failures.Record(exception), exception);
        }
    }

    /// <summary>Encodes the result; if it cannot be stored, the workflow fails.</summary>
    private BodyEnd Storable(BodyEnd end)
    {
        if (end.IsStopped || end.Failure is not null)
        {
            return end;
        }

        if (end.Again is { } again)
        {
            return Storable(end, again);
        }

        try
        {
            var format = PayloadSerializer.FormatOf(run.Work.Input.Format);
            return end with { Output = run.Environment.Serializer.Encode(end.Result, definition.OutputType, format) };
        }
        catch (SerializationFailedException unserializable)
        {
            var exception = SerializationFailure.At(
                unserializable, run.Work.Id, $"The result of workflow '{run.Work.Id}' cannot be stored");
            return BodyEnd.FailedBy(Failures.Record(exception), exception);
        }
    }

    private (OutcomeUnit Unit, WorkflowOutcomeRow Row) Outcome(BodyEnd end)
    {
        if (end.Failure is null)
        {
            return (
                new(run.Owner, WorkflowState.Success, end.Output.Text, null),
                new(run.Work.Id, WorkflowState.Success, end.Output, default, false));
        }

        var error = run.Environment.Serializer.EncodeFailure(end.Failure, run.Work.Input.Format);
        return (new(run.Owner, WorkflowState.Error, null, error.Text), new(run.Work.Id, WorkflowState.Error, default, error, false));
    }

    private async ValueTask<bool> StoreLastAsync()
    {
        if (run.Last is not { } last)
        {
            return true;
        }

        run.Last = null;
        return await commits.StoreAsync(last, new StepPlace(new Slots(last.Sequence), run.Steps, run.Facts)).ConfigureAwait(false);
    }
}
