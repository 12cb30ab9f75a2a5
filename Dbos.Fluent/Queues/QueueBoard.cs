using System.Collections.Concurrent;
using Dbos.Fluent.Execution;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>The queues that this engine serves: the registered ones it listens to, and the internal one always.</summary>
/// <param name="listenTo">The names it listens to; null for all.</param>
internal sealed class QueueBoard(IReadOnlyList<string>? listenTo) : IQueuePlaces
{
    private readonly ConcurrentDictionary<string, QueueLane> lanes = new(StringComparer.Ordinal)
    {
        [QueueNames.Internal] = new QueueLane(InternalRow()),
    };

    /// <summary>Told when a run begins to wait, which may make room.</summary>
    public required Action RoomMade { get; init; }

    /// <summary>The lanes as they are now.</summary>
    public ICollection<QueueLane> Lanes => lanes.Values;

    public QueueLane? Find(string queue) => lanes.GetValueOrDefault(queue);

    public bool KeepsPlace(string queue) =>
        Find(queue)?.Row.Queue is { Concurrency: not null } or { PartitionConcurrency: not null };

    public void RunWaits() => RoomMade();

    /// <summary>Takes in what queues there are and which of them have something waiting.</summary>
    public void Update(QueueOutlook outlook)
    {
        var served = outlook.Queues.Where(row => listenTo is null || listenTo.Contains(row.Queue.Name)).ToDictionary(
            row => row.Queue.Name, StringComparer.Ordinal);
        foreach (var row in served.Values)
        {
            // What was enqueued before its lane was here has marked nothing.
            if (!lanes.TryGetValue(row.Queue.Name, out var lane))
            {
                lanes[row.Queue.Name] = lane = new QueueLane(row);
                lane.Mark();
            }

            if (lane.Row != row)
            {
                // A limit that was raised or a pause that has ended is as good as a signal.
                lane.Row = row;
                lane.RetryAtMs = null;
                lane.Mark();
            }
        }

        foreach (var name in lanes.Keys.Where(name => name != QueueNames.Internal && !served.ContainsKey(name)))
        {
            lanes.TryRemove(name, out _);
        }

        foreach (var name in outlook.Waiting)
        {
            Mark(name);
        }
    }

    /// <summary>Something may wait in a queue; without a name, in the internal one, and whatever else is seen by looking.</summary>
    public void Mark(string queue) => Find(queue.Length == 0 ? QueueNames.Internal : queue)?.Mark();

    private static QueueRow InternalRow() => new(WorkflowQueue.OfStored(QueueNames.Internal), Paused: false, ApplicationName: null);
}
