using Dbos.Fluent.Serialization.Contracts;

namespace Dbos.Fluent.Serialization;

/// <summary>One stored format: values to the text of a column and back.</summary>
/// <remarks>
/// The seam at which a codec can be replaced (another MessagePack library) or wrapped (compression, encryption). A codec may throw whatever
/// its reader, the contracts or the user's converters throw: <see cref="PayloadSerializer"/> names the type and the remedy.
/// </remarks>
internal interface IPayloadCodec
{
    /// <summary>The format's name in the column <c>serialization</c>.</summary>
    string Format { get; }

    /// <summary>What the codec's contracts say of whole types.</summary>
    DeclaredTypes Types { get; }

    /// <summary>Encodes a value by the contract of <paramref name="type"/>.</summary>
    string Encode(object? value, Type type);

    /// <summary>Decodes a value; null only where the text holds the null of the type.</summary>
    object? Decode(string text, Type type);

    /// <summary>Encodes a workflow's input in the form this format has for it.</summary>
    string EncodeInput(object? input, Type type);

    /// <summary>Decodes a workflow's input; null also where no argument was given.</summary>
    object? DecodeInput(string text, Type type);

    /// <summary>The text as JSON, for people.</summary>
    string ToJson(string text);
}
