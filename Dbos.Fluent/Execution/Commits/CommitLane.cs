using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Writes units in batches, one after the other: units that arrive during a write form the next batch.</summary>
/// <remarks>No unit waits for a timer. A unit that finds the lane idle is written at once, on the thread that brought it.</remarks>
internal sealed class CommitLane(ICommitStore store, CancellationToken stopped)
{
    private const int BatchMax = 512;
    private const int BatchAmple = 64;
    private const long BatchSizeMax = 16L << 20;

    private readonly Lock gate = new();
    private Queue<PendingCommit> gathered = new();
    private readonly TaskCompletionSource idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int apart;
    private bool writing;
    private bool closed;

    public Task<CommitResult> WriteAsync(CommitUnit unit)
    {
        var pending = new PendingCommit(unit);
        bool first;
        lock (gate)
        {
            if (closed)
            {
                return Task.FromCanceled<CommitResult>(new CancellationToken(canceled: true));
            }

            gathered.Enqueue(pending);
            first = !writing;
            writing = true;
        }

        if (first)
        {
            // Not awaited: each pending commit is completed with its result or its exception, and nothing else can fail.
            _ = WriteGatheredAsync();
        }

        return pending.Task;
    }

    /// <summary>Takes no more units; completes when all units already taken are written.</summary>
    public Task CloseAsync()
    {
        lock (gate)
        {
            closed = true;
            CompleteIfIdle();
        }

        return idle.Task;
    }

    private void CompleteIfIdle()
    {
        if (closed && !writing && apart == 0)
        {
            idle.TrySetResult();
        }
    }

    private async Task WriteGatheredAsync()
    {
        while (TakeBatch() is { } batch)
        {
            await WriteBatchAsync(batch).ConfigureAwait(false);
            if (batch.Length is > 1 and < BatchAmple)
            {
                // The writers of this batch continue first, so that their next writes join the gathered ones in one batch instead of two. A
                // large batch gains nothing by it, and the server would be idle meanwhile.
                await Task.Yield();
            }
        }
    }

    private PendingCommit[]? TakeBatch()
    {
        lock (gate)
        {
            if (gathered.Count == 0)
            {
                writing = false;
                CompleteIfIdle();
                return null;
            }

            // Bounded by size too: a batch of many large results would be more than a server takes in one message.
            var batch = new List<PendingCommit>(Math.Min(gathered.Count, BatchMax));
            for (var size = 0L; batch.Count < BatchMax && gathered.TryPeek(out var next); batch.Add(gathered.Dequeue()))
            {
                size += next.Unit.Size;
                if (size > BatchSizeMax && batch.Count > 0)
                {
                    break;
                }
            }

            return [.. batch];
        }
    }

    private async Task WriteBatchAsync(PendingCommit[] batch)
    {
        try
        {
            stopped.ThrowIfCancellationRequested();
            var units = Array.ConvertAll(batch, static pending => pending.Unit);
            var results = await StoreBackoff.RepeatInTimeAsync(
                "write what workflows have done", _ => TellAsync(() => store.CommitAsync(units, stopped)), stopped).ConfigureAwait(false);
            for (var i = 0; i < batch.Length; i++)
            {
                Complete(batch[i], results[i]);
            }
        }
        catch (OperationCanceledException)
        {
            Array.ForEach(batch, pending => pending.TrySetCanceled(stopped));
        }
        catch (Exception) when (batch.Length > 1)
        {
            // A unit that the database refuses, or that times out each time, must not fail the others. Each is tried alone.
            foreach (var pending in batch)
            {
                await WriteBatchAsync([pending]).ConfigureAwait(false);
            }
        }
        catch (StoreUnavailableException)
        {
            // The unit timed out repeatedly. It is written apart, so that the lane no longer waits for it.
            _ = WriteApartAsync(batch[0]);
        }
        catch (Exception exception)
        {
            // The unit's writer gets the exception; the lane continues.
            batch[0].TrySetException(exception);
        }
    }

    // A foreign cancellation does not say whether the write took effect. It is repeated, like a write whose connection was lost.
    private async Task<T> TellAsync<T>(Func<ValueTask<T>> write)
    {
        try
        {
            return await write().ConfigureAwait(false);
        }
        catch (OperationCanceledException foreign) when (!stopped.IsCancellationRequested)
        {
            throw new StoreUnavailableException(
                "The database", new IOException("A write was cut off before it was known whether it took effect.", foreign));
        }
    }

    private void Complete(PendingCommit pending, CommitResult result)
    {
        if (result.Status == CommitStatus.Busy)
        {
            // Another transaction has locked the row. The wait for it happens apart from the lane, so that it delays no other unit.
            _ = WriteApartAsync(pending);
            return;
        }

        if (result.Refusal is { } refusal)
        {
            pending.TrySetException(refusal);
            return;
        }

        pending.TrySetResult(result);
    }

    private async Task WriteApartAsync(PendingCommit pending)
    {
        lock (gate)
        {
            apart++;
        }

        try
        {
            var result = await StoreBackoff.RepeatAsync(
                _ => TellAsync(() => store.CommitWaitingAsync(pending.Unit, stopped)), stopped).ConfigureAwait(false);
            Complete(pending, result);
        }
        catch (OperationCanceledException)
        {
            pending.TrySetCanceled(stopped);
        }
        catch (Exception exception)
        {
            // The unit's writer gets the exception.
            pending.TrySetException(exception);
        }
        finally
        {
            lock (gate)
            {
                apart--;
                CompleteIfIdle();
            }
        }
    }

    private sealed class PendingCommit(CommitUnit unit) : TaskCompletionSource<CommitResult>(
        TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public CommitUnit Unit { get; } = unit;
    }
}
