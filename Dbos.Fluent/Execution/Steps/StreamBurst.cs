using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Gathers successive writes of a workflow to one stream: the body continues while earlier ones are being written.</summary>
/// <remarks>
/// Only further such writes may happen before they are durable: any other step, the end, and a failure wait for them. They are written in
/// order, each with its checkpoint. So a crash leaves a history without a gap, and the replay writes the rest.
/// </remarks>
internal sealed class StreamBurst(RunScope run, StepCommits commits)
{
    private const int ValuesMax = 256;

    // If values are large, fewer wait in memory and fewer go in one statement.
    private const long SizeMax = 16L << 20;

    private readonly Lock gate = new();
    private readonly List<Written> gathered = [];
    private Task<StepEnd> writing = Task.FromResult(StepEnd.Completed);
    private string? key;
    private long size;
    private bool busy;

    /// <summary>True if a write has begun and nothing has waited for it yet.</summary>
    public bool IsOpen => key is not null;

    /// <summary>The write that was refused; later ones are not written.</summary>
    public Step? Failed { get; private set; }

    /// <summary>Whether the body may continue before a step is durable: an unrecorded write whose failure nothing handles.</summary>
    public bool Takes(Step step, StepPlace place) =>
        step is IWriteStreamStep && !step.Tolerant && run.History.At(place.Slots.First) is null && !run.MayNotBegin(place.Signal);

    /// <summary>Begins to write a value after the earlier ones.</summary>
    public async ValueTask<StepEnd> AddAsync(Step step, IWriteStreamStep write, StepPlace place)
    {
        if (key is not null && (key != write.Key || gathered.Count >= ValuesMax || Volatile.Read(ref size) >= SizeMax)
            && await FlushAsync().ConfigureAwait(false) is not StepEnd.Completed and var end)
        {
            return end;
        }

        var now = run.Environment.Clock.NowMs;
        var row = new CheckpointRow(place.Slots.First, step.Name, now, now) { Format = PayloadSerializer.PortableFormat };
        try
        {
            var value = OwnValues.EncodeStreamValue(run, write.Key, write.Value, write.ValueType);
            Begin(new Written(step, row, value, place), write.Key);
        }
        catch (SerializationFailedException exception)
        {
            if (await FlushAsync().ConfigureAwait(false) is not StepEnd.Completed and var before)
            {
                return before;
            }

            Failed = step;
            return await commits.FailAsync(step, row, place, exception).ConfigureAwait(false);
        }

        place.Facts.Saw(now);
        step.Complete(default(Unit));
        return StepEnd.Completed;
    }

    private void Begin(Written written, string streamKey)
    {
        key = streamKey;
        lock (gate)
        {
            gathered.Add(written);
            size += written.Value.Text?.Length ?? 0;
            if (busy)
            {
                return;
            }

            busy = true;
        }

        writing = WriteGatheredAsync(streamKey);
    }

    /// <summary>Waits until everything is durable.</summary>
    public async ValueTask<StepEnd> FlushAsync()
    {
        var end = await writing.ConfigureAwait(false);
        key = null;
        return end;
    }

    private async Task<StepEnd> WriteGatheredAsync(string streamKey)
    {
        while (Take() is { } batch)
        {
            var unit = new StreamUnit(
                run.Owner, batch[0].Row.Sequence, streamKey, [.. batch.Select(one => one.Value)], [.. batch.Select(one => one.Row)])
            {
                Sequences = [.. batch.Select(one => one.Row.Sequence)],
            };
            var result = await commits.CommitAsync(_ => unit, batch[0].Place).ConfigureAwait(false);
            if (result is null)
            {
                return StepEnd.Stopped;
            }

            if (result.Status != CommitStatus.Written)
            {
                Failed = batch[0].Step;
                return await commits.FailAsync(Failed, batch[0].Row, batch[0].Place, WriteRefusals.ToException(unit, result))
                    .ConfigureAwait(false);
            }

            run.Environment.Written(unit);
        }

        return StepEnd.Completed;
    }

    private List<Written>? Take()
    {
        lock (gate)
        {
            if (gathered.Count == 0)
            {
                busy = false;
                return null;
            }

            List<Written> batch = [.. gathered];
            gathered.Clear();
            size = 0;
            return batch;
        }
    }

    private sealed record Written(Step Step, CheckpointRow Row, Payload Value, StepPlace Place);
}
