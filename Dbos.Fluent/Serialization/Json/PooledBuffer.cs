using System.Buffers;
using System.Globalization;

namespace Dbos.Fluent.Serialization.Json;

/// <summary>A growing buffer of pooled memory that refuses to hold more than its limit.</summary>
internal sealed class PooledBuffer(int bytesMax, int bytesExpected = 512) : IBufferWriter<byte>, IDisposable
{
    private byte[] bytes = ArrayPool<byte>.Shared.Rent(bytesExpected);

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => bytes.AsMemory(0, Length);

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureFree(Math.Max(sizeHint, 1));
        return bytes.AsSpan(Length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureFree(Math.Max(sizeHint, 1));
        return bytes.AsMemory(Length);
    }

    // The limit counts written bytes, not requested ones: writers request the worst case of a text.
    public void Advance(int count)
    {
        if (count > bytesMax - Length)
        {
            throw TooLarge(bytesMax);
        }

        Length += count;
    }

    public void WriteByte(byte value)
    {
        GetSpan(1)[0] = value;
        Advance(1);
    }

    public void Write(ReadOnlySpan<byte> value)
    {
        value.CopyTo(GetSpan(value.Length));
        Advance(value.Length);
    }

    /// <summary>Moves everything from <paramref name="at"/> on by <paramref name="count"/> bytes and returns the gap.</summary>
    public Span<byte> Insert(int at, int count)
    {
        EnsureFree(count);
        var moved = Length - at;
        Advance(count);
        bytes.AsSpan(at, moved).CopyTo(bytes.AsSpan(at + count));
        return bytes.AsSpan(at, count);
    }

    public void Clear() => Length = 0;

    public void Overwrite(int at, byte value) => bytes.AsSpan(0, Length)[at] = value;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        Length = 0;
    }

    internal static InvalidDataException TooLarge(int bytesMax) => new(
        string.Create(CultureInfo.InvariantCulture, $"encoded, it is larger than the limit of {bytesMax} bytes; ")
        + "keep large data in a file or a table and pass its key");

    private void EnsureFree(int count)
    {
        if (count <= bytes.Length - Length)
        {
            return;
        }

        var size = Math.Max((long)Length + count, Math.Min(2L * bytes.Length, Array.MaxLength));
        if (size > Array.MaxLength)
        {
            throw TooLarge(bytesMax);
        }

        var larger = ArrayPool<byte>.Shared.Rent((int)size);
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = larger;
    }
}
