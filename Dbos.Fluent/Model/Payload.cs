namespace Dbos.Fluent.Model;

/// <summary>An encoded value and the name of its format, as they stand in a TEXT column and its sibling <c>serialization</c>.</summary>
/// <remarks>Storage moves payloads; only Serialization looks inside.</remarks>
internal readonly record struct Payload(string? Text, string? Format);
