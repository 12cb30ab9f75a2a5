namespace Dbos.Fluent;

/// <summary>Why the token of a step was cancelled, or why an awaited workflow ended without an outcome of its own.</summary>
public enum CancellationReason
{
    /// <summary>It was not cancelled.</summary>
    None,

    /// <summary>A user cancelled the workflow.</summary>
    Cancelled,

    /// <summary>The workflow's deadline has passed.</summary>
    DeadlineExceeded,

    /// <summary>This attempt of the step took longer than its timeout.</summary>
    StepTimeout,

    /// <summary>The engine is stopping, or this process no longer owns the workflow; another process continues it.</summary>
    Shutdown,
}
