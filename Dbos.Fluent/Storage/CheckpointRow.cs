namespace Dbos.Fluent.Storage;

/// <summary>A row of <c>operation_outputs</c>, to be written or as read.</summary>
/// <param name="Sequence">Column <c>function_id</c>.</param>
/// <param name="Name">Column <c>function_name</c>.</param>
/// <param name="StartedAtMs">Column <c>started_at_epoch_ms</c>.</param>
/// <param name="CompletedAtMs">Column <c>completed_at_epoch_ms</c>.</param>
internal sealed record CheckpointRow(int Sequence, string Name, long? StartedAtMs, long? CompletedAtMs)
{
    /// <summary>The encoded result; null if it failed or has none.</summary>
    public string? Output { get; init; }

    /// <summary>The encoded failure; null if it succeeded.</summary>
    public string? Error { get; init; }

    /// <summary>Column <c>serialization</c>: the format of output or error.</summary>
    public string? Format { get; init; }

    /// <summary>Column <c>child_workflow_id</c>.</summary>
    public string? ChildId { get; init; }
}
