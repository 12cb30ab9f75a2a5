using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>One queue as this engine serves it. Only the dispatcher's loop uses it, except for the mark.</summary>
internal sealed class QueueLane(QueueRow row)
{
    private int marked;

    /// <summary>The queue as last seen. A limit that has changed since still applies, as each claim reads it again.</summary>
    public QueueRow Row { get; set; } = row;

    /// <summary>In a partitioned queue, the partition after which the next claim begins.</summary>
    public string AfterPartition { get; set; } = "";

    /// <summary>When a rate window has room again; null if no rate window blocks the queue.</summary>
    public long? RetryAtMs { get; set; }

    /// <summary>The number of consecutive claims that found no partition with room.</summary>
    public int EmptyClaims { get; set; }

    /// <summary>The claim under way in a queue with limits. It may wait for a lock without blocking any other queue.</summary>
    public Task Claiming { get; set; } = Task.CompletedTask;

    public bool IsMarked => Volatile.Read(ref marked) == 1;

    /// <summary>Records that the queue may have something to claim.</summary>
    public void Mark() => Volatile.Write(ref marked, 1);

    /// <summary>Takes the mark before the claim that it asks for, so that later arrivals mark the queue again.</summary>
    public bool TakeMark() => Interlocked.Exchange(ref marked, 0) == 1;
}
