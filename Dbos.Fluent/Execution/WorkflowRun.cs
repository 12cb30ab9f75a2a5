using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>One run of one workflow: drives its body from yield to yield, and stores how it ended.</summary>
/// <remarks>
/// A run that stops without an outcome drops the body undisposed, as a crash would: its <c>finally</c> blocks belong to the end of the
/// workflow.
/// </remarks>
internal sealed class WorkflowRun
{
    private readonly RunScope run;
    private readonly WorkflowDefinition definition;
    private readonly StepExecutor steps;
    private readonly Undoing undoing;
    private readonly StreamBurst burst;
    private int nextSequence;

    public WorkflowRun(RunScope run, WorkflowDefinition definition, IChildStarter starter)
    {
        this.run = run;
        this.definition = definition;
        steps = new StepExecutor(run, starter);
        undoing = new Undoing(run, steps);
        burst = new StreamBurst(run, steps);
    }

    public RunScope Scope => run;

    /// <summary>
    /// Drives the workflow to its end, or to where this run must stop. It does not throw for anything the user's code does.
    /// </summary>
    public async Task<RunEnd> RunAsync()
    {
        object? input = null;
        if ((CheckId() ?? DecodeInput(out input)) is { } unrunnable)
        {
            return await StoreOutcomeAsync(unrunnable).ConfigureAwait(false);
        }

        IWorkflowBody? body = null;
        BodyEnd end;
        try
        {
            body = definition.Open(input, new WorkflowContext(run.Facts));
            end = undoing.Begun is null ? await DriveAsync(body).ConfigureAwait(false) : await LookBackAsync(body).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not StoreSchemaException)
        {
            // The body is the user's code: whatever it throws is the workflow's failure and goes into the database. Tables or rights that
            // are not as they should be are no fault of the workflow: it is tried again.
            var cause = run.Broken ?? exception;
            end = run.Stop.IsFired ? BodyEnd.Stopped : BodyEnd.FailedBy(Failures.Record(cause), cause);
        }

        end = await UndoAsync(await SettleAsync(end).ConfigureAwait(false)).ConfigureAwait(false);
        if (end.IsStopped)
        {
            // What the last step has done stays done, also where the run was told to stop right after it.
            await SettleAsync(end).ConfigureAwait(false);
            return RunEnd.Lost;
        }

        await DisposeAsync(body).ConfigureAwait(false);
        return await StoreOutcomeAsync(end).ConfigureAwait(false);
    }

    /// <summary>Restores what is recorded, until all steps are known that an earlier run has begun to undo.</summary>
    private async ValueTask<BodyEnd> LookBackAsync(IWorkflowBody body)
    {
        run.IsLookingBack = true;
        run.History.End = undoing.Begun!.Sequence;
        var end = await DriveAsync(body).ConfigureAwait(false);
        return run.Broken is null && run.Stop.IsFired ? BodyEnd.Stopped : end;
    }

    /// <summary>Undoes what was done, where the workflow has failed and the history can be relied on.</summary>
    private async ValueTask<BodyEnd> UndoAsync(BodyEnd end)
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

    private async ValueTask<BodyEnd> DriveAsync(IWorkflowBody body)
    {
        run.Facts.Reached(0);
        while (await body.MoveNextAsync().ConfigureAwait(false) && run.Broken is null && body.Step is { } step)
        {
            step.Bind(run);
            if (Continuation.Of(step) is { } again)
            {
                return BodyEnd.Continued(again);
            }

            run.Current = (nextSequence, step);
            var place = new StepPlace(new Slots(nextSequence), run.Steps, run.Facts) { IsLast = body.IsAtItsEnd };
            var (end, ended) = await ExecuteAsync(step, place).ConfigureAwait(false);

            // Known only now for branches: their steps are not all known before they run.
            nextSequence += step.Slots;
            run.Facts.Reached(nextSequence);
            if (end != StepEnd.Broken && run.IsLookingBack && run.Undos.Holds(undoing.ReadSequences()))
            {
                return BodyEnd.Stopped;
            }

            switch (end)
            {
                case StepEnd.Stopped:
                    return BodyEnd.Stopped;
                case StepEnd.Broken:
                    return BodyEnd.FailedBy(Failures.Record(run.Broken!), run.Broken!);
                case StepEnd.Failed when !ended.Tolerant:
                    return FailedStep(ended.RecordedError!, ended.RecordedException!);
            }
        }

        return run.Broken is { } broken ? BodyEnd.FailedBy(Failures.Record(broken), broken) : BodyEnd.Succeeded(body.Result);
    }

    /// <summary>Executes a step once what came before it is durable; gives the step that ended so, which may be one before it.</summary>
    private async ValueTask<(StepEnd End, Step Ended)> ExecuteAsync(Step step, StepPlace place)
    {
        if (burst.Takes(step, place))
        {
            return (await burst.AddAsync(step, (IWriteStreamStep)step, place).ConfigureAwait(false), burst.Failed ?? step);
        }

        if (burst.IsOpen && await burst.FlushAsync().ConfigureAwait(false) is not StepEnd.Completed and var before)
        {
            return (before, burst.Failed ?? step);
        }

        return (await steps.ExecuteAsync(step, place).ConfigureAwait(false), step);
    }

