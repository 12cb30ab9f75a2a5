namespace Dbos.Fluent.Execution;

/// <summary>Says what a waiting run means for its queue, and for workflows that wait for room.</summary>
internal interface IQueuePlaces
{
    /// <summary>
    /// True if waiting workflows of the queue keep their places. Such a run stays PENDING and in memory; the queue's limit bounds how many
    /// there are.
    /// </summary>
    bool KeepsPlace(string queue);

    /// <summary>Called when a run begins to wait; it may take no room from then on.</summary>
    void RunWaits();
}
