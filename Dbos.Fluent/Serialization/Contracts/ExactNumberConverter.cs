using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Writes a number with all its digits, as a JSON number or a string; reads both.</summary>
/// <param name="asNumber">True for a value that is written as a JSON number, false for one written as a string.</param>
internal sealed class ExactNumberConverter<T>(Predicate<T> asNumber) : JsonConverter<T>
    where T : struct, INumber<T>
{
    // Parsing takes more than linear time in the digits; beyond this limit a stored text could block a reader for minutes.
    private const int DigitsMax = 100_000;

    // An exponent would let ten stored bytes require gigabytes; only a decimal is bounded by its type.
    private static readonly NumberStyles Style = typeof(T) == typeof(decimal) ? NumberStyles.Float : NumberStyles.AllowLeadingSign;

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.TokenType switch
        {
            JsonTokenType.Number => Encoding.ASCII.GetString(reader.ValueSpan),
            JsonTokenType.String => reader.GetString()!,
            _ => throw new JsonException($"a number or its text is needed for {typeof(T)}"),
        };
        return text.Length <= DigitsMax && T.TryParse(text, Style, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new JsonException($"the number is not one of {typeof(T)}, or is longer than {DigitsMax} digits");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        var text = value.ToString(null, CultureInfo.InvariantCulture);
        if (text.Length > DigitsMax)
        {
            throw new JsonException($"a {typeof(T)} is longer than {DigitsMax} digits; store it as a text");
        }

        if (asNumber(value))
        {
            writer.WriteRawValue(text, skipInputValidation: true);
        }
        else
        {
            writer.WriteStringValue(text);
        }
    }
}
