using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>
/// A row of <c>workflow_status</c> to insert, with its input. The store's clock sets all moments unless they are given.
/// </summary>
internal sealed record WorkflowInsert
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>PENDING for a direct start (owned by <see cref="Token"/> at once), ENQUEUED, or DELAYED.</summary>
    public required WorkflowState State { get; init; }

    /// <summary>The creator's token (<c>creator_xid</c>); equality with the stored one means that this insert made the row.</summary>
    public required string Token { get; init; }

    /// <summary>The encoded input; its format becomes the row's <c>serialization</c>.</summary>
    public required Payload Input { get; init; }

    public string? Queue { get; init; }

    public int Priority { get; init; }

    public string? DeduplicationId { get; init; }

    public string? PartitionKey { get; init; }

    /// <summary>Set for a direct start, otherwise null.</summary>
    public string? ExecutorId { get; init; }

    public string? ApplicationName { get; init; }

    public string? ApplicationVersion { get; init; }

    public string? ParentId { get; init; }

    public string? ScheduleName { get; init; }

    /// <summary>Attributes as a JSON object.</summary>
    public string? AttributesJson { get; init; }

    /// <summary>Time from start to end. A direct start gets its deadline at once, any other at its first claim.</summary>
    public long? TimeoutMs { get; init; }

    /// <summary>A deadline inherited from the parent, as a moment; it applies whatever <see cref="TimeoutMs"/> says.</summary>
    public long? DeadlineMs { get; init; }

    /// <summary>For DELAYED: the delay from now.</summary>
    public long? DelayMs { get; init; }
}
