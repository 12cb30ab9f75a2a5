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
    // What an array of the database adds to each of its elements: their lengths.
    private const int RowBytes = 32;

    /// <summary>Encodes messages that are sent at once.</summary>
    /// <exception cref="SerializationFailedException">
    /// One of them cannot be stored, or together they are more than a server takes: it would drop the connection each time, and the same
    /// send would be repeated for ever.
    /// </exception>
    public static MessageRow[] Rows(PayloadSerializer serializer, IReadOnlyList<OutgoingMessage> messages, PayloadFormat? format)
    {
        var rows = new MessageRow[messages.Count];
        var bytes = 0L;
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = Row(serializer, messages[i], format);
            bytes += BytesOf(rows[i]);
            if (bytes > serializer.Limits.SendBytesMax)
            {
                throw SerializationFailure.OfSend(messages[i].ValueType, i + 1, serializer.Limits.SendBytesMax);
            }
        }

        return rows;
    }

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

    private static long BytesOf(MessageRow row) =>
        RowBytes + BytesOf(row.Id) + BytesOf(row.DestinationId) + BytesOf(row.Topic) + BytesOf(row.Value.Text) + BytesOf(row.Value.Format);

    private static long BytesOf(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);

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
