using System.Collections.Concurrent;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Caches the registrations of queues for about a second: fresh enough to tell a mistaken start from a good one.</summary>
/// <remarks>Concurrent starts that ask about one queue share one read, even if nobody has registered that queue.</remarks>
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
                // The number of unregistered names is unbounded.
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

    /// <summary>Drops what is cached about a queue, because it has changed.</summary>
    public void Forget(string name) => readings.TryRemove(name, out _);

    private void Forget(string name, Reading reading) => readings.TryRemove(KeyValuePair.Create(name, reading));

    // All callers share this read, so a caller that gives up waiting does not cancel it.
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

        /// <summary>True for an old or failed answer; a read that is still awaited counts as new.</summary>
        public bool IsStale => Row.IsFaulted || (Row.IsCompleted && TimeProvider.System.GetElapsedTime(began) >= Freshness);
    }
}
