namespace Dbos.Fluent.Model;

/// <summary>Ids of version 7 that ascend in the order in which this process makes them, within a millisecond too.</summary>
/// <remarks>
/// Rows of one millisecond are taken in the order of their ids: what was started or sent in an order keeps it. The twelve bits behind the
/// time count up within it, and borrow from the next millisecond when they are used up: RFC 9562, section 6.2, method 1.
/// </remarks>
internal static class AscendingIds
{
    private const int CountMax = 0xFFF;

    private static readonly Lock Gate = new();
    private static (long Ms, int Count) last;

    public static string Next()
    {
        var (ms, count) = NextPlace();
        Span<byte> bytes = stackalloc byte[16];
        Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(ms)).TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[6] = (byte)(0x70 | (count >> 8));
        bytes[7] = (byte)count;
        return new Guid(bytes, bigEndian: true).ToString();
    }

    // A clock that was set back is waited for by counting on from where it stood.
    private static (long Ms, int Count) NextPlace()
    {
        lock (Gate)
        {
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            last = now > last.Ms ? (now, 0)
                : last.Count < CountMax ? (last.Ms, last.Count + 1)
                : (last.Ms + 1, 0);
            return last;
        }
    }
}
