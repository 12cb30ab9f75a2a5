using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Refuses half surrogate pairs, which UTF-8 cannot hold and the serializer would silently replace.</summary>
internal sealed class StrictStringConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Text(ref reader);

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Text(ref reader)!;

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Checked(value));

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WritePropertyName(Checked(value));

    // JavaScript writes half a pair as an escape, which the reader refuses without a clear message.
    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException exception) when (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
        {
            throw new JsonException(
                "a text holds half a surrogate pair, which is no text in any encoding; its writer probably cut it inside a character",
                exception);
        }
    }

    private static string Checked(string text)
    {
        var rest = text.AsSpan();
        for (var at = rest.IndexOfAnyInRange('\ud800', '\udfff'); at >= 0; at = rest.IndexOfAnyInRange('\ud800', '\udfff'))
        {
            rest = rest[at..];
            Rune.DecodeFromUtf16(rest, out var rune, out var consumed);
            if (consumed != 2)
            {
                throw StrictCharConverter.HalfPair(rest[0]);
            }

            rest = rest[2..];
        }

        return text;
    }
}

/// <summary>Refuses a character that is half a surrogate pair.</summary>
internal sealed class StrictCharConverter : JsonConverter<char>
{
    public override char Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString() is [var only] ? only : throw new JsonException("a text of one character is needed");

    public override void Write(Utf8JsonWriter writer, char value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Checked(ref value));

    public override char ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Read(ref reader, typeToConvert, options);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, char value, JsonSerializerOptions options) =>
        writer.WritePropertyName(Checked(ref value));

    private static ReadOnlySpan<char> Checked(ref readonly char value) =>
        char.IsSurrogate(value) ? throw HalfPair(value) : new ReadOnlySpan<char>(in value);

    internal static JsonException HalfPair(char unit) => new(
        $"a text holds half a surrogate pair (U+{(int)unit:X4}), which no encoding can store; it was probably cut inside a character. "
        + "Repair the text, or store its UTF-16 units as numbers");
}
