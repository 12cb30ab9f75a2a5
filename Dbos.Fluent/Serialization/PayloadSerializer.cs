using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization.Contracts;
using Dbos.Fluent.Serialization.MessagePack;
using Dbos.Fluent.Serialization.Portable;

namespace Dbos.Fluent.Serialization;

/// <summary>Converts values to payloads and back: selects the codec by format, checks the limits and reports what failed.</summary>
/// <remarks>Safe for concurrent use. Later changes to the user's options have no effect on it.</remarks>
internal sealed class PayloadSerializer(JsonSerializerOptions? options = null, SerializationLimits? limits = null)
{
    /// <summary>The name of the exact format in the column <c>serialization</c>.</summary>
    public const string NativeFormat = "dotnet_msgpack";

    /// <summary>The name of the cross-language format in the column <c>serialization</c>.</summary>
    public const string PortableFormat = "portable_json";

    /// <summary>The name of the DBOS for TypeScript format, which this library does not read.</summary>
    public const string TypeScriptFormat = "js_superjson";

    private readonly IPayloadCodec native = new MessagePackCodec(JsonContracts.Native(options), limits ?? new());
    private readonly IPayloadCodec portable = new PortableJsonCodec(JsonContracts.Portable(options), limits ?? new());

    public SerializationLimits Limits { get; } = limits ?? new();

    public JsonSerializerOptions? Options { get; } = options;

    /// <summary>Encodes a value by the contract of <paramref name="type"/>. Null is a value: its text is never null.</summary>
    /// <exception cref="SerializationFailedException">The value has no contract, is too deep or too large.</exception>
    public Payload Encode(object? value, Type type, PayloadFormat format)
    {
        var codec = CodecOf(format);
        try
        {
            CheckReadable(codec, value, type);
            return new Payload(codec.Encode(value, type), codec.Format);
        }
        catch (Exception exception) when (SerializationFailure.IsOne(exception))
        {
            throw SerializationFailure.OnWrite(type, codec.Format, exception);
        }
    }

    /// <summary>Decodes a payload as <paramref name="type"/>; a null text gives the default of the type.</summary>
    /// <exception cref="SerializationFailedException">The format is not one of ours, or the text is not a value of the type.</exception>
    public object? Decode(Payload payload, Type type)
    {
        if (payload.Text is null)
        {
            return JsonContracts.Default(type);
        }

        var codec = CodecOf(payload, type);
        try
        {
            return codec.Decode(payload.Text, type);
        }
        catch (Exception exception) when (SerializationFailure.IsOne(exception))
        {
            throw SerializationFailure.OnRead(type, codec.Format, exception);
        }
    }

    /// <summary>Encodes a workflow's input: the value itself, or the envelope of the portable format.</summary>
    /// <exception cref="SerializationFailedException">The value has no contract, is too deep or too large.</exception>
    public Payload EncodeInput(object? input, Type type, PayloadFormat format)
    {
        var codec = CodecOf(format);
        try
        {
            CheckReadable(codec, input, type);
            return new Payload(codec.EncodeInput(input, type), codec.Format);
        }
        catch (Exception exception) when (SerializationFailure.IsOne(exception))
        {
            throw SerializationFailure.OnWrite(type, codec.Format, exception);
        }
    }

    /// <summary>Encodes the only argument of a workflow that is known only by name, in the exact format.</summary>
    /// <exception cref="SerializationFailedException">The argument has no contract, is too deep or too large.</exception>
    public Payload EncodeArgument(object? argument) =>
        new(EncodeArgument(argument, CodecOf(PayloadFormat.MessagePack)), NativeFormat);

    /// <summary>
    /// Encodes the arguments of a workflow that is known only by name, each by the contract of its own type or of the base type that
    /// declares it.
    /// </summary>
    /// <exception cref="SerializationFailedException">An argument has no contract, is too deep or too large.</exception>
    public Payload EncodeArguments(IReadOnlyList<object?> arguments, IReadOnlyDictionary<string, object?> namedArguments)
    {
        var positional = string.Join(',', arguments.Select(argument => EncodeArgument(argument, portable)));
        var named = string.Join(
            ',',
            namedArguments.Select(argument => EncodeArgument(argument.Key, portable) + ":" + EncodeArgument(argument.Value, portable)));
        var envelope = $"{{\"positionalArgs\":[{positional}],\"namedArgs\":{{{named}}}}}";
        return Encoding.UTF8.GetByteCount(envelope) <= Limits.BytesMax
            ? new Payload(envelope, PortableFormat)
            : throw SerializationFailure.OnWrite(
                typeof(object), PortableFormat, new JsonException("together the arguments are larger than a payload may be"));
    }

