using System.Security.Cryptography;
using System.Text;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Messages on their way into the database.</summary>
internal static class Outbox
{
    /// <summary>Encodes a message.</summary>
    /// <remarks>
    /// A key is one of its destination alone, so the same key may go to two workflows; DBOS makes the id of both in the same way.
    /// </remarks>
    /// <exception cref="SerializationFailedException">The message cannot be stored.</exception>
    public static MessageRow Row(PayloadSerializer serializer, OutgoingMessage message, PayloadFormat? format) => new(
        message.IdempotencyKey is { } key ? IdOf(key, message.WorkflowId) : AscendingIds.Next(),
        message.WorkflowId,
        message.Topic,
        Encode(serializer, message, format ?? PayloadFormat.MessagePack));

    private static Payload Encode(PayloadSerializer serializer, OutgoingMessage message, PayloadFormat format)
    {
        try
        {
            return serializer.Encode(message.Value, message.ValueType, format);
        }
        catch (SerializationFailedException exception)
        {
            throw SerializationFailure.At(
                exception, message.WorkflowId, $"The message for workflow '{message.WorkflowId}' cannot be sent");
        }
    }

    // Two pairs of key and destination would make one id where the key holds the separator or could be the beginning of it, and the second
    // message would be taken for the first. Such a key counts by its digest.
    private static string IdOf(string key, string destinationId) =>
        key.Contains("::", StringComparison.Ordinal) || key.EndsWith(':')
            ? $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))}::{destinationId}"
            : $"{key}::{destinationId}";
}
