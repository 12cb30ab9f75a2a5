namespace Dbos.Fluent;

/// <summary>A workflow was to be run by an engine that does not know its definition.</summary>
public sealed class WorkflowNotRegisteredException : DbosException
{
    internal WorkflowNotRegisteredException(string name, string why)
        : base("DBOS1002", $"Workflow '{name}' cannot run here: {why}") => Name = name;

    /// <summary>The definition's name.</summary>
    public string Name { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["name"] = Name };
}