    /// <summary>
    /// Makes an end ready to be stored: waits for what is still being written, and stores what the last step has done where the workflow
    /// does not end well after it. What is refused of it fails the workflow first.
    /// </summary>
    private async ValueTask<BodyEnd> SettleAsync(BodyEnd end)
    {
        try
        {
            if (burst.IsOpen && await burst.FlushAsync().ConfigureAwait(false) is not StepEnd.Completed and var written)
            {
                return written == StepEnd.Failed
                    ? FailedStep(burst.Failed!.RecordedError!, burst.Failed.RecordedException!)
                    : BodyEnd.Stopped;
            }

            end = Storable(end);
            return end.IsSuccess || await StoreLastAsync().ConfigureAwait(false) ? end : BodyEnd.Stopped;
        }
        catch (Exception exception) when (exception is not StoreSchemaException)
        {
            return run.Stop.IsFired ? BodyEnd.Stopped : BodyEnd.FailedBy(Failures.Record(exception), exception);
        }
    }

    private async ValueTask<bool> StoreLastAsync()
    {
        if (run.Last is not { } last)
        {
            return true;
        }

        run.Last = null;
        return await steps.StoreAsync(last, new StepPlace(new Slots(last.Sequence), run.Steps, run.Facts)).ConfigureAwait(false);
    }

    // Whoever awaits in this process is shown the exception itself, for debugging; the record is what counts.
    private BodyEnd FailedStep(RecordedFailure failure, Exception exception) => BodyEnd.FailedBy(
        exception is DbosException and not StepFailedException ? Failures.Record(exception) : failure,
        run.Original is { } original && ReferenceEquals(original.Failure, failure) ? original.Exception : exception);

    // A row without an id was written by no SDK; its children and idempotency keys would be those of every other such row.
    private BodyEnd? CheckId()
    {
        if (!string.IsNullOrWhiteSpace(run.Work.Id))
        {
            return null;
        }

        var nameless = new InvalidOperationException(
            $"A stored row of workflow '{definition.Name}' has a blank id and cannot be run. "
                + "Start the workflow under an id, and delete the row.");
        return BodyEnd.FailedBy(Failures.Record(nameless), nameless);
    }

    private BodyEnd? DecodeInput(out object? input)
    {
        input = null;
        try
        {
            input = run.Environment.Serializer.DecodeInput(run.Work.Input, definition.InputType);
            return null;
        }
        catch (SerializationFailedException exception)
        {
            var explained = SerializationFailure.At(
                exception, run.Work.Id, $"The input of workflow '{run.Work.Id}' cannot be decoded");
            return BodyEnd.FailedBy(Failures.Record(explained), explained);
        }
    }

    private async Task<RunEnd> StoreOutcomeAsync(BodyEnd end)
    {
        if (end.Again is not null)
        {
            WarnOfSteps();
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
            return await StoreApartAsync(end).ConfigureAwait(false);
        }

        if (status != CommitStatus.Written)
        {
            return RunEnd.Lost;
        }

        if (end.Failure is null)
        {
            WarnOfSteps();
        }
        else
        {
            var exception = end.Exception ?? Failures.ForAwaiter(end.Failure, run.Work.Id, original: null);
            run.Environment.Logger.WorkflowFailed(run.Work.Id, definition.Name, exception);
        }

        return new RunEnd(new WorkflowOutcome(row, end.Exception));
    }

    // One of both was refused. The last step's outcome by itself tells which; where it is that, the workflow fails by it, as by any step's.
    private async Task<RunEnd> StoreApartAsync(BodyEnd end)
    {
        try
        {
            end = await StoreLastAsync().ConfigureAwait(false) ? end : BodyEnd.Stopped;
        }
        catch (Exception refused) when (refused is not StoreSchemaException)
        {
            end = await UndoAsync(BodyEnd.FailedBy(Failures.Record(refused), refused)).ConfigureAwait(false);
        }

        return end.IsStopped ? RunEnd.Lost : await StoreOutcomeAsync(end).ConfigureAwait(false);
    }

    private void WarnOfSteps()
    {
        if (nextSequence <= run.History.Highest)
        {
            run.Environment.Logger.FewerStepsThanRecorded(run.Work.Id, definition.Name, nextSequence, run.History.Highest);
        }
    }

    /// <summary>Encodes the next generation's input; one that does not fit is a failure of the workflow like any other.</summary>
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

    /// <summary>Encodes the result; one that cannot be stored is a failure of the workflow like any other.</summary>
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

    private async ValueTask DisposeAsync(IWorkflowBody? body)
    {
        if (body is null)
        {
            return;
        }

        try
        {
            await body.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A finally block of the user's: the outcome is known already and stands.
            run.Environment.Logger.DisposeFailed(run.Work.Id, definition.Name, exception);
        }
    }

    /// <summary>How the body ended, before that is stored.</summary>
    private sealed record BodyEnd(bool IsStopped, object? Result, RecordedFailure? Failure, Exception? Exception)
    {
        /// <summary>The encoded result of one that succeeded, or input of one that begins afresh.</summary>
        public Payload Output { get; init; }

        /// <summary>What was yielded to begin afresh.</summary>
        public ContinueAsNewStep? Again { get; private init; }

        public bool IsSuccess => !IsStopped && Failure is null && Again is null;

        public static BodyEnd Stopped { get; } = new(true, null, null, null);

        public static BodyEnd Succeeded(object? result) => new(false, result, null, null);

        public static BodyEnd Continued(ContinueAsNewStep again) => new(false, null, null, null) { Again = again };

        public static BodyEnd FailedBy(RecordedFailure failure, Exception exception) => new(false, null, failure, exception);
    }
}
