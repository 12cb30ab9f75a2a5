namespace Dbos.Fluent.Serialization;

/// <summary>The limits of payloads. They are the same on write and on read, so every written payload can be read.</summary>
internal sealed record SerializationLimits
{
    /// <summary>The deepest nesting of arrays and objects, including the outermost.</summary>
    public const int DepthMax = 64;

    // An escaped control character is six bytes of JSON for one of MessagePack; no other value grows more.
    private const int JsonGrowthMax = 6;

    /// <summary>The largest size of a payload in bytes: MessagePack before base64, or JSON as UTF-8.</summary>
    /// <value>64 MiB by default; at least 1.</value>
    public int BytesMax
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "BytesMax must be at least 1.");
    } = 64 * 1024 * 1024;

    /// <summary>The largest total size in bytes of the messages of one send in stored form, including ids and topics.</summary>
    /// <value>
    /// 512 MiB by default: PostgreSQL drops a connection that sends more than 1 GiB in one piece, and half of that arrives in time.
    /// </value>
    public long SendBytesMax { get; init; } = 512L << 20;

    /// <summary>The largest size in bytes of the intermediate JSON text between an object and its MessagePack.</summary>
    internal int JsonBytesMax => (int)Math.Min((long)BytesMax * JsonGrowthMax, Array.MaxLength);
}
