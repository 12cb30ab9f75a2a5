namespace Dbos.Fluent;

/// <summary>An engine was to run a workflow whose definition it does not know.</summary>
public sealed class WorkflowNotRegisteredException : DbosException
{
    internal WorkflowNotRegisteredException(string name, string why)
        : base("DBOS1002", $"Workflow '{name}' cannot run here: {why}") => Name = name;

    /// <summary>The definition's name.</summary>
    public string Name { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["name"] = Name };
}
