namespace Dbos.Fluent.Execution;

/// <summary>What a run that waits means for the queue it came from, and for others that wait for room.</summary>
internal interface IQueuePlaces
{
    /// <summary>
    /// True for a queue of which a waiting workflow keeps its place: such a run stays PENDING, and so in memory. There are no more of them
    /// than the queue's limit.
    /// </summary>
    bool KeepsPlace(string queue);

    /// <summary>A run begins to wait; it may take no room from then on.</summary>
    void RunWaits();
}
