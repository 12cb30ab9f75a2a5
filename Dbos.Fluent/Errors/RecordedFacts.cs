using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Dbos.Fluent.Errors;

/// <summary>
/// Writes the typed facts of this library's exceptions for storage with a failure, and rebuilds the exceptions from them.
/// </summary>
internal static class RecordedFacts
{
    private const string Namespace = "Dbos.Fluent.";

    public static string? ToJson(DbosException exception)
    {
        if (exception.Facts.Count == 0)
        {
            return null;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in exception.Facts)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>
    /// The exception of this library that the failure records; null if it records another, or if its facts are not as written here.
    /// </summary>
    public static DbosException? ToException(RecordedFailure failure)
    {
        if (failure.Data is null
            || !failure.TypeName.StartsWith(Namespace, StringComparison.Ordinal)
            || Read(failure.Data) is not { } facts)
        {
            return null;
        }

        string Fact(string name) => facts.GetValueOrDefault(name, "");
        return failure.TypeName[Namespace.Length..] switch
        {
            nameof(UnexpectedStepException) when int.TryParse(Fact("sequence"), CultureInfo.InvariantCulture, out var sequence) =>
                new UnexpectedStepException(Fact("workflowId"), sequence, Fact("expectedStep"), Fact("recordedStep")),
            nameof(WorkflowFailedException) when failure.Inner.Count > 0 =>
                new WorkflowFailedException(Fact("workflowId"), failure.Inner[0]),
            nameof(AwaitedWorkflowCancelledException) when Enum.TryParse<CancellationReason>(Fact("reason"), out var reason) =>
                new AwaitedWorkflowCancelledException(Fact("workflowId"), reason),
            nameof(MaxRecoveryAttemptsExceededException) => new MaxRecoveryAttemptsExceededException(Fact("workflowId")),
            nameof(NonExistentWorkflowException) => new NonExistentWorkflowException(Fact("workflowId")),
            nameof(ConflictingWorkflowException) when facts.TryGetValue("deduplicationId", out var held) =>
                ConflictingWorkflowException.OfHolder(
                    Fact("workflowId"), Fact("startedName"), Fact("existingName"), Fact("queue"), held),
            nameof(ConflictingWorkflowException) =>
                new ConflictingWorkflowException(Fact("workflowId"), Fact("startedName"), Fact("existingName")),
            nameof(WorkflowIdInUseException)
                when Enum.TryParse<WorkflowState>(Fact("state"), out var state) && facts.TryGetValue("parentId", out var parentId) =>
                WorkflowIdInUseException.OfChild(Fact("workflowId"), parentId, Fact("existingName"), state),
            nameof(WorkflowIdInUseException) when Enum.TryParse<WorkflowState>(Fact("state"), out var state) =>
                new WorkflowIdInUseException(Fact("workflowId"), Fact("existingName"), state),
            nameof(QueueDeduplicatedException) => new QueueDeduplicatedException(
                Fact("workflowId"), Fact("queue"), Fact("deduplicationId"), facts.GetValueOrDefault("holderId")),
            _ => null,
        };
    }

    // The text may come from another writer, or from a user's exception with a name like ours. An escaped half of a surrogate pair is valid
    // JSON but not valid text.
    private static Dictionary<string, string>? Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind != JsonValueKind.Object
                ? null
                : document.RootElement.EnumerateObject()
                    .Where(fact => fact.Value.ValueKind == JsonValueKind.String)
                    .GroupBy(fact => fact.Name, fact => fact.Value.GetString()!, StringComparer.Ordinal)
                    .ToDictionary(facts => facts.Key, facts => facts.Last(), StringComparer.Ordinal);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
