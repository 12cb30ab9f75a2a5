using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Queues;

/// <summary>One queue as this engine serves it. Used by the dispatcher's loop alone, but for what is marked.</summary>
internal sealed class QueueLane(QueueRow row)
{
    private int marked;

    /// <summary>The queue as last seen. A limit that has changed since binds all the same: the claim reads it anew.</summary>
    public QueueRow Row { get; set; } = row;

    /// <summary>In a partitioned queue, the partition behind which the next claim begins.</summary>
    public string AfterPartition { get; set; } = "";

    /// <summary>When a rate window has room again; null where none holds anything back.</summary>
    public long? RetryAtMs { get; set; }

    /// <summary>Claims in a row that looked at partitions and found none with room.</summary>
    public int EmptyClaims { get; set; }

    /// <summary>The claim that is under way, where the queue has limits: it may wait for a lock, and holds up no other queue.</summary>
    public Task Claiming { get; set; } = Task.CompletedTask;

    public bool IsMarked => Volatile.Read(ref marked) == 1;

    /// <summary>Something may be there to claim.</summary>
    public void Mark() => Volatile.Write(ref marked, 1);

    /// <summary>Takes the mark, before the claim that it asks for: what comes from now on marks again.</summary>
    public bool TakeMark() => Interlocked.Exchange(ref marked, 0) == 1;
}
