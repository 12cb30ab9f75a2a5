namespace Dbos.Fluent;

/// <summary>A version of an application's code that an engine was launched with.</summary>
/// <param name="Name">The version, as it stands in the rows of workflows.</param>
/// <param name="RegisteredAt">When an engine was first launched with it, on the database's clock.</param>
/// <param name="IsLatest">True for the version that takes workflows which are bound to none.</param>
public sealed record ApplicationVersionInfo(string Name, DateTimeOffset RegisteredAt, bool IsLatest);
