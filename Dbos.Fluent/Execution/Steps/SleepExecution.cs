using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Executes durable sleeps: the wake-up moment is stored before the wait begins, and counts on every later run.</summary>
internal sealed class SleepExecution(RunScope run, StepRecords records, StepCommits commits)
{
    public async ValueTask<StepEnd> SleepAsync(SleepStep step, StepPlace place)
    {
        var sequence = place.Slots.First;
        if (!records.TryMatch(sequence, RecordedKind.BuiltIn, BuiltInNames.Sleep, out var row))
        {
            return StepEnd.Broken;
        }

        if (row is null && run.MayNotBegin(place.Signal))
        {
            return StepEnd.Stopped;
        }

        if (row is null)
        {
            row = Row(step, sequence);
            if (!await commits.StoreAsync(row, place, finishes: false).ConfigureAwait(false))
            {
                return StepEnd.Stopped;
            }
        }

        // The row says when the sleep ends, not that it did. Whether it had ended when its group or race was settled is decided by the
        // history. By the clock every sleep ends some day, so a later replay would see another outcome. A look back at what to undo does
        // not use the clock either: this host's may be behind that of the run that slept.
        var wakeAtMs = WaitMarker.Read(row);
        if ((place.SettledAtMs ?? (run.IsLookingBack ? long.MaxValue : null)) is { } settledAtMs)
        {
            if (wakeAtMs > settledAtMs)
            {
                return StepEnd.Stopped;
            }
        }
        else if (wakeAtMs > run.Environment.Clock.NowMs
            && (!await WaitAsync(sequence, wakeAtMs, place.Signal).ConfigureAwait(false) || run.Stop.IsFired))
        {
            return StepEnd.Stopped;
        }

        place.Woke(wakeAtMs);
        step.Complete(default(Unit));
        return StepEnd.Completed;
    }

    private CheckpointRow Row(SleepStep step, int sequence)
    {
        var now = run.Environment.Clock.UtcNow;
        var wakeAtMs = step.WakeAtMs(now);
        return new(sequence, BuiltInNames.Sleep, now.ToUnixTimeMilliseconds(), wakeAtMs)
        {
            Output = wakeAtMs.ToString(CultureInfo.InvariantCulture),
            Format = PayloadSerializer.PortableFormat,
        };
    }

    private async ValueTask<bool> WaitAsync(int sequence, long wakeAtMs, CancelSignal signal)
    {
        var wait = new WaitRow(sequence, WaitKind.Time, run.Work.Id, "", wakeAtMs);
        return await run.WaitAsync([wait], async () =>
        {
            try
            {
                await run.Environment.Clock.WaitUntilAsync(wakeAtMs, signal.Token).ConfigureAwait(false);
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }).ConfigureAwait(false);
    }
}
