using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>A row of <c>workflow_status</c> with its payloads, as read.</summary>
internal sealed record WorkflowRow
{
    /// <summary>The row as status, without attributes and payloads, which Storage does not decode.</summary>
    public required WorkflowStatus Status { get; init; }

    /// <summary>The stored word of its state, where this version does not know it; null where it does.</summary>
    public string? UnknownState { get; init; }

    public required Payload Input { get; init; }

    public required Payload Output { get; init; }

    public required Payload Error { get; init; }

    /// <summary>Column <c>attributes</c> as JSON text.</summary>
    public string? AttributesJson { get; init; }
}
