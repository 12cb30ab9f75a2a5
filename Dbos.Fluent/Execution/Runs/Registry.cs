using System.Collections.Frozen;

namespace Dbos.Fluent.Execution;

/// <summary>The definitions whose code an engine has, by name. Built once.</summary>
internal sealed class Registry
{
    private readonly FrozenDictionary<string, WorkflowDefinition> definitions;

    /// <exception cref="ConflictingRegistrationException">Two different definitions have one name.</exception>
    /// <exception cref="WorkflowNotRegisteredException">A definition is only declared.</exception>
    public Registry(IEnumerable<WorkflowDefinition> registered)
    {
        var byName = new Dictionary<string, WorkflowDefinition>(StringComparer.Ordinal);
        foreach (var definition in registered)
        {
            if (!definition.HasBody)
            {
                throw new WorkflowNotRegisteredException(
                    definition.Name,
                "it is declared without a body. Register its definition where the code is; a declared one is only started and awaited.");
            }

            if (!byName.TryAdd(definition.Name, definition) && byName[definition.Name] != definition)
            {
                throw ConflictingRegistrationException.OfWorkflow(definition.Name);
            }
        }

        definitions = byName.ToFrozenDictionary(StringComparer.Ordinal);
        Names = [.. byName.Keys.Order(StringComparer.Ordinal)];
    }

    /// <summary>All names, sorted.</summary>
    public IReadOnlyList<string> Names { get; }

    public IEnumerable<WorkflowDefinition> Definitions => Names.Select(name => definitions[name]);

    public WorkflowDefinition? Find(string name) => definitions.GetValueOrDefault(name);

    /// <summary>Checks that this very definition is registered here, as a start needs it.</summary>
    /// <exception cref="WorkflowNotRegisteredException">The definition is not registered.</exception>
    public void Require(WorkflowDefinition definition)
    {
        if (Find(definition.Name) != definition)
        {
            throw new WorkflowNotRegisteredException(
                definition.Name,
                Find(definition.Name) is null
                    ? $"it is not registered with this engine. "
                    + $"Add it when launching: WorkflowEngine.LaunchAsync(o => o.Add({definition.Name}))."
                    : "another definition is registered under this name. Start the one that was registered.");
        }
    }
}
