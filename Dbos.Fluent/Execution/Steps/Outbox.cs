using System.Security.Cryptography;
using System.Text;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Makes the rows of messages to send.</summary>
internal static class Outbox
{
    // The overhead of each element of a database array: its lengths.
    private const int RowBytes = 32;

    /// <summary>Encodes messages that are sent together.</summary>
    /// <exception cref="SerializationFailedException">
    /// A message cannot be stored, or together they are larger than a server accepts. The server would drop the connection each time, and
    /// the same send would repeat forever.
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
    /// An idempotency key belongs to its destination, so one key may go to two workflows. DBOS makes the id of both in the same way.
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

    // If a key contains the separator or ends with its beginning, two pairs of key and destination could make the same id. The second
    // message would then be taken for the first. Such a key counts by its digest.
    private static string IdOf(string key, string destinationId) =>
        key.Contains("::", StringComparison.Ordinal) || key.EndsWith(':')
            ? $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))}::{destinationId}"
            : $"{key}::{destinationId}";
}
