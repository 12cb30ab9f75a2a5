using Dbos.Fluent.Definitions;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>How a wait for a value ended.</summary>
internal enum WaitEnd
{
    /// <summary>Something may be there.</summary>
    Told,

    /// <summary>Its time is over.</summary>
    TimedOut,

    /// <summary>The step must stop.</summary>
    Stopped,
}

/// <summary>What the steps that wait for values of others have in common.</summary>
internal static class ValueSteps
{
    /// <summary>Gives a step what is recorded: a value, the absence of one, or a failure.</summary>
    public static StepEnd Restore(
        RunScope run, StepRecords records, Step step, IValueStep value, CheckpointRow row, StepPlace place)
    {
        if (row.Error is not null)
        {
            return records.Restore(step, row, place);
        }

        place.Facts.Saw(row.CompletedAtMs);
        if (IsEmpty(value, row))
        {
            value.CompleteEmpty();
            return StepEnd.Completed;
        }

        return Give(run, step, row, value.ValueType, value.CompleteWith);
    }

    /// <summary>
    /// Gives a step what others have written. A value that cannot be decoded fails the step, not the run, as this workflow did not write
    /// it. The same bytes fail the same way on a replay.
    /// </summary>
    public static StepEnd Give(RunScope run, Step step, CheckpointRow row, Type type, Action<object?> complete)
    {
        try
        {
            complete(run.Environment.Serializer.Decode(new Payload(row.Output, row.Format), type));
            return StepEnd.Completed;
        }
        catch (SerializationFailedException exception)
        {
            var failure = WithoutStacks(Failures.Record(SerializationFailure.At(
                exception,
                run.Work.Id,
                $"What step {row.Sequence} '{row.Name}' of workflow '{run.Work.Id}' was given cannot be decoded")));
            step.Fail(failure, Failures.ForStep(failure, run.Work.Id, row.Sequence, row.Name));
            return StepEnd.Failed;
        }
    }

    /// <summary>Whether a step fails because it cannot decode this row's value.</summary>
    public static bool IsUndecodable(RunScope run, Step step, CheckpointRow row)
    {
        if (row.Error is not null || (step is IValueStep value && IsEmpty(value, row)))
        {
            return false;
        }

        try
        {
            _ = run.Environment.Serializer.Decode(
                new Payload(row.Output, row.Format), (step as IValueStep)?.ValueType ?? step.ResultType);
            return false;
        }
        catch (SerializationFailedException)
        {
            return true;
        }
    }

    private static bool IsEmpty(IValueStep value, CheckpointRow row) =>
        row.Output is null || (value is IReadStreamStep && StreamMarker.IsClosed(row.Output));

    // The failure is not stored, and the stack may differ in the next run.
    private static RecordedFailure WithoutStacks(RecordedFailure failure) =>
        failure with { StackTrace = null, Inner = [.. failure.Inner.Select(WithoutStacks)] };

    /// <summary>Waits to be notified, but no longer than until a moment of workflow time.</summary>
    /// <param name="run">The waiting run.</param>
    /// <param name="wait">What the run waits for, if it may leave memory meanwhile.</param>
    /// <param name="told">Completes when something may be there.</param>
    /// <param name="untilMs">When the wait is over; null if it has no end.</param>
    /// <param name="signal">Stops the wait.</param>
    public static async ValueTask<WaitEnd> WaitAsync(RunScope run, WaitRow? wait, Task told, long? untilMs, CancelSignal signal) =>
        await run.WaitAsync(wait is null ? null : [wait], async () =>
        {
            using var done = CancellationTokenSource.CreateLinkedTokenSource(signal.Token);
            var clock = run.Environment.Clock;
            try
            {
                var over = untilMs is { } end
                    ? clock.WaitUntilAsync(end, done.Token)
                    : Task.Delay(Timeout.InfiniteTimeSpan, clock.Time, done.Token);
                var first = await Task.WhenAny(told, over).ConfigureAwait(false);
                if (signal.IsFired)
                {
                    return WaitEnd.Stopped;
                }

                // A failed wait throws its reason. One that the engine's end has cancelled stops the run.
                await first.ConfigureAwait(false);
                return first == told ? WaitEnd.Told : WaitEnd.TimedOut;
            }
            catch (OperationCanceledException)
            {
                return WaitEnd.Stopped;
            }
            finally
            {
                await done.CancelAsync().ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
}
