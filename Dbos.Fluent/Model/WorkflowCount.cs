namespace Dbos.Fluent;

/// <summary>The number of workflows in one group, at the moment they were counted.</summary>
/// <param name="Key">The value that the workflows share; see <see cref="CountBy"/>.</param>
/// <param name="Count">How many workflows share it.</param>
/// <param name="Oldest">When the oldest of them was created, on the database's clock.</param>
public sealed record WorkflowCount(string Key, long Count, DateTimeOffset? Oldest);
