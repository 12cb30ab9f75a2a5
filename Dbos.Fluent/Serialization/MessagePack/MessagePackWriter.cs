using System.Buffers.Binary;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.MessagePack;

/// <summary>Writes MessagePack values, each in its shortest form.</summary>
internal sealed class MessagePackWriter(PooledBuffer output)
{
    public void Nil() => output.WriteByte(MessagePackCode.Nil);

    public void Boolean(bool value) => output.WriteByte(value ? MessagePackCode.True : MessagePackCode.False);

    public void Signed(long value)
    {
        switch (value)
        {
            case >= 0:
                Unsigned((ulong)value);
                break;
            case >= -32:
                output.WriteByte((byte)value);
                break;
            case >= sbyte.MinValue:
                Big(MessagePackCode.Int8, (ulong)value, 1);
                break;
            case >= short.MinValue:
                Big(MessagePackCode.Int16, (ulong)value, 2);
                break;
            case >= int.MinValue:
                Big(MessagePackCode.Int32, (ulong)value, 4);
                break;
            default:
                Big(MessagePackCode.Int64, (ulong)value, 8);
                break;
        }
    }

    public void Unsigned(ulong value)
    {
        switch (value)
        {
            case <= MessagePackCode.PositiveFixIntMax:
                output.WriteByte((byte)value);
                break;
            case <= byte.MaxValue:
                Big(MessagePackCode.UInt8, value, 1);
                break;
            case <= ushort.MaxValue:
                Big(MessagePackCode.UInt16, value, 2);
                break;
            case <= uint.MaxValue:
                Big(MessagePackCode.UInt32, value, 4);
                break;
            default:
                Big(MessagePackCode.UInt64, value, 8);
                break;
        }
    }

    public void Double(double value) => Big(MessagePackCode.Float64, BitConverter.DoubleToUInt64Bits(value), 8);

    public void String(ReadOnlySpan<byte> utf8)
    {
        switch (utf8.Length)
        {
            case <= 31:
                output.WriteByte((byte)(MessagePackCode.FixStr | utf8.Length));
                break;
            case <= byte.MaxValue:
                Big(MessagePackCode.Str8, (ulong)utf8.Length, 1);
                break;
            case <= ushort.MaxValue:
                Big(MessagePackCode.Str16, (ulong)utf8.Length, 2);
                break;
            default:
                Big(MessagePackCode.Str32, (ulong)utf8.Length, 4);
                break;
        }

        output.Write(utf8);
    }

    public void Number(ReadOnlySpan<byte> text)
    {
        switch (text.Length)
        {
            case 1 or 2 or 4 or 8 or 16:
                output.WriteByte((byte)(MessagePackCode.FixExt1 + int.Log2(text.Length)));
                break;
            case <= byte.MaxValue:
                Big(MessagePackCode.Ext8, (ulong)text.Length, 1);
                break;
            case <= ushort.MaxValue:
                Big(MessagePackCode.Ext16, (ulong)text.Length, 2);
                break;
            default:
                Big(MessagePackCode.Ext32, (ulong)text.Length, 4);
                break;
        }

        output.WriteByte((byte)MessagePackCode.NumberExtension);
        output.Write(text);
    }

    /// <summary>Begins an array or a map of unknown size and returns the position of its header.</summary>
    public int Begin()
    {
        output.WriteByte(0);
        return output.Length - 1;
    }

    public void EndArray(int headerAt, int count) => End(headerAt, count, MessagePackCode.FixArray, MessagePackCode.Array16);

    public void EndMap(int headerAt, int count) => End(headerAt, count, MessagePackCode.FixMap, MessagePackCode.Map16);

    private void End(int headerAt, int count, byte fix, byte code16)
    {
        if (count <= 15)
        {
            output.Overwrite(headerAt, (byte)(fix | count));
        }
        else if (count <= ushort.MaxValue)
        {
            BinaryPrimitives.WriteUInt16BigEndian(output.Insert(headerAt + 1, 2), (ushort)count);
            output.Overwrite(headerAt, code16);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(output.Insert(headerAt + 1, 4), (uint)count);
            output.Overwrite(headerAt, (byte)(code16 + 1));
        }
    }

    private void Big(byte code, ulong value, int size)
    {
        var span = output.GetSpan(1 + size);
        span[0] = code;
        for (var at = size; at > 0; at--, value >>= 8)
        {
            span[at] = (byte)value;
        }

        output.Advance(1 + size);
    }
}
