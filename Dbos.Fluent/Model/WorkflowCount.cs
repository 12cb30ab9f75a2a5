namespace Dbos.Fluent;

/// <summary>How many workflows there are of one kind, at the moment they were counted.</summary>
/// <param name="Key">What they have in common; see <see cref="CountBy"/>.</param>
/// <param name="Count">How many workflows have it.</param>
/// <param name="Oldest">When the oldest of them was made, on the database's clock.</param>
public sealed record WorkflowCount(string Key, long Count, DateTimeOffset? Oldest);
