using Dbos.Fluent.Serialization.Contracts;

namespace Dbos.Fluent.Serialization;

/// <summary>Converts values to the text of a column and back, in one stored format.</summary>
/// <remarks>
/// The seam at which a codec can be replaced (another MessagePack library) or wrapped (compression, encryption). A codec may throw any
/// exception of its reader, the contracts or the user's converters: <see cref="PayloadSerializer"/> adds the type and the remedy.
/// </remarks>
internal interface IPayloadCodec
{
    /// <summary>The format's name in the column <c>serialization</c>.</summary>
    string Format { get; }

    /// <summary>Facts about types from the codec's contracts.</summary>
    DeclaredTypes Types { get; }

    /// <summary>Encodes a value by the contract of <paramref name="type"/>.</summary>
    string Encode(object? value, Type type);

    /// <summary>Decodes a value; null only if the text holds the null of the type.</summary>
    object? Decode(string text, Type type);

    /// <summary>Encodes a workflow's input in the input form of this format.</summary>
    string EncodeInput(object? input, Type type);

    /// <summary>Decodes a workflow's input; null also if no argument was given.</summary>
    object? DecodeInput(string text, Type type);

    /// <summary>The text as JSON, for people.</summary>
    string ToJson(string text);
}
