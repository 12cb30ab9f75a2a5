namespace Dbos.Fluent.Model;

/// <summary>Makes version 7 UUIDs that ascend in the order in which this process makes them, even within one millisecond.</summary>
/// <remarks>
/// Rows of one millisecond are taken in the order of their ids, so work keeps the order in which it was started or sent. The twelve bits
/// behind the time count within a millisecond. When they are used up, the next id borrows the next millisecond (RFC 9562, section 6.2,
/// method 1).
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

    // If the clock was set back, ids count on from the last time until the clock reaches it again.
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
