namespace Dbos.Fluent.Serialization;

/// <summary>What a payload may not exceed. The same limits hold on write and on read, so whatever was written can be read.</summary>
internal sealed record SerializationLimits
{
    /// <summary>Arrays and objects inside one another, the outermost counted.</summary>
    public const int DepthMax = 64;

    // An escaped control character is six bytes of JSON for one of MessagePack; no other value grows more.
    private const int JsonGrowthMax = 6;

    /// <summary>Bytes of a payload: MessagePack before base64, or JSON as UTF-8.</summary>
    /// <value>64 MiB by default; at least 1.</value>
    public int BytesMax
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "BytesMax must be at least 1.");
    } = 64 * 1024 * 1024;

    /// <summary>Bytes of all messages of one send together, as they are stored, their ids and topics counted.</summary>
    /// <value>
    /// 512 MiB by default: PostgreSQL drops a connection on which more than 1 GiB comes in one piece, and the half of it comes in time.
    /// </value>
    public long SendBytesMax { get; init; } = 512L << 20;

    /// <summary>Bytes of the JSON text that stands between an object and its MessagePack.</summary>
    internal int JsonBytesMax => (int)Math.Min((long)BytesMax * JsonGrowthMax, Array.MaxLength);
}
