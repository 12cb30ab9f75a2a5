namespace Dbos.Fluent;

/// <summary>What a schedule does at an occurrence at which a workflow of its own has not ended.</summary>
public enum Overlap
{
    /// <summary>Starts another beside it.</summary>
    Allow,

    /// <summary>Leaves this occurrence out.</summary>
    Skip,

    /// <summary>Starts it when the running one has ended; further occurrences until then are left out.</summary>
    QueueOne,
}
