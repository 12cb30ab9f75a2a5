namespace Dbos.Fluent;

/// <summary>A version of an application's code that an engine was launched with.</summary>
/// <param name="Name">The version, as the rows of workflows store it.</param>
/// <param name="RegisteredAt">When an engine was first launched with this version, on the database's clock.</param>
/// <param name="IsLatest">True for the version that takes workflows which are bound to no version.</param>
public sealed record ApplicationVersionInfo(string Name, DateTimeOffset RegisteredAt, bool IsLatest);
