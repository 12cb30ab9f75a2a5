namespace Dbos.Fluent;

/// <summary>What a schedule does at a moment at which a run of its own has not ended.</summary>
public enum Overlap
{
    /// <summary>Starts another beside it.</summary>
    Allow,

    /// <summary>Leaves this moment out.</summary>
    Skip,

    /// <summary>Starts it when the running one has ended; further moments until then are left out.</summary>
    QueueOne,
}
