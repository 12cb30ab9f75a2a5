namespace Dbos.Fluent.Execution;

/// <summary>The values of <see cref="WorkflowExplanation.Reason"/>; never renamed.</summary>
internal static class ExplainReasons
{
    public const string Running = "running";
    public const string Message = "waiting-for-message";
    public const string Event = "waiting-for-event";
    public const string Workflow = "waiting-for-workflow";
    public const string Stream = "waiting-for-stream";
    public const string Sleeping = "sleeping";
    public const string Queued = "queued";
    public const string QueueLimit = "queue-limit";
    public const string WorkerLimit = "worker-limit";
    public const string PartitionLimit = "partition-limit";
    public const string RateLimit = "rate-limit";
    public const string QueuePaused = "queue-paused";
    public const string QueueNotRegistered = "queue-not-registered";
    public const string Delayed = "delayed";
    public const string VersionNotRunning = "version-not-running";
    public const string NameNotServed = "name-not-served";
    public const string NoEngine = "no-engine";
    public const string OwnerDead = "owner-dead";
    public const string OwnerUnknown = "owner-unknown";
    public const string DeadLettered = "dead-lettered";
    public const string UnknownState = "unknown-state";
    public const string Finished = "finished";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";
    public const string TimedOut = "timed-out";

    /// <summary>Whether the workflow continues only after a person acts.</summary>
    public static bool IsStranded(string reason) => reason is VersionNotRunning or NameNotServed or NoEngine or QueueNotRegistered;
}
