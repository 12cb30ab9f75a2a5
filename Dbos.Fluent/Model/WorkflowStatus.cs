namespace Dbos.Fluent;

/// <summary>A snapshot of one workflow at the moment it was read. Immutable; it does not follow the workflow.</summary>
public sealed record WorkflowStatus
{
    /// <summary>The workflow's id.</summary>
    public string Id { get; init; } = "";

    /// <summary>The name of its definition.</summary>
    public string Name { get; init; } = "";

    /// <summary>Its state in its life cycle.</summary>
    public WorkflowState State { get; init; }

    /// <summary>The queue it waits in or was taken from; null for a direct start, and after a cancel.</summary>
    public string? Queue { get; init; }

    /// <summary>
    /// Its partition of the queue; null if none. <c>_none</c> if the queue has partitions and the workflow was started without one.
    /// </summary>
    public string? PartitionKey { get; init; }

    /// <summary>The deduplication id it holds in its queue; null if none, or once it has ended.</summary>
    public string? DeduplicationId { get; init; }

    /// <summary>Its priority in the queue; 0, the default, is served first.</summary>
    public int Priority { get; init; }

    /// <summary>How often an engine took it up: 1 after a direct start, 0 while only enqueued, one more for each recovery.</summary>
    public int RecoveryAttempts { get; init; }

    /// <summary>The executor that runs it or ran it last; null before the first one.</summary>
    public string? ExecutorId { get; init; }

    /// <summary>The application it belongs to; null if any application may take it.</summary>
    public string? ApplicationName { get; init; }

    /// <summary>The application version it is bound to; null if none.</summary>
    public string? ApplicationVersion { get; init; }

    /// <summary>The workflow that started it; null if none did.</summary>
    public string? ParentId { get; init; }

    /// <summary>The workflow it was forked from; null if it was not.</summary>
    public string? ForkedFrom { get; init; }

    /// <summary>The schedule that started it; null if none did.</summary>
    public string? ScheduleName { get; init; }

    /// <summary>The time it may take from start to end; null without a limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>True while it waits out of memory for a time, a message, an event or a child; stored as DELAYED.</summary>
    public bool Parked { get; init; }

    /// <summary>When its row was created, on the database's clock.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its row was last updated, on the database's clock.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it was last taken from a queue; null for a direct start.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended; null before its end.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>When it is cancelled if it has not ended by then; null without a limit, or before the first claim.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Until when it is delayed; null if it never was.</summary>
    public DateTimeOffset? DelayUntil { get; init; }

    /// <summary>The attributes it was given; null if none.</summary>
    public IReadOnlyDictionary<string, object?>? Attributes { get; init; }

    /// <summary>Its input as readable JSON, when loaded; the stored text where it cannot be decoded.</summary>
    public string? Input { get; init; }

    /// <summary>Its output as readable JSON, when loaded; the stored text where it cannot be decoded.</summary>
    public string? Output { get; init; }

    /// <summary>Its failure, when loaded; null if it has none.</summary>
    public RecordedFailure? Error { get; init; }
}
