namespace Dbos.Fluent.Model;

/// <summary>An encoded value and the name of its format, as a TEXT column and its sibling <c>serialization</c> store them.</summary>
/// <remarks>Storage moves payloads; only Serialization looks inside.</remarks>
internal readonly record struct Payload(string? Text, string? Format);
