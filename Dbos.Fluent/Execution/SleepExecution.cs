using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Durable sleeps: the wake-up moment is stored before the wait begins, and counts on every later run.</summary>
internal sealed class SleepExecution(RunScope run, StepExecutor steps)
{
    public async ValueTask<StepEnd> SleepAsync(SleepStep step, int sequence, CancelSignal signal)
    {
        if (!steps.TryMatch(sequence, StepKind.BuiltIn, BuiltInNames.Sleep, out var row))
        {
            return StepEnd.Broken;
        }

        if (row is null && run.MayNotBegin(signal))
        {
            return StepEnd.Stopped;
        }

        if (row is null)
        {
            row = Row(step, sequence);
            if (!await steps.StoreAsync(row).ConfigureAwait(false))
            {
                return StepEnd.Stopped;
            }
        }

        var wakeAtMs = (long)double.Parse(row.Output!, CultureInfo.InvariantCulture);
        if (wakeAtMs > run.Environment.Clock.NowMs && !await WaitAsync(wakeAtMs, signal).ConfigureAwait(false))
        {
            return StepEnd.Stopped;
        }

        run.Facts.Saw(wakeAtMs);
        step.Complete(default(Unit));
        return StepEnd.Completed;
    }

    private CheckpointRow Row(SleepStep step, int sequence)
    {
        var now = run.Environment.Clock.UtcNow;
        var wakeAtMs = step.WakeAtMs(now);
        return new(
            sequence,
            BuiltInNames.Sleep,
            wakeAtMs.ToString(CultureInfo.InvariantCulture),
            null,
            PayloadSerializer.PortableFormat,
            null,
            now.ToUnixTimeMilliseconds(),
            wakeAtMs);
    }

    private Task<bool> WaitAsync(long wakeAtMs, CancelSignal signal) => run.WaitAsync(async () =>
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
    });
}
