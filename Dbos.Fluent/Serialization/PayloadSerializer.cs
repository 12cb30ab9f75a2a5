using System.Text.Json;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Serialization;

/// <summary>Values to payloads and back: picks the codec by format, checks the limits, and names what failed.</summary>
internal sealed class PayloadSerializer(JsonSerializerOptions? options = null)
{
    /// <summary>Name of the exact format in the column <c>serialization</c>.</summary>
    public const string NativeFormat = "dotnet_msgpack";

    /// <summary>Name of the cross-language format in the column <c>serialization</c>.</summary>
    public const string PortableFormat = "portable_json";

    public JsonSerializerOptions? Options { get; } = options;

    /// <summary>Encodes a value by the contract of <paramref name="type"/>. Null is a value: its text is never null.</summary>
    /// <exception cref="SerializationFailedException">The value has no contract, is too deep or too large.</exception>
    public Payload Encode(object? value, Type type, PayloadFormat format) => throw new NotImplementedException();

    /// <summary>Decodes a payload as <paramref name="type"/>; a null text is the default of the type.</summary>
    /// <exception cref="SerializationFailedException">The format is not one of ours, or the text is not a value of the type.</exception>
    public object? Decode(Payload payload, Type type) => throw new NotImplementedException();

    /// <summary>Encodes a workflow's input: the value itself, or the envelope of the portable format.</summary>
    public Payload EncodeInput(object? input, Type type, PayloadFormat format) => throw new NotImplementedException();

    /// <summary>Decodes a workflow's input; a portable envelope's arguments bind to the members of the type.</summary>
    public object? DecodeInput(Payload payload, Type type) => throw new NotImplementedException();

    /// <summary>Encodes a failure.</summary>
    public Payload EncodeFailure(RecordedFailure failure, PayloadFormat format) => throw new NotImplementedException();

    /// <summary>Decodes a failure. It never throws: what cannot be decoded becomes a failure that holds the text.</summary>
    public RecordedFailure DecodeFailure(Payload payload) => throw new NotImplementedException();

    /// <summary>A payload as readable JSON, for people. It never throws: what cannot be decoded is given as it is stored.</summary>
    public string? ToReadableJson(Payload payload) => throw new NotImplementedException();

    /// <summary>The format a payload of this name is written in, for what follows from it.</summary>
    public static PayloadFormat FormatOf(string? name) => name == PortableFormat ? PayloadFormat.PortableJson : PayloadFormat.MessagePack;
}
