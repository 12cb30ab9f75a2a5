using System.Collections.Concurrent;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>The queues that this engine serves: the registered queues that it listens to, and always the internal queue.</summary>
/// <param name="listenTo">The names of the queues to listen to; null for all.</param>
internal sealed class QueueBoard(IReadOnlyList<string>? listenTo) : IQueuePlaces
{
    private readonly ConcurrentDictionary<string, QueueLane> lanes = new(StringComparer.Ordinal)
    {
        [QueueNames.Internal] = new QueueLane(InternalRow()),
    };

    /// <summary>Called when a run begins to wait, which may make room.</summary>
    public required Action RoomMade { get; init; }

    /// <summary>The current lanes.</summary>
    public ICollection<QueueLane> Lanes => lanes.Values;

    public QueueLane? Find(string queue) => lanes.GetValueOrDefault(queue);

    public bool KeepsPlace(string queue) =>
        Find(queue)?.Row.Queue is { Concurrency: not null } or { PartitionConcurrency: not null };

    public void RunWaits() => RoomMade();

    /// <summary>Applies an outlook: the registered queues, and which of them have waiting workflows.</summary>
    public void Update(QueueOutlook outlook)
    {
        var served = outlook.Queues.Where(row => listenTo is null || listenTo.Contains(row.Queue.Name)).ToDictionary(
            row => row.Queue.Name, StringComparer.Ordinal);
        foreach (var row in served.Values)
        {
            // Workflows that were enqueued before the lane existed have marked nothing.
            if (!lanes.TryGetValue(row.Queue.Name, out var lane))
            {
                lanes[row.Queue.Name] = lane = new QueueLane(row);
                lane.Mark();
            }

            if (lane.Row != row)
            {
                // A raised limit or the end of a pause counts as a signal.
                lane.Row = row;
                lane.RetryAtMs = null;
                lane.Mark();
            }
        }

        // What a claim under way has claimed counts in the limits, also if the queue is registered again meanwhile.
        foreach (var (name, lane) in lanes)
        {
            if (name != QueueNames.Internal && !served.ContainsKey(name) && lane.Claiming.IsCompleted)
            {
                lanes.TryRemove(name, out _);
            }
        }

        foreach (var name in outlook.Waiting)
        {
            Mark(name);
        }
    }

    /// <summary>
    /// Marks a queue that may have waiting workflows. An empty name marks the internal queue; the outlook finds all others.
    /// </summary>
    public void Mark(string queue) => Find(queue.Length == 0 ? QueueNames.Internal : queue)?.Mark();

    private static QueueRow InternalRow() => new(WorkflowQueue.OfStored(QueueNames.Internal), Paused: false, ApplicationName: null);
}
