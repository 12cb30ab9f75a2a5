namespace Dbos.Fluent;

/// <summary>
/// A start was refused because another workflow of the queue, not yet ended, holds its deduplication id. Nothing was stored.
/// </summary>
public sealed class QueueDeduplicatedException : DbosException
{
    private const string Attach = "Await that one, or start with DeduplicationPolicy.ReturnExisting to attach to it.";

    // The other holder may be of a definition whose name and key make up the same text, of another application, or a plain start.
    private const string Apart =
        "It is no waiting start that debounced calls of this definition and application share. Use another key, or a queue for them alone.";

    internal QueueDeduplicatedException(string workflowId, string queue, string deduplicationId, string? holderId, bool debounced = false)
        : base(
            "DBOS2005",
            $"Workflow '{workflowId}' was not started: the deduplication id '{deduplicationId}' of queue '{queue}' is held by "
            + (holderId is null
                ? "a workflow that has ended meanwhile. Start it again."
                : $"workflow '{holderId}', which has not ended. {(debounced ? Apart : Attach)}")) =>
        (WorkflowId, Queue, DeduplicationId, HolderId) = (workflowId, queue, deduplicationId, holderId);

    /// <summary>The workflow that was not started.</summary>
    public string WorkflowId { get; }

    /// <summary>The queue in which the deduplication id is held.</summary>
    public string Queue { get; }

    /// <summary>The deduplication id in use.</summary>
    public string DeduplicationId { get; }

    /// <summary>The workflow that holds it; null if that workflow had ended when it was looked up.</summary>
    public string? HolderId { get; }

    internal override IReadOnlyDictionary<string, string> Facts
    {
        get
        {
            var facts = new Dictionary<string, string>
            {
                ["workflowId"] = WorkflowId,
                ["queue"] = Queue,
                ["deduplicationId"] = DeduplicationId,
            };
            if (HolderId is not null)
            {
                facts["holderId"] = HolderId;
            }

            return facts;
        }
    }
}
