using System.Text;
using System.Text.Json;
using Dbos.Fluent.Serialization.Contracts;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>The cross-language format: a bare JSON value, and for inputs the envelope of positional and named arguments.</summary>
internal sealed class PortableJsonCodec(JsonSerializerOptions contracts, SerializationLimits limits) : IPayloadCodec
{
    // A lone surrogate in a stored text is corruption and must not become a question mark in a value.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public string Format => PayloadSerializer.PortableFormat;

    public DeclaredTypes Types { get; } = new(contracts);

    public string Encode(object? value, Type type)
    {
        using var json = new PooledBuffer(limits.JsonBytesMax);
        if (value is RecordedFailure failure)
        {
            // The failure's own data is text of its writer, kept unchanged.
            PortableFailure.Write(json, failure);
            return json.Length <= limits.BytesMax ? Encoding.UTF8.GetString(json.Written) : throw PooledBuffer.TooLarge(limits.BytesMax);
        }

        JsonValue.Write(json, value, contracts.GetTypeInfo(type));
        return Finish(json);
    }

    public object? Decode(string text, Type type)
    {
        using var json = Utf8(text);
        return JsonValue.Read(json.Written, contracts.GetTypeInfo(type));
    }

    public string EncodeInput(object? input, Type type)
    {
        using var json = new PooledBuffer(limits.JsonBytesMax);
        json.Write("{\"positionalArgs\":"u8);
        if (type == typeof(Unit))
        {
            json.Write("[]"u8);
        }
        else if (ValueTupleConverter.IsValueTuple(type) && input is not null)
        {
            // A tuple becomes several arguments, so that it can call a function of several parameters in another language.
            JsonValue.Write(json, input, contracts.GetTypeInfo(type));
        }
        else
        {
            json.WriteByte((byte)'[');
            JsonValue.Write(json, input, contracts.GetTypeInfo(type));
            json.WriteByte((byte)']');
        }

        json.Write(",\"namedArgs\":{}}"u8);
        return Finish(json);
    }

    public object? DecodeInput(string text, Type type)
    {
        using var json = Utf8(text);
        var depth = new JsonDocumentOptions { MaxDepth = SerializationLimits.DepthMax + InputEnvelope.Levels };
        using var envelope = JsonDocument.Parse(json.WrittenMemory, depth);
        return new InputEnvelope(envelope.RootElement).Bind(contracts.GetTypeInfo(type));
    }

    public string ToJson(string text) => text;

    private string Finish(PooledBuffer json)
    {
        if (json.Written.IndexOf("\\u"u8) < 0)
        {
            return json.Length <= limits.BytesMax ? Encoding.UTF8.GetString(json.Written) : throw PooledBuffer.TooLarge(limits.BytesMax);
        }

        using var plain = new PooledBuffer(limits.BytesMax, json.Length);
        JsonText.CopyUnescaped(plain, json.Written);
        return Encoding.UTF8.GetString(plain.Written);
    }

    private PooledBuffer Utf8(string text)
    {
        var count = text.Length <= limits.BytesMax ? Strict.GetByteCount(text) : int.MaxValue;
        if (count > limits.BytesMax)
        {
            throw PooledBuffer.TooLarge(limits.BytesMax);
        }

        var json = new PooledBuffer(limits.BytesMax, Math.Max(count, 1));
        json.Advance(Strict.GetBytes(text, json.GetSpan(count)));
        return json;
    }
}
