namespace Dbos.Fluent;

/// <summary>A message that was sent to a workflow.</summary>
/// <param name="Id">The message's id: made from the idempotency key and the receiver where a key was given, otherwise generated.</param>
/// <param name="Topic">The message's topic; null for none.</param>
/// <param name="Value">The value as readable JSON; the stored text where it cannot be decoded.</param>
/// <param name="SentAt">When it was stored, on the database's clock.</param>
/// <param name="Consumed">
/// True once the workflow has received it. The message stays stored, so that its idempotency key is remembered.
/// </param>
public sealed record MessageInfo(string Id, string? Topic, string Value, DateTimeOffset SentAt, bool Consumed);
