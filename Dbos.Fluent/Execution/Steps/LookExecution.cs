using Dbos.Fluent.Definitions;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Executes steps that wait for what others have written and consume nothing: events and stream values.</summary>
internal sealed class LookExecution(RunScope run, StepRecords records, StepCommits commits)
{
    public async ValueTask<StepEnd> GetEventAsync(Step step, IGetEventStep get, StepPlace place)
    {
        var (first, second) = (place.Slots[0], place.Slots[1]);
        if (!records.TryMatch(first, RecordedKind.BuiltIn, BuiltInNames.GetEvent, out var row)
            || !records.TryMatch(second, RecordedKind.BuiltIn, BuiltInNames.Sleep, out var marker))
        {
            return StepEnd.Broken;
        }

        if (row is not null)
        {
            return ValueSteps.Restore(run, records, step, get, row, place);
        }

        if (run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        var started = run.Environment.Clock.NowMs;
        var untilMs = marker is not null ? WaitMarker.Read(marker) : WaitMarker.UntilMs(get.Timeout, started);
        if (marker is null
            && !await commits.StoreAsync(WaitMarker.Row(second, untilMs, started), place, finishes: false).ConfigureAwait(false))
        {
            return StepEnd.Stopped;
        }

        return await WaitForEventAsync(step, get, place, started, untilMs).ConfigureAwait(false);
    }

    public async ValueTask<StepEnd> ReadStreamAsync(Step step, IReadStreamStep read, StepPlace place)
    {
        var sequence = place.Slots.First;
        if (!records.TryMatch(sequence, RecordedKind.BuiltIn, BuiltInNames.ReadStream, out var row))
        {
            return StepEnd.Broken;
        }

        if (row is not null)
        {
            return ValueSteps.Restore(run, records, step, read, row, place);
        }

        if (run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        var started = run.Environment.Clock.NowMs;
        var position = new StreamPosition(read.WorkflowId, read.Key, read.Offset) { Alone = true };
        using var told = run.Environment.Wakeups.Streams.Register(position);
        long? untilMs = read.Timeout is { } timeout && timeout != Timeout.InfiniteTimeSpan ? WaitMarker.UntilMs(timeout, started) : null;
        var end = await WaitAsync(
            null, told.Found, () => run.Environment.Wakeups.Streams.LookOnceAsync(position), untilMs, place.Signal).ConfigureAwait(false);
        if (end == WaitEnd.Stopped)
        {
            return StepEnd.Stopped;
        }

        row = new CheckpointRow(sequence, step.Name, started, run.Environment.Clock.NowMs);
        if (end == WaitEnd.TimedOut || !(await told.Found.ConfigureAwait(false)).Exists)
        {
            Exception failure = end == WaitEnd.TimedOut
                ? new StreamTimeoutException(read.WorkflowId, read.Key, read.Offset, read.Timeout!.Value)
                : new NonExistentWorkflowException(read.WorkflowId);
            return await commits.FailAsync(step, row, place, failure).ConfigureAwait(false);
        }

        var chunk = await told.Found.ConfigureAwait(false);
        var value = chunk.Values.Count > 0 ? chunk.Values[0] : StreamMarker.Closed;
        row = row with { Output = value.Text, Format = value.Format };
        return await commits.StoreAsync(row, place).ConfigureAwait(false)
            ? ValueSteps.Restore(run, records, step, read, row, place)
            : StepEnd.Stopped;
    }

    private async ValueTask<StepEnd> WaitForEventAsync(Step step, IGetEventStep get, StepPlace place, long started, long untilMs)
    {
        var key = new EventKey(get.WorkflowId, get.Key);
        using var told = run.Environment.Wakeups.Events.Register(key);
        var wait = new WaitRow(place.Slots[0], WaitKind.Event, get.WorkflowId, get.Key, untilMs);
        var end = await WaitAsync(
            wait, told.Found, () => run.Environment.Wakeups.Events.LookOnceAsync(key), untilMs, place.Signal).ConfigureAwait(false);
        if (end == WaitEnd.Stopped)
        {
            return StepEnd.Stopped;
        }

        var value = end == WaitEnd.Told ? await told.Found.ConfigureAwait(false) : default;
        var row = new CheckpointRow(place.Slots[0], step.Name, started, run.Environment.Clock.NowMs)
        {
            Output = value.Text,
            Format = value.Format,
        };
        return await commits.StoreAsync(row, place).ConfigureAwait(false)
            ? ValueSteps.Restore(run, records, step, get, row, place)
            : StepEnd.Stopped;
    }

    private async ValueTask<WaitEnd> WaitAsync(WaitRow? wait, Task told, Func<Task> look, long? untilMs, CancelSignal signal)
    {
        // The look that begins the wait counts, however short the wait is. The run stays in memory until it is done, and if nothing is left
        // to wait for: a run that left then would be taken up at once and leave again.
        if (await LookAsync(told, look, signal).ConfigureAwait(false) == WaitEnd.Stopped)
        {
            return WaitEnd.Stopped;
        }

        var isOver = told.IsCompleted || untilMs <= run.Environment.Clock.NowMs;
        var end = await ValueSteps.WaitAsync(run, isOver ? null : wait, told, untilMs, signal).ConfigureAwait(false);

        // What came in time may have come without a signal, or with a lost one.
        return end == WaitEnd.TimedOut && !isOver
            ? await LookAsync(told, look, signal).ConfigureAwait(false)
            : end;
    }

    private async ValueTask<WaitEnd> LookAsync(Task told, Func<Task> look, CancelSignal signal)
    {
        var end = await ValueSteps.WaitAsync(run, null, Task.WhenAny(told, look()), null, signal).ConfigureAwait(false);
        return end == WaitEnd.Told && !told.IsCompleted ? WaitEnd.TimedOut : end;
    }
}
