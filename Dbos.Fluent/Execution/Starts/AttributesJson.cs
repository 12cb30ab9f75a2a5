using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Dbos.Fluent.Execution;

/// <summary>Encodes attributes as the JSON object that every SDK stores and can search.</summary>
internal static class AttributesJson
{
    /// <exception cref="ArgumentException">
    /// A key is empty, a value is neither text, number, boolean nor null, or a key or text holds a null character.
    /// </exception>
    public static string? Of(IReadOnlyDictionary<string, object?>? attributes)
    {
        if (attributes is null)
        {
            return null;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (key, value) in attributes)
            {
                ArgumentException.ThrowIfNullOrEmpty(key, nameof(attributes));
                CheckText(key, key);
                writer.WritePropertyName(key);
                Write(writer, key, value);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    // PostgreSQL's JSON cannot hold a null character.
    private static void CheckText(string text, string key)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"Attribute '{key.Replace('\0', '?')}' holds a null character, which cannot be stored.", nameof(text));
        }
    }

    private static void Write(Utf8JsonWriter writer, string key, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case string text:
                CheckText(text, key);
                writer.WriteStringValue(text);
                break;
            case bool truth:
                writer.WriteBooleanValue(truth);
                break;
            case double number when double.IsFinite(number):
                writer.WriteNumberValue(number);
                break;
            case float number when float.IsFinite(number):
                writer.WriteNumberValue(number);
                break;
            case byte or sbyte or short or ushort or int or uint or long or ulong or decimal:
                writer.WriteRawValue(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                break;
            default:
                throw new ArgumentException(
                    $"Attribute '{key}' is a {value.GetType()}: attributes are texts, numbers, booleans and nulls.", nameof(value));
        }
    }
}
