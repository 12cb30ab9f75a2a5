namespace Dbos.Fluent;

/// <summary>What a start does when another workflow of the queue, not yet ended, holds its deduplication id.</summary>
public enum DeduplicationPolicy
{
    /// <summary>Refuses the start with a <see cref="QueueDeduplicatedException"/>.</summary>
    Reject,

    /// <summary>Returns a handle to the holder; the new input is dropped.</summary>
    ReturnExisting,
}
