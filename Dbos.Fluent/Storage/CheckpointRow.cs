namespace Dbos.Fluent.Storage;

/// <summary>A row of <c>operation_outputs</c>, to be written or as read.</summary>
/// <param name="Sequence">Column <c>function_id</c>.</param>
/// <param name="Name">Column <c>function_name</c>.</param>
/// <param name="Output">The encoded result; null if it failed or has none.</param>
/// <param name="Error">The encoded failure; null if it succeeded.</param>
/// <param name="Format">Column <c>serialization</c>: the format of output or error.</param>
/// <param name="ChildId">Column <c>child_workflow_id</c>.</param>
/// <param name="StartedAtMs">Column <c>started_at_epoch_ms</c>.</param>
/// <param name="CompletedAtMs">Column <c>completed_at_epoch_ms</c>.</param>
internal sealed record CheckpointRow(
    int Sequence, string Name, string? Output, string? Error, string? Format, string? ChildId, long? StartedAtMs, long? CompletedAtMs);
