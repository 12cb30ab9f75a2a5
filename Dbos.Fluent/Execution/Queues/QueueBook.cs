using System.Collections.Concurrent;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>What is registered under the names of queues, as of a moment ago: enough to tell a mistaken start from a good one.</summary>
/// <remarks>However many starts ask about one queue at once, it is read once; also one that nobody has registered.</remarks>
internal sealed class QueueBook(IStore store, CancellationToken stopped)
{
    private const int NamesMax = 1000;
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Reading> readings = new(StringComparer.Ordinal);

    /// <summary>The queue of that name; null if nobody has registered it.</summary>
    public async ValueTask<QueueRow?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (readings.TryGetValue(name, out var known) && known.IsStale)
        {
            Forget(name, known);
        }

        var reading = readings.GetOrAdd(name, static (name, book) => new Reading(() => book.ReadAsync(name)), this);
        try
        {
            var row = await reading.Row.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (row is null && readings.Count > NamesMax)
            {
                // Names that nobody registers may be without number.
                Forget(name, reading);
            }

            return row;
        }
        catch (Exception) when (reading.Row.IsFaulted)
        {
            Forget(name, reading);
            throw;
        }
    }

    /// <summary>Something about a queue has changed.</summary>
    public void Forget(string name) => readings.TryRemove(name, out _);

    private void Forget(string name, Reading reading) => readings.TryRemove(KeyValuePair.Create(name, reading));

    // Nobody's alone: whoever gives up the waiting takes nothing from the others.
    private async Task<QueueRow?> ReadAsync(string name)
    {
        try
        {
            return await StoreBackoff.RepeatAsync(_ => store.Queues.ReadAsync(name, stopped), stopped).ConfigureAwait(false);
        }
        catch (ObjectDisposedException) when (stopped.IsCancellationRequested)
        {
            throw new OperationCanceledException(stopped);
        }
    }

    private sealed class Reading(Func<Task<QueueRow?>> read)
    {
        private readonly long began = TimeProvider.System.GetTimestamp();
        private readonly Lazy<Task<QueueRow?>> row = new(read);

        public Task<QueueRow?> Row => row.Value;

        /// <summary>True for an answer of some time ago, or none; one that is still awaited is as new as any.</summary>
        public bool IsStale => Row.IsFaulted || (Row.IsCompleted && TimeProvider.System.GetElapsedTime(began) >= Freshness);
    }
}
