using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Gathers values that steps of a run write to streams: the values that arrive for one stream during a write go in the next unit.
/// </summary>
internal sealed class StreamGatherer(Func<StreamUnit, Task> write, Ownership owner)
{
    private const int ValuesMax = 1000;

    // A statement of a thousand large values would be more than a server takes.
    private const long SizeMax = 16L << 20;

    private readonly Lock gate = new();
    private readonly Dictionary<(int Sequence, string Key), Queue<Pending>> gathered = [];

    /// <summary>
    /// Writes a value; it is durable when the task completes. Values of one step arrive in the order in which they are given.
    /// </summary>
    public Task WriteAsync(int sequence, string key, Payload value)
    {
        var pending = new Pending(value);
        lock (gate)
        {
            if (gathered.TryGetValue((sequence, key), out var waiting))
            {
                waiting.Enqueue(pending);
                return pending.Task;
            }

            gathered[(sequence, key)] = new Queue<Pending>([pending]);
        }

        // Not awaited: each pending value is completed with its result.
        _ = WriteGatheredAsync(sequence, key);
        return pending.Task;
    }

    private async Task WriteGatheredAsync(int sequence, string key)
    {
        while (Take((sequence, key)) is { } batch)
        {
            try
            {
                await write(new StreamUnit(owner, sequence, key, [.. batch.Select(pending => pending.Value)], [])).ConfigureAwait(false);
                batch.ForEach(pending => pending.TrySetResult());
            }
            catch (OperationCanceledException exception)
            {
                batch.ForEach(pending => pending.TrySetCanceled(exception.CancellationToken));
            }
            catch (Exception exception)
            {
                // The writer of each value gets the exception.
                batch.ForEach(pending => pending.TrySetException(exception));
            }
        }
    }

    // A close is written alone: it is recognized by being the only value.
    private List<Pending>? Take((int Sequence, string Key) stream)
    {
        lock (gate)
        {
            var waiting = gathered[stream];
            if (waiting.Count == 0)
            {
                gathered.Remove(stream);
                return null;
            }

            List<Pending> batch = [waiting.Dequeue()];
            for (var size = batch[0].Size;
                batch.Count < ValuesMax && !batch[0].Closes && waiting.TryPeek(out var next) && !next.Closes && size + next.Size <= SizeMax;
                size += next.Size)
            {
                batch.Add(waiting.Dequeue());
            }

            return batch;
        }
    }

    private sealed class Pending(Payload value) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public Payload Value { get; } = value;

        public long Size => Value.Text?.Length ?? 0;

        public bool Closes => StreamMarker.IsClosed(Value.Text);
    }
}
