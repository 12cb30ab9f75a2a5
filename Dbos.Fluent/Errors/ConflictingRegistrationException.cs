namespace Dbos.Fluent;

/// <summary>Two different workflows, queues or schedules have one name.</summary>
public sealed class ConflictingRegistrationException : DbosException
{
    private ConflictingRegistrationException(string name, string message)
        : base("DBOS1003", message) => Name = name;

    /// <summary>The name they share.</summary>
    public string Name { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["name"] = Name };

    internal static ConflictingRegistrationException OfWorkflow(string name) => new(
        name, $"Two different workflows are registered under the name '{name}'. Rename one: a name finds the code of stored work again.");

    internal static ConflictingRegistrationException OfQueue(string name, string applicationName) => new(
        name,
        $"The queue '{name}' belongs to application '{applicationName}' of the same database. Choose another name, or delete that queue.");

    internal static ConflictingRegistrationException OfQueues(string name) => new(
        name, $"Two queues with different limits are registered under the name '{name}'. Rename one, or register it once.");

    internal static ConflictingRegistrationException OfOthersSchedule(string name) => new(
        name, $"The schedule '{name}' belongs to another application of the same database. Choose another name, or delete that schedule.");

    internal static ConflictingRegistrationException OfSchedule(string name) => new(
        name, $"A schedule '{name}' exists. Choose another name, update it, or apply it: that creates and updates.");
}
