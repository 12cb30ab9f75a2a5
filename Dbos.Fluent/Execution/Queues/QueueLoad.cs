using System.Collections.Concurrent;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>How many workflows of each queue, and of each of its partitions, run in this process.</summary>
internal sealed class QueueLoad
{
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, int>> running = new(StringComparer.Ordinal);

    public void Begin(ClaimedWorkflow work) => Change(work, 1);

    public void End(ClaimedWorkflow work) => Change(work, -1);

    /// <summary>What this process runs of one queue.</summary>
    public QueueShare Of(string queue, string afterPartition)
    {
        if (!running.TryGetValue(queue, out var partitions))
        {
            return new QueueShare(queue, 0, [], afterPartition);
        }

        var all = partitions.ToArray().Where(partition => partition.Value > 0).ToArray();
        return new QueueShare(
            queue,
            all.Sum(partition => partition.Value),
            [.. all.Where(partition => partition.Key.Length > 0)],
            afterPartition);
    }

    private void Change(ClaimedWorkflow work, int by)
    {
        if (work.Queue is null)
        {
            return;
        }

        var partitions = running.GetOrAdd(work.Queue, _ => new(StringComparer.Ordinal));
        var key = work.PartitionKey ?? "";
        if (partitions.AddOrUpdate(key, by, (_, count) => count + by) <= 0)
        {
            // The number of partitions is unbounded, so empty ones are removed. One that has begun again is not at zero and stays.
            partitions.TryRemove(KeyValuePair.Create(key, 0));
        }
    }
}
