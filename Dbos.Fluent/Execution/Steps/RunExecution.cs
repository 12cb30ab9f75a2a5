using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Executes steps with the user's own body: runs the body once, and stores what it returned or threw.</summary>
internal sealed class RunExecution(RunScope run, StepRecords records, StepCommits commits)
{
    public ValueTask<StepEnd> RunAsync(Step step, IRunStep body, StepPlace place)
    {
        if (!records.TryMatch(place.Slots.First, RecordedKind.Run, step.Name, out var row))
        {
            return new(StepEnd.Broken);
        }

        return row is not null ? new(records.Restore(step, row, place)) : RunFirstAsync(step, body, place);
    }

    private async ValueTask<StepEnd> RunFirstAsync(Step step, IRunStep body, StepPlace place)
    {
        if (run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        run.BodyBegins();
        try
        {
            return await RunAndStoreAsync(step, body, place).ConfigureAwait(false);
        }
        finally
        {
            run.BodyEnded();
        }
    }

    private async ValueTask<StepEnd> RunAndStoreAsync(Step step, IRunStep body, StepPlace place)
    {
        var sequence = place.Slots.First;
        var startedAtMs = run.Environment.Clock.NowMs;
        var end = await new StepRunner(run, step, body, sequence, place.Signal).RunAsync().ConfigureAwait(false);
        if (end.IsStopped)
        {
            return run.Broken is null ? StepEnd.Stopped : StepEnd.Broken;
        }

        var row = Encode(step, sequence, startedAtMs, end, out var decoded);
        if (row.Error is null && place.IsLast && body.Options.Undo is null)
        {
            // A step that can be undone must be stored before it may be undone.
            run.Last = row;
        }
        else if (!await commits.StoreAsync(row, place).ConfigureAwait(false))
        {
            return StepEnd.Stopped;
        }

        if (row.Error is null)
        {
            place.Facts.Saw(row.CompletedAtMs);
            step.Complete(decoded);
            return StepEnd.Completed;
        }

        var restored = records.Restore(step, row, place);
        if (step.RecordedError is { } failure && end.Exception is { } exception)
        {
            run.Original = (failure, exception);
        }

        return restored;
    }

    /// <summary>Makes the row of a step that ran. A result that cannot be stored or read back is a failure of the step.</summary>
    private CheckpointRow Encode(Step step, int sequence, long startedAtMs, StepBodyOutcome end, out object? decoded)
    {
        decoded = null;
        var serializer = run.Environment.Serializer;
        var completedAtMs = run.Environment.Clock.NowMs;
        var failure = end.Failure;
        if (failure is null)
        {
            try
            {
                var output = serializer.Encode(end.Result, step.ResultType, PayloadFormat.MessagePack);
                decoded = serializer.Decode(output, step.ResultType);
                return new(sequence, step.Name, startedAtMs, completedAtMs) { Output = output.Text, Format = output.Format };
            }
            catch (SerializationFailedException exception)
            {
                failure = Failures.Record(SerializationFailure.At(
                    exception, run.Work.Id, $"The result of step {sequence} '{step.Name}' of workflow '{run.Work.Id}' cannot be stored"));
            }
        }

        var error = serializer.EncodeFailure(failure, PayloadFormat.MessagePack);
        return new(sequence, step.Name, startedAtMs, completedAtMs) { Error = error.Text, Format = error.Format };
    }
}
