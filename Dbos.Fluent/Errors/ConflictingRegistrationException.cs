namespace Dbos.Fluent;

/// <summary>Two different things were registered under one name.</summary>
public sealed class ConflictingRegistrationException : DbosException
{
    internal ConflictingRegistrationException(string what, string name)
        : base(
            "DBOS1003",
            $"Two different {what}s are registered under the name '{name}'. Rename one: a name finds the code of stored work again.") =>
        Name = name;

    /// <summary>The name they share.</summary>
    public string Name { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["name"] = Name };
}
