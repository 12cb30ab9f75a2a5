using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;

namespace Dbos.Fluent.Serialization.Json;

/// <summary>Decides which JSON numbers a 64-bit integer or a double reproduces exactly, character by character.</summary>
internal static class NumberText
{
    /// <summary>Enough for the longest text of a 64-bit integer or a double.</summary>
    public const int LengthMax = 32;

    public static bool IsSigned(ReadOnlySpan<byte> text, out long value)
    {
        // Minus zero is not an integer: it would lose its sign.
        var whole = Utf8Parser.TryParse(text, out value, out var consumed) && consumed == text.Length;
        return whole && !(value == 0 && text[0] == '-');
    }

    public static bool IsUnsigned(ReadOnlySpan<byte> text, out ulong value) =>
        Utf8Parser.TryParse(text, out value, out var consumed) && consumed == text.Length;

    public static bool IsDouble(ReadOnlySpan<byte> text, out double value)
    {
        Span<byte> again = stackalloc byte[LengthMax];
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
            && double.IsFinite(value)
            && again[..Format(value, again)].SequenceEqual(text);
    }

    public static int Format(double value, Span<byte> text) =>
        value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture) ? length : throw new UnreachableException();

    /// <summary>True if the text is one JSON number and nothing else; stored bytes are not trusted.</summary>
    public static bool IsJsonNumber(ReadOnlySpan<byte> text)
    {
        var at = text.StartsWith("-"u8) ? 1 : 0;
        var digits = Digits(text, ref at);
        if (digits == 0 || (digits > 1 && text[at - digits] == '0'))
        {
            return false;
        }

        if (at < text.Length && text[at] == '.')
        {
            at++;
            if (Digits(text, ref at) == 0)
            {
                return false;
            }
        }

        if (at < text.Length && text[at] is (byte)'e' or (byte)'E')
        {
            at++;
            at += at < text.Length && text[at] is (byte)'+' or (byte)'-' ? 1 : 0;
            if (Digits(text, ref at) == 0)
            {
                return false;
            }
        }

        return at == text.Length;
    }

    private static int Digits(ReadOnlySpan<byte> text, ref int at)
    {
        var rest = text[at..];
        var count = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        count = count < 0 ? rest.Length : count;
        at += count;
        return count;
    }
}
