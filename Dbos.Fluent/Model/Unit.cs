namespace Dbos.Fluent;

/// <summary>The result of a step or workflow without a result: one value, equal to itself, used where C# would write <c>void</c>.</summary>
public readonly record struct Unit;
