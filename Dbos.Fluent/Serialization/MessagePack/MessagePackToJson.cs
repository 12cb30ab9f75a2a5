using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Unicode;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.MessagePack;

/// <summary>Rewrites MessagePack as JSON text. It trusts nothing it reads: no length, depth, text or type.</summary>
/// <remarks>It reads every MessagePack form that has a JSON value, including those that our writer never uses.</remarks>
internal ref struct MessagePackToJson
{
    private readonly ReadOnlySpan<byte> bytes;
    private readonly PooledBuffer output;
    private int at;

    private MessagePackToJson(ReadOnlySpan<byte> bytes, PooledBuffer output)
    {
        this.bytes = bytes;
        this.output = output;
    }

    /// <summary>Writes the one value that <paramref name="bytes"/> contain.</summary>
    /// <exception cref="InvalidDataException">The bytes are not exactly one value of a kind that JSON has.</exception>
    public static void Write(ReadOnlySpan<byte> bytes, PooledBuffer output)
    {
        var reader = new MessagePackToJson(bytes, output);
        reader.Value(0);
        if (reader.at != bytes.Length)
        {
            throw Malformed($"{bytes.Length - reader.at} bytes follow the value");
        }
    }

    private void Value(int depth)
    {
        var code = Take(1)[0];
        switch (code)
        {
            case <= MessagePackCode.PositiveFixIntMax:
                Integer((ulong)code);
                break;
            case >= MessagePackCode.NegativeFixIntMin:
                Integer((sbyte)code);
                break;
            case < MessagePackCode.FixArray:
                Map(code & 0xf, depth + 1);
                break;
            case < MessagePackCode.FixStr:
                Array(code & 0xf, depth + 1);
                break;
            case < MessagePackCode.Nil:
                Text(code & 0x1f);
                break;
            case MessagePackCode.Nil:
                output.Write("null"u8);
                break;
            case MessagePackCode.False:
                output.Write("false"u8);
                break;
            case MessagePackCode.True:
                output.Write("true"u8);
                break;
            case >= MessagePackCode.Float32 and <= MessagePackCode.Int64:
                Number(code);
                break;
            default:
                Sized(code, depth);
                break;
        }
    }

    private void Number(byte code)
    {
        switch (code)
        {
            case MessagePackCode.Float32:
                Real(BitConverter.UInt32BitsToSingle((uint)Big(4)));
                break;
            case MessagePackCode.Float64:
                Real(BitConverter.UInt64BitsToDouble(Big(8)));
                break;
            case MessagePackCode.Int8:
                Integer((sbyte)Big(1));
                break;
            case MessagePackCode.Int16:
                Integer((short)Big(2));
                break;
            case MessagePackCode.Int32:
                Integer((int)Big(4));
                break;
            case MessagePackCode.Int64:
                Integer((long)Big(8));
                break;
            default:
                Integer(Big(1 << (code - MessagePackCode.UInt8)));
                break;
        }
    }

    private void Sized(byte code, int depth)
    {
        switch (code)
        {
            case MessagePackCode.Str8 or MessagePackCode.Str16 or MessagePackCode.Str32:
                Text(Length(1 << (code - MessagePackCode.Str8)));
                break;
            case MessagePackCode.Array16 or MessagePackCode.Array32:
                Array(Length(2 << (code - MessagePackCode.Array16)), depth + 1);
                break;
            case MessagePackCode.Map16 or MessagePackCode.Map32:
                Map(Length(2 << (code - MessagePackCode.Map16)), depth + 1);
                break;
            case MessagePackCode.Bin8 or MessagePackCode.Bin16 or MessagePackCode.Bin32:
                Binary(Length(1 << (code - MessagePackCode.Bin8)));
                break;
            case >= MessagePackCode.FixExt1 and <= MessagePackCode.FixExt16:
                Extension(1 << (code - MessagePackCode.FixExt1));
                break;
            case MessagePackCode.Ext8 or MessagePackCode.Ext16 or MessagePackCode.Ext32:
                Extension(Length(1 << (code - MessagePackCode.Ext8)));
                break;
            default:
                throw Malformed($"0x{code:x2} at {at - 1} begins no value");
        }
    }

    private void Array(int count, int depth)
    {
        Enter(count, 1, depth);
        output.WriteByte((byte)'[');
        for (var index = 0; index < count; index++)
        {
            if (index > 0)
            {
                output.WriteByte((byte)',');
            }

            Value(depth);
        }

        output.WriteByte((byte)']');
    }

    private void Map(int count, int depth)
    {
        Enter(count, 2, depth);
        output.WriteByte((byte)'{');
        for (var index = 0; index < count; index++)
        {
            if (index > 0)
            {
                output.WriteByte((byte)',');
            }

            Key();
            output.WriteByte((byte)':');
            Value(depth);
        }

        output.WriteByte((byte)'}');
    }

    private readonly void Enter(int count, int bytesEachMin, int depth)
    {
        if (depth > SerializationLimits.DepthMax)
        {
            throw Malformed($"it is deeper than {SerializationLimits.DepthMax} levels");
        }

        if (count > (bytes.Length - at) / bytesEachMin)
        {
            throw Malformed($"{count} elements are declared at {at}, more than the bytes that are left");
        }
    }

    private void Key()
    {
        var code = Take(1)[0];
        switch (code)
        {
            case >= MessagePackCode.FixStr and < MessagePackCode.Nil:
                Text(code & 0x1f);
                break;
            case MessagePackCode.Str8 or MessagePackCode.Str16 or MessagePackCode.Str32:
                Text(Length(1 << (code - MessagePackCode.Str8)));
                break;
            default:
                throw Malformed($"the key of a map at {at - 1} is not a text");
        }
    }

    private void Text(int length)
    {
        var utf8 = Take(length);
        JsonText.WriteString(output, Utf8.IsValid(utf8) ? utf8 : throw Malformed($"the text at {at - length} is not valid UTF-8"));
    }

    private void Binary(int length)
    {
        var binary = Take(length);
        output.WriteByte((byte)'"');
        Base64.EncodeToUtf8(binary, output.GetSpan(Base64.GetMaxEncodedToUtf8Length(length)), out _, out var written);
        output.Advance(written);
        output.WriteByte((byte)'"');
    }

    private void Extension(int length)
    {
        var type = (sbyte)Take(1)[0];
        var text = Take(length);
        if (type != MessagePackCode.NumberExtension)
        {
            throw Malformed($"the extension type {type} at {at - length} is not known");
        }

        output.Write(NumberText.IsJsonNumber(text) ? text : throw Malformed($"the number at {at - length} is none"));
    }

    private readonly void Real(double value)
    {
        // JSON has no form for NaN and the infinities; the contracts read them by their names in System.Text.Json.
        if (!double.IsFinite(value))
        {
            output.Write(double.IsNaN(value) ? "\"NaN\""u8 : value > 0 ? "\"Infinity\""u8 : "\"-Infinity\""u8);
            return;
        }

        output.Advance(NumberText.Format(value, output.GetSpan(NumberText.LengthMax)));
    }

    private readonly void Integer(long value)
    {
        value.TryFormat(output.GetSpan(NumberText.LengthMax), out var length, default, CultureInfo.InvariantCulture);
        output.Advance(length);
    }

    private readonly void Integer(ulong value)
    {
        value.TryFormat(output.GetSpan(NumberText.LengthMax), out var length, default, CultureInfo.InvariantCulture);
        output.Advance(length);
    }

    private int Length(int size)
    {
        var length = Big(size);
        return length <= (ulong)(bytes.Length - at)
            ? (int)length
            : throw Malformed($"{length} bytes or elements are declared at {at}, more than are left");
    }

    private ulong Big(int size)
    {
        var span = Take(size);
        return size switch
        {
            1 => span[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(span),
            4 => BinaryPrimitives.ReadUInt32BigEndian(span),
            _ => BinaryPrimitives.ReadUInt64BigEndian(span),
        };
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > bytes.Length - at)
        {
            throw Malformed($"it ends at {bytes.Length}, in the middle of a value");
        }

        at += count;
        return bytes.Slice(at - count, count);
    }

    private static InvalidDataException Malformed(FormattableString what) =>
        new("the stored bytes are damaged or were not written by this library: " + what.ToString(CultureInfo.InvariantCulture));
}
