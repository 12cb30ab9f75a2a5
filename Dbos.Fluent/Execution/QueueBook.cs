using System.Collections.Concurrent;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>What is registered under the names of queues, as of a moment ago: enough to tell a mistaken start from a good one.</summary>
internal sealed class QueueBook(IStore store, CancellationToken stopped)
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, (QueueRow? Row, long ReadAt)> rows = new(StringComparer.Ordinal);

    /// <summary>The queue of that name; null if nobody has registered it.</summary>
    public async ValueTask<QueueRow?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (rows.TryGetValue(name, out var known) && TimeProvider.System.GetElapsedTime(known.ReadAt) < Freshness)
        {
            return known.Row;
        }

        var readAt = TimeProvider.System.GetTimestamp();
        var row = await ReadAsync(name, cancellationToken).ConfigureAwait(false);
        if (row is null)
        {
            // Names that nobody registers may be without number.
            rows.TryRemove(name, out _);
        }
        else
        {
            rows[name] = (row, readAt);
        }

        return row;
    }

    /// <summary>Something about a queue has changed.</summary>
    public void Forget(string name) => rows.TryRemove(name, out _);

    private async Task<QueueRow?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopped);
        try
        {
            return await StoreBackoff.RepeatAsync(_ => store.Queues.ReadAsync(name, either.Token), either.Token).ConfigureAwait(false);
        }
        catch (ObjectDisposedException) when (stopped.IsCancellationRequested)
        {
            throw new OperationCanceledException(stopped);
        }
    }
}
