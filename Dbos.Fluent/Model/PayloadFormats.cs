namespace Dbos.Fluent.Model;

/// <summary>Checks formats that a caller names.</summary>
internal static class PayloadFormats
{
    /// <summary>The format as it was given; null for the default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of the enumeration's values.</exception>
    public static PayloadFormat? Check(PayloadFormat? format) =>
        format is null || Enum.IsDefined(format.Value)
            ? format
            : throw new ArgumentOutOfRangeException(nameof(format), format, "Format is MessagePack or PortableJson.");
}
