using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dbos.Fluent.Errors;

/// <summary>The facts of a user's exception in <see cref="Exception.Data"/>, as recorded with the failure.</summary>
/// <remarks>
/// They are only what every language can read and what is the same on each run: entries with a text as key and a text, boolean, number,
/// moment, id or enum name as value. Any other value could have any size and depth, and is left out.
/// </remarks>
internal sealed record CarriedFacts(object? Code, string? Json)
{
    private const string CodeKey = "code";

    // The length of an object without members.
    private const int EmptyLength = 2;

    private static readonly CarriedFacts Nothing = new(null, null);

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads the entry <c>code</c>, in any case, as the code, and the other entries as an object.</summary>
    public static CarriedFacts Of(Exception exception)
    {
        try
        {
            return exception.Data is { Count: > 0 } data ? Of(data) : Nothing;
        }
        catch (Exception)
        {
            // A user may override this member; the failure is recorded whatever the override does.
            return Nothing;
        }
    }

    private static CarriedFacts Of(IDictionary data)
    {
        DictionaryEntry[] entries = [.. data.Cast<DictionaryEntry>().Where(entry => entry.Key is string)];
        var code = Array.FindIndex(entries, IsCode);
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            foreach (var (index, entry) in entries.Index())
            {
                if (index != code)
                {
                    Write(writer, (string)entry.Key, entry.Value);
                }
            }

            writer.WriteEndObject();
        }

        return new CarriedFacts(
            code < 0 ? null : CodeOf(entries[code].Value),
            buffer.Length > EmptyLength ? Encoding.UTF8.GetString(buffer.ToArray()) : null);
    }

    // An entry of that name that cannot be a code is data like any other.
    private static bool IsCode(DictionaryEntry entry) =>
        string.Equals((string)entry.Key, CodeKey, StringComparison.OrdinalIgnoreCase) && CodeOf(entry.Value) is not null;

    private static object? CodeOf(object? value) => value switch
    {
        byte or sbyte or short or ushort or int or uint or long => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        string or Enum => value.ToString(),
        _ => null,
    };

    private static void Write(Utf8JsonWriter writer, string name, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNull(name);
                break;
            case bool truth:
                writer.WriteBoolean(name, truth);
                break;
            case byte or sbyte or short or ushort or int or uint:
                writer.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case float real when float.IsFinite(real):
                writer.WriteNumber(name, real);
                break;
            case double real when double.IsFinite(real):
                writer.WriteNumber(name, real);
                break;
            case DateTime or DateTimeOffset or DateOnly:
                writer.WriteString(name, ((IFormattable)value).ToString("O", CultureInfo.InvariantCulture));
                break;
            case long or ulong or decimal or float or double or Guid or TimeSpan:
                // As in every portable value, a number that JavaScript would round is a text.
                writer.WriteString(name, ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                break;
            case string or char or Enum or Uri:
                writer.WriteString(name, value.ToString());
                break;
        }
    }
}
