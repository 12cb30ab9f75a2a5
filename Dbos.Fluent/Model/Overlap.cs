namespace Dbos.Fluent;

/// <summary>What a schedule does at an occurrence while a workflow that it started earlier has not ended.</summary>
public enum Overlap
{
    /// <summary>Starts another workflow, which runs concurrently.</summary>
    Allow,

    /// <summary>Skips this occurrence.</summary>
    Skip,

    /// <summary>Starts this one when the running workflow has ended, and skips further occurrences until then.</summary>
    QueueOne,
}
