namespace Dbos.Fluent;

/// <summary>The result of what has no result: one value, equal to itself. It stands where C# would write <c>void</c>.</summary>
public readonly record struct Unit;
