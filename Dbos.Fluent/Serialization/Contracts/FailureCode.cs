using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>The code of a failure as JSON. Integers are read back as <see cref="long"/>, other numbers as <see cref="double"/>.</summary>
internal static class FailureCode
{
    /// <summary>The JSON text of a code; null if there is no code.</summary>
    public static string? ToJson(object? code) => code switch
    {
        null => null,
        double or float or Half => Real(Convert.ToDouble(code, CultureInfo.InvariantCulture)),
        byte or sbyte or short or ushort or int or uint or long => ((IFormattable)code).ToString(null, CultureInfo.InvariantCulture),
        JsonElement { ValueKind: JsonValueKind.Number } element => element.GetRawText(),
        IFormattable other => Text(other.ToString(null, CultureInfo.InvariantCulture)),
        _ => Text(code.ToString() ?? ""),
    };

    /// <summary>The code that JSON holds; null for null. A value that is neither a number nor a string gives its JSON text.</summary>
    public static object? FromJson(JsonElement? code) => code switch
    {
        null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => Number(number),
        { } other => other.GetRawText(),
    };

    private static object Number(JsonElement number) =>
        number.TryGetInt64(out var whole) && number.GetRawText() != "-0" ? (object)whole : number.GetDouble();

    // A whole double keeps a decimal point, or it would come back as an integer.
    private static string Real(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return !double.IsFinite(value) ? Text(text)
            : text.AsSpan().ContainsAny('.', 'E') ? text
            : text + ".0";
    }

    private static string Text(string text) => "\"" + JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text) + "\"";
}
