namespace Dbos.Fluent;

/// <summary>A value could not be encoded, or a stored value could not be decoded as the requested type.</summary>
public sealed class SerializationFailedException : DbosException
{
    internal SerializationFailedException(string typeName, string what, Exception? inner = null, string? workflowId = null)
        : base("DBOS1005", what, inner) => (TypeName, WorkflowId) = (typeName, workflowId);

    /// <summary>The workflow whose input, result, event, stream or message it is; null if it belongs to no workflow yet.</summary>
    public string? WorkflowId { get; }

    /// <summary>Full name of the type that was to be encoded or decoded.</summary>
    public string TypeName { get; }

    internal override IReadOnlyDictionary<string, string> Facts => WorkflowId is null
        ? new Dictionary<string, string> { ["typeName"] = TypeName }
        : new Dictionary<string, string> { ["typeName"] = TypeName, ["workflowId"] = WorkflowId };
}
