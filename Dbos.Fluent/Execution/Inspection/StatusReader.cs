using System.Text.Json;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Reads workflow rows for people, with payloads as readable JSON. A payload that cannot be decoded is shown as it is stored.
/// </summary>
internal sealed class StatusReader(IWorkflowStore store, PayloadSerializer serializer)
{
    public async Task<WorkflowStatus?> ReadAsync(string workflowId, CancellationToken cancellationToken)
    {
        var row = await StoreBackoff.RepeatAsync(_ => store.ReadAsync(workflowId, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        return row is null ? null : ToStatus(row);
    }

    public async Task<WorkflowHistory?> ReadHistoryAsync(string workflowId, CancellationToken cancellationToken)
    {
        var read = await StoreBackoff.RepeatInTimeAsync(
            "read a history", _ => store.ReadHistoryAsync(workflowId, cancellationToken), cancellationToken).ConfigureAwait(false);
        return read is { } history ? new WorkflowHistory(ToStatus(history.Row), [.. history.Checkpoints.Select(ToCheckpoint)]) : null;
    }

    public WorkflowStatus ToStatus(WorkflowRow row) => row.Status with
    {
        Attributes = Attributes(row.AttributesJson),
        Input = serializer.ToReadableJson(row.Input),
        Output = serializer.ToReadableJson(row.Output),
        // The row of a workflow that another SDK has resumed keeps the error of its cancellation until the workflow's own outcome
        // overwrites it. If it is then given up, it has no error of its own.
        Error = row.Error.Text is not null && row.Status.State is WorkflowState.Error or WorkflowState.Cancelled
            ? serializer.DecodeFailure(row.Error)
            : null,
    };

    private Checkpoint ToCheckpoint(CheckpointRow row) => new(
        row.Sequence,
        row.Name,
        serializer.ToReadableJson(new Payload(row.Output, row.Format)),
        row.Error is null ? null : serializer.DecodeFailure(new Payload(row.Error, row.Format)),
        row.ChildId,
        EpochMs.ToMoment(row.StartedAtMs),
        EpochMs.ToMoment(row.CompletedAtMs));

    // Another writer may store anything, even half of an escaped surrogate pair, which is JSON but not text. One such row must not make a
    // whole list unreadable.
    private static Dictionary<string, object?>? Attributes(string? json)
    {
        if (json is null)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind != JsonValueKind.Object ? null : document.RootElement.EnumerateObject()
                .GroupBy(member => member.Name, StringComparer.Ordinal)
                .ToDictionary(members => members.Key, members => Value(members.Last().Value), StringComparer.Ordinal);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static object? Value(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out var whole) ? (object)whole : element.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null => null,
        _ => element.GetRawText(),
    };
}
