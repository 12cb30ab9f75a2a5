using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>Stored bytes as a listing: the hex of each value beside what it means. Written apart from the library's own reader.</summary>
internal sealed class MessagePackText
{
    private readonly byte[] bytes;
    private readonly StringBuilder text = new();
    private int at = 1;

    private MessagePackText(byte[] bytes) => this.bytes = bytes;

    public static string Of(string base64)
    {
        var listing = new MessagePackText(Convert.FromBase64String(base64));
        listing.Line(0, 1, 0, $"version {listing.bytes[0]}");
        listing.Value(0);
        Assert.Equal(listing.bytes.Length, listing.at);
        return listing.text.ToString();
    }

    private void Value(int depth)
    {
        var start = at;
        var code = bytes[at++];
        switch (code)
        {
            case <= 0x7f or >= 0xe0:
                Line(start, 1, depth, $"int {(sbyte)code}");
                break;
            case <= 0x8f:
                Items(start, depth, "map", code & 0xf, 2);
                break;
            case <= 0x9f:
                Items(start, depth, "array", code & 0xf, 1);
                break;
            case <= 0xbf:
                Bytes(start, depth, "str", code & 0x1f);
                break;
            case 0xc0 or 0xc2 or 0xc3:
                Line(start, 1, depth, code == 0xc0 ? "nil" : code == 0xc3 ? "true" : "false");
                break;
            case 0xcb:
                Line(start, 9, depth, "float64 " + BitConverter.UInt64BitsToDouble(Number(8)).ToString(CultureInfo.InvariantCulture));
                break;
            case >= 0xcc and <= 0xcf:
                Line(start, 1 + (1 << (code - 0xcc)), depth, $"uint{8 << (code - 0xcc)} {Number(1 << (code - 0xcc))}");
                break;
            case >= 0xd0 and <= 0xd3:
                var size = 1 << (code - 0xd0);
                Line(start, 1 + size, depth, $"int{8 * size} {(long)Number(size) << (64 - (8 * size)) >> (64 - (8 * size))}");
                break;
            case >= 0xd4 and <= 0xd8:
                Bytes(start, depth, $"ext {(sbyte)bytes[at++]}", 1 << (code - 0xd4));
                break;
            case 0xc7:
                var length = (int)Number(1);
                Bytes(start, depth, $"ext {(sbyte)bytes[at++]}", length);
                break;
            case 0xd9 or 0xda or 0xdb:
                Bytes(start, depth, "str", (int)Number(1 << (code - 0xd9)));
                break;
            case 0xdc or 0xdd:
                Items(start, depth, "array", (int)Number(2 << (code - 0xdc)), 1);
                break;
            case 0xde or 0xdf:
                Items(start, depth, "map", (int)Number(2 << (code - 0xde)), 2);
                break;
            default:
                throw new InvalidOperationException($"0x{code:x2} is not expected in what we write.");
        }
    }

    private void Items(int start, int depth, string kind, int count, int valuesEach)
    {
        Line(start, at - start, depth, $"{kind} of {count}");
        for (var left = count * valuesEach; left > 0; left--)
        {
            Value(depth + 1);
        }
    }

    private void Bytes(int start, int depth, string kind, int length)
    {
        at += length;
        var shown = Encoding.UTF8.GetString(bytes, at - length, Math.Min(length, 60));
        Line(start, at - start, depth, $"{kind} of {length}: {System.Text.Json.JsonSerializer.Serialize(shown)}");
    }

    private ulong Number(int size)
    {
        Span<byte> wide = stackalloc byte[8];
        bytes.AsSpan(at, size).CopyTo(wide[(8 - size)..]);
        at += size;
        return BinaryPrimitives.ReadUInt64BigEndian(wide);
    }

    private void Line(int start, int length, int depth, string meaning)
    {
        var hex = Convert.ToHexStringLower(bytes, start, Math.Min(length, 12));
        var spaced = string.Join(' ', hex.Chunk(2).Select(pair => new string(pair))) + (length > 12 ? " .." : "");
        text.Append("  ").Append(spaced.PadRight(40)).Append(' ', 2 * depth).Append(meaning).Append('\n');
    }
}
