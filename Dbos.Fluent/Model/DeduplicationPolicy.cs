namespace Dbos.Fluent;

/// <summary>What a start does when another unended workflow of the queue holds its deduplication id.</summary>
public enum DeduplicationPolicy
{
    /// <summary>It throws <see cref="QueueDeduplicatedException"/>.</summary>
    Reject,

    /// <summary>It gives a handle to the holder; the new input is dropped.</summary>
    ReturnExisting,
}
