namespace Dbos.Fluent.Model;

/// <summary>Checks formats that a caller names.</summary>
internal static class PayloadFormats
{
    /// <summary>Returns the format as given; null means the default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of the enumeration.</exception>
    public static PayloadFormat? Check(PayloadFormat? format) =>
        format is null || Enum.IsDefined(format.Value)
            ? format
            : throw new ArgumentOutOfRangeException(nameof(format), format, "Format is MessagePack or PortableJson.");
}
