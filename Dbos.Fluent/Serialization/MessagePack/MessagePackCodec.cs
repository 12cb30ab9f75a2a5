using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dbos.Fluent.Serialization.Contracts;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.MessagePack;

/// <summary>The exact format: base64 of a version byte and one MessagePack value, by <c>System.Text.Json</c> contracts.</summary>
internal sealed class MessagePackCodec(JsonSerializerOptions contracts, SerializationLimits limits) : IPayloadCodec
{
    /// <summary>The first byte. Other encodings (a direct codec, compressed bytes) will have other numbers.</summary>
    public const byte Version = 1;

    public string Format => PayloadSerializer.NativeFormat;

    public DeclaredTypes Types { get; } = new(contracts);

    /// <summary>True if a text of unknown format must be ours: no JSON value begins with the base64 of the version byte.</summary>
    public static bool Recognises(string text) => text.StartsWith('A');

    public string Encode(object? value, Type type)
    {
        using var json = new PooledBuffer(limits.JsonBytesMax);
        JsonValue.Write(json, value, contracts.GetTypeInfo(type));
        using var bytes = new PooledBuffer(limits.BytesMax, json.Length + 1);
        bytes.WriteByte(Version);
        JsonToMessagePack.Write(json.Written, bytes);
        return Convert.ToBase64String(bytes.Written);
    }

    public object? Decode(string text, Type type)
    {
        using var json = ReadJson(text);
        return JsonSerializer.Deserialize(json.Written, contracts.GetTypeInfo(type));
    }

    public string EncodeInput(object? input, Type type) => Encode(input, type);

    public object? DecodeInput(string text, Type type) => Decode(text, type);

    public string ToJson(string text)
    {
        using var json = ReadJson(text);
        return Encoding.UTF8.GetString(json.Written);
    }

    private PooledBuffer ReadJson(string text)
    {
        if (text.Length / 4 * 3L > limits.BytesMax + 3L)
        {
            throw PooledBuffer.TooLarge(limits.BytesMax);
        }

        var rented = ArrayPool<byte>.Shared.Rent((text.Length / 4 * 3) + 3);
        try
        {
            return Convert.TryFromBase64String(text, rented, out var count)
                ? ToJson(rented.AsSpan(0, count))
                : throw new InvalidDataException("the stored text is not base64: it is damaged or was not written by this library");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private PooledBuffer ToJson(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > limits.BytesMax)
        {
            throw PooledBuffer.TooLarge(limits.BytesMax);
        }

        if (bytes is not [Version, ..])
        {
            throw new InvalidDataException(bytes.IsEmpty
                ? "the stored text is empty"
                : string.Create(CultureInfo.InvariantCulture, $"its version is {bytes[0]} and this library reads {Version}; ")
                    + "read it with the library that wrote it");
        }

        var json = new PooledBuffer(limits.JsonBytesMax, bytes.Length + (bytes.Length / 4) + 64);
        try
        {
            MessagePackToJson.Write(bytes[1..], json);
            return json;
        }
        catch
        {
            json.Dispose();
            throw;
        }
    }
}