    /// <summary>Decodes a workflow's input; a portable envelope's arguments bind to the members of the type.</summary>
    /// <exception cref="SerializationFailedException">
    /// The format is not one of ours, the arguments do not fit the type, or nothing is stored and the type is not <see cref="Unit"/>.
    /// </exception>
    public object? DecodeInput(Payload payload, Type type)
    {
        if (payload.Text is null)
        {
            // Every writer stores an input, even a null one. A row without an input is damaged, and a default would be invented.
            return type == typeof(Unit) ? default(Unit) : throw SerializationFailure.OfNoInput(type);
        }

        var codec = CodecOf(payload, type);
        try
        {
            return codec.DecodeInput(payload.Text, type) ?? Missing(type);
        }
        catch (Exception exception) when (SerializationFailure.IsOne(exception))
        {
            throw SerializationFailure.OnRead(type, codec.Format, exception);
        }
    }

    // For a missing value of a type without null, zero would be an amount or id that no caller gave.
    private static object? Missing(Type type) => type == typeof(Unit) ? default(Unit)
        : JsonContracts.Default(type) is null ? null
        : throw SerializationFailure.OfNoArgument(type);

    /// <summary>
    /// Encodes a failure. It never throws: a failure that is too large is cut, and below level eleven only the innermost is kept.
    /// </summary>
    public Payload EncodeFailure(RecordedFailure failure, PayloadFormat format)
    {
        SerializationFailedException? tooLarge = null;
        foreach (var less in FailureCuts.Of(failure).Prepend(failure))
        {
            try
            {
                return Encode(less, typeof(RecordedFailure), format);
            }
            catch (SerializationFailedException exception)
            {
                tooLarge ??= exception;
            }
        }

        throw tooLarge ?? throw new UnreachableException("A failure has been encoded or has not.");
    }

    /// <summary>Encodes the failure that ends a workflow, for all readers that use the format in the workflow's row.</summary>
    public Payload EncodeFailure(RecordedFailure failure, string? format)
    {
        var payload = EncodeFailure(failure, FormatOf(format));
        var both = format == TypeScriptFormat ? TypeScriptFailure.Beside(payload.Text!, failure) : null;
        return both?.Length <= Limits.BytesMax ? payload with { Text = both } : payload;
    }

    /// <summary>Decodes a failure. It never throws: a text that cannot be decoded becomes a failure that holds it.</summary>
    public RecordedFailure DecodeFailure(Payload payload)
    {
        try
        {
            // A workflow whose input only another SDK can read failed here for that reason: its row names that SDK's format, but its
            // failure has ours.
            var isOurs = TryCodecOf(payload) is null && PortableFailure.IsOne(payload.Text);
            var readable = isOurs ? payload with { Format = PortableFormat } : payload;
            return (RecordedFailure?)Decode(readable, typeof(RecordedFailure)) ?? SerializationFailure.Undecodable(payload, "it is null");
        }
        catch (SerializationFailedException exception)
        {
            return SerializationFailure.Undecodable(payload, exception.Message);
        }
    }

    /// <summary>A payload as readable JSON, for people. It never throws: a payload that cannot be decoded is returned as stored.</summary>
    public string? ToReadableJson(Payload payload)
    {
        if (payload.Text is null || TryCodecOf(payload) is not { } codec)
        {
            return payload.Text;
        }

        try
        {
            return codec.ToJson(payload.Text);
        }
        catch (Exception exception) when (SerializationFailure.IsOne(exception))
        {
            return payload.Text;
        }
    }

    /// <summary>
    /// The format for payloads that follow from one in the named format. For another SDK's own format, it is the one that SDK reads.
    /// </summary>
    public static PayloadFormat FormatOf(string? name) =>
        name is null or NativeFormat ? PayloadFormat.MessagePack : PayloadFormat.PortableJson;

    // The reader has its own type for the argument, so the type here need not be readable.
    private static string EncodeArgument(object? argument, IPayloadCodec codec)
    {
        try
        {
            return codec.Encode(argument, codec.Types.Of(argument));
        }
        catch (Exception exception) when (SerializationFailure.IsOne(exception))
        {
            throw SerializationFailure.OnWrite(argument?.GetType() ?? typeof(object), codec.Format, exception);
        }
    }

    private static void CheckReadable(IPayloadCodec codec, object? value, Type type)
    {
        if (value is not null)
        {
            codec.Types.CheckReadable(type);
        }
    }

    private IPayloadCodec CodecOf(PayloadFormat format) => format == PayloadFormat.PortableJson ? portable : native;

    private IPayloadCodec CodecOf(Payload payload, Type type) =>
        TryCodecOf(payload) ?? throw SerializationFailure.OfFormat(type, payload.Format!);

    // A row without a format is older, or its writer omits the format: the two forms cannot be confused.
    private IPayloadCodec? TryCodecOf(Payload payload) => payload.Format switch
    {
        NativeFormat => native,
        PortableFormat => portable,
        null => payload.Text is { } text && MessagePackCodec.Recognises(text) ? native : portable,
        _ => null,
    };
}
