namespace Dbos.Fluent;

/// <summary>A message that was sent to a workflow.</summary>
/// <param name="Id">Its id: made of the idempotency key and the receiver where a key was given, otherwise its own.</param>
/// <param name="Topic">Its topic; null for none.</param>
/// <param name="Value">Its value as readable JSON; as it is stored where it cannot be decoded.</param>
/// <param name="SentAt">When it was stored, on the database's clock.</param>
/// <param name="Consumed">True once the workflow has received it; it is kept, so that its idempotency key is remembered.</param>
public sealed record MessageInfo(string Id, string? Topic, string Value, DateTimeOffset SentAt, bool Consumed);
