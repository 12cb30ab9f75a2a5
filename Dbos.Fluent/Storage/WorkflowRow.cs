using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>A row of <c>workflow_status</c> with its payloads, as read.</summary>
internal sealed record WorkflowRow
{
    /// <summary>The row as status, without attributes and payloads, which the storage layer does not decode.</summary>
    public required WorkflowStatus Status { get; init; }

    /// <summary>The stored state word if this version does not know it; null if it does.</summary>
    public string? UnknownState { get; init; }

    public required Payload Input { get; init; }

    public required Payload Output { get; init; }

    public required Payload Error { get; init; }

    /// <summary>Column <c>attributes</c> as JSON text.</summary>
    public string? AttributesJson { get; init; }
}
