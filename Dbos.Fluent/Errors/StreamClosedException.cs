namespace Dbos.Fluent;

/// <summary>A write was refused because the workflow had closed the stream. Nothing was written.</summary>
public sealed class StreamClosedException : DbosException
{
    internal StreamClosedException(string workflowId, string key)
        : base(
            "DBOS5005",
            $"Stream '{key}' of workflow '{workflowId}' is closed, and its readers have been told that nothing follows. "
            + "Write before closing, or to another key.") =>
        (WorkflowId, Key) = (workflowId, key);

    /// <summary>The workflow whose stream it is.</summary>
    public string WorkflowId { get; }

    /// <summary>The stream's key.</summary>
    public string Key { get; }

    internal override IReadOnlyDictionary<string, string> Facts =>
        new Dictionary<string, string> { ["workflowId"] = WorkflowId, ["key"] = Key };
}
