using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Checks that a start names a partition exactly if its queue is partitioned. A start refused here has written nothing.</summary>
internal static class PartitionRule
{
    /// <exception cref="ArgumentException">The queue is partitioned and no partition is named, or the reverse.</exception>
    public static void Check(StartOptions options, QueueRow? queue)
    {
        if (queue is null || queue.Queue.IsPartitioned == options.PartitionKey is not null)
        {
            return;
        }

        throw new ArgumentException(
            queue.Queue.IsPartitioned
                ? $"Queue '{queue.Queue.Name}' has limits for each partition: name the workflow's partition (StartOptions.PartitionKey)."
                : $"Queue '{queue.Queue.Name}' has no limits for partitions, so a partition key means nothing there: leave it out, "
                    + "or register the queue with PartitionConcurrency, PartitionWorkerConcurrency or PartitionRateLimit.",
            nameof(options));
    }
}
