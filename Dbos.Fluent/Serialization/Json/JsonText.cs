using System.Buffers;
using System.Globalization;
using System.Text;

namespace Dbos.Fluent.Serialization.Json;

/// <summary>Writes JSON text with only the escapes that JSON requires: quotes, backslashes and control characters.</summary>
/// <remarks>Every encoder of the framework also escapes characters beyond U+FFFF, which no reader needs.</remarks>
internal static class JsonText
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(code => (byte)code), (byte)'"', (byte)'\\']);

    /// <summary>Writes a JSON string; <paramref name="utf8"/> must be valid UTF-8.</summary>
    public static void WriteString(PooledBuffer output, ReadOnlySpan<byte> utf8)
    {
        output.WriteByte((byte)'"');
        for (var at = utf8.IndexOfAny(Escaped); at >= 0; at = utf8.IndexOfAny(Escaped))
        {
            output.Write(utf8[..at]);
            WriteEscape(output, utf8[at]);
            utf8 = utf8[(at + 1)..];
        }

        output.Write(utf8);
        output.WriteByte((byte)'"');
    }

    /// <summary>Writes a JSON string; half surrogate pairs become U+FFFD.</summary>
    public static void WriteString(PooledBuffer output, string text)
    {
        var rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        try
        {
            WriteString(output, rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Copies JSON text and replaces escapes that JSON does not require by their characters.</summary>
    public static void CopyUnescaped(PooledBuffer output, ReadOnlySpan<byte> json)
    {
        // A backslash occurs only inside strings, always before the character it escapes.
        for (var at = json.IndexOf((byte)'\\'); at >= 0; at = json.IndexOf((byte)'\\'))
        {
            output.Write(json[..at]);
            json = json[at..];
            if (TryUnescape(json, out var rune, out var length))
            {
                output.Advance(rune.EncodeToUtf8(output.GetSpan(4)));
            }
            else
            {
                output.Write(json[..length]);
            }

            json = json[length..];
        }

        output.Write(json);
    }

    private static bool TryUnescape(ReadOnlySpan<byte> escape, out Rune rune, out int length)
    {
        length = escape[1] == 'u' ? 6 : 2;
        rune = default;
        if (length == 2)
        {
            return false;
        }

        var unit = Unit(escape);
        if (char.IsHighSurrogate(unit) && escape.Length >= 12 && escape[6..8].SequenceEqual("\\u"u8)
            && Rune.TryCreate(unit, Unit(escape[6..]), out rune))
        {
            length = 12;
            return true;
        }

        return unit >= 0x20 && unit is not ('"' or '\\') && Rune.TryCreate(unit, out rune);
    }

    private static char Unit(ReadOnlySpan<byte> escape) =>
        (char)ushort.Parse(escape[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static void WriteEscape(PooledBuffer output, byte code)
    {
        var letter = code switch
        {
            (byte)'"' => (byte)'"',
            (byte)'\\' => (byte)'\\',
            (byte)'\b' => (byte)'b',
            (byte)'\f' => (byte)'f',
            (byte)'\n' => (byte)'n',
            (byte)'\r' => (byte)'r',
            (byte)'\t' => (byte)'t',
            _ => (byte)0,
        };
        if (letter != 0)
        {
            output.Write([(byte)'\\', letter]);
            return;
        }

        output.Write("\\u00"u8);
        output.Write([(byte)(code < 0x10 ? '0' : '1'), "0123456789abcdef"u8[code & 0xF]]);
    }
}
