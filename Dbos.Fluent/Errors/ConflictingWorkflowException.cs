namespace Dbos.Fluent;

/// <summary>A workflow of another definition holds the id of a start, or the deduplication id by which the start was to attach.</summary>
public sealed class ConflictingWorkflowException : DbosException
{
    internal ConflictingWorkflowException(string workflowId, string startedName, string existingName)
        : this(
            workflowId,
            startedName,
            existingName,
            $"Workflow '{startedName}' was started with the id '{workflowId}', which belongs to a workflow '{existingName}'. "
            + "Make ids unique across definitions, for example by beginning them with the definition's name.")
    {
    }

    private ConflictingWorkflowException(string workflowId, string startedName, string existingName, string message)
        : base("DBOS2001", message) => (WorkflowId, StartedName, ExistingName) = (workflowId, startedName, existingName);

    /// <summary>The start was to attach to the holder of its deduplication id.</summary>
    internal static ConflictingWorkflowException OfHolder(
        string holderId, string startedName, string existingName, string queue, string deduplicationId) => new(
        holderId,
        startedName,
        existingName,
        $"Workflow '{startedName}' was started on the queue '{queue}' with the deduplication id '{deduplicationId}', to attach to the "
        + $"workflow that holds it; but the holder is '{holderId}', a workflow '{existingName}'. "
        + "Make deduplication ids unique across the definitions of a queue, for example by beginning them with the definition's name.")
        {
            Held = (queue, deduplicationId),
        };

    /// <summary>The id both claim; for a deduplication id, the id of the workflow that holds it.</summary>
    public string WorkflowId { get; }

    /// <summary>The name of the definition that was to be started.</summary>
    public string StartedName { get; }

    /// <summary>The name of the definition that has the id.</summary>
    public string ExistingName { get; }

    // The deduplication id both claim; null if the conflict is about the workflow's id.
    private (string Queue, string DeduplicationId)? Held { get; init; }

    internal override IReadOnlyDictionary<string, string> Facts
    {
        get
        {
            var facts = new Dictionary<string, string>
            {
                ["workflowId"] = WorkflowId,
                ["startedName"] = StartedName,
                ["existingName"] = ExistingName,
            };
            if (Held is { } held)
            {
                (facts["queue"], facts["deduplicationId"]) = held;
            }

            return facts;
        }
    }
}
