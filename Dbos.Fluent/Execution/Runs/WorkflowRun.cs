using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Execution;

/// <summary>One run of one workflow: drives its body from yield to yield.</summary>
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
    private readonly RunEnding ending;
    private int nextSequence;

    public WorkflowRun(RunScope run, WorkflowDefinition definition, IChildStarter starter)
    {
        this.run = run;
        this.definition = definition;
        steps = new StepExecutor(run, starter);
        undoing = new Undoing(run, steps);
        burst = new StreamBurst(run, steps.Commits);
        ending = new RunEnding(run, definition, steps.Commits, undoing, burst);
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
            return await ending.StoreAsync(unrunnable, nextSequence).ConfigureAwait(false);
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
            // The body is the user's code: whatever it throws is the workflow's failure and is stored. Wrong tables or rights are not the
            // workflow's fault: it is tried again.
            var cause = run.Broken ?? exception;
            end = run.Stop.IsFired ? BodyEnd.Stopped : BodyEnd.FailedBy(Failures.Record(cause), cause);
        }

        end = await ending.UndoAsync(await ending.SettleAsync(end).ConfigureAwait(false)).ConfigureAwait(false);
        if (end.IsStopped)
        {
            await ending.StoreStepsAsync().ConfigureAwait(false);
            return RunEnd.Lost;
        }

        await DisposeAsync(body).ConfigureAwait(false);
        return await ending.StoreAsync(end, nextSequence).ConfigureAwait(false);
    }

    /// <summary>Restores recorded steps until all steps that an earlier run has begun to undo are known.</summary>
    private async ValueTask<BodyEnd> LookBackAsync(IWorkflowBody body)
    {
        run.IsLookingBack = true;
        run.History.End = undoing.Begun!.Sequence;
        var end = await DriveAsync(body).ConfigureAwait(false);
        return run.Broken is null && run.Stop.IsFired ? BodyEnd.Stopped : end;
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

            // For branches this is known only now: not all of their steps are known before they run.
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
                    return BodyEnd.FailedBy(ended, run);
            }
        }

        return run.Broken is { } broken ? BodyEnd.FailedBy(Failures.Record(broken), broken) : BodyEnd.Succeeded(body.Result);
    }

    /// <summary>Executes a step once earlier writes are durable. Returns the step that ended so: it or an earlier one.</summary>
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

    // No SDK writes a row without an id. Its child ids and idempotency keys would equal those of every other such row.
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
            // A finally block of the user's code threw. That does not change the outcome, which is already known.
            run.Environment.Logger.DisposeFailed(run.Work.Id, definition.Name, exception);
        }
    }
}
