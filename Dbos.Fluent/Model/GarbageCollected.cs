namespace Dbos.Fluent;

/// <summary>What a collection has deleted.</summary>
/// <param name="Workflows">How many workflows were deleted, each with everything that belonged to it.</param>
public sealed record GarbageCollected(long Workflows);
