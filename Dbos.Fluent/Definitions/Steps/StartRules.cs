namespace Dbos.Fluent.Definitions;

/// <summary>Checks which options of a start go together. A start refused here has written nothing.</summary>
internal static class StartRules
{
    /// <exception cref="ArgumentException">An option needs a queue or another option that is missing.</exception>
    public static void Check(StartOptions options)
    {
        if (options.Queue is null && Needing(options) is { } option)
        {
            throw new ArgumentException(
                $"{option} says something about a place in a queue: name the queue too (StartOptions.Queue).", nameof(options));
        }

        if (options is { DeduplicationPolicy: DeduplicationPolicy.ReturnExisting, DeduplicationId: null })
        {
            throw new ArgumentException(
                "DeduplicationPolicy.ReturnExisting attaches to the holder of a deduplication id: give one (StartOptions.DeduplicationId).",
                nameof(options));
        }
    }

    /// <exception cref="ArgumentException">The options do not go together, or a workflow that is only declared has no queue.</exception>
    public static StartOptions Check(StartOptions options, WorkflowDefinition definition)
    {
        Check(options);
        return options.Queue is not null || definition.HasBody
            ? options
            : throw new ArgumentException(
                $"Workflow '{definition.Name}' is only declared: its code lives elsewhere, so it cannot be started here. "
                + "Start it on a queue that those who have its code serve (StartOptions.Queue).",
                nameof(definition));
    }

    private static string? Needing(StartOptions options) =>
        options.Priority != 0 ? nameof(StartOptions.Priority)
        : options.DeduplicationId is not null ? nameof(StartOptions.DeduplicationId)
        : options.PartitionKey is not null ? nameof(StartOptions.PartitionKey)
        : null;
}
