using System.Numerics;
using System.Text.Json.Serialization;
using Dbos.Fluent.Serialization.Contracts;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>The converters of the cross-language type mapping.</summary>
internal static class PortableConverters
{
    /// <summary>Beyond this, JavaScript numbers no longer represent every integer.</summary>
    public const long ExactInJavaScriptMax = 1L << 53;

    public static void AddTo(IList<JsonConverter> converters)
    {
        converters.Add(new ExactNumberConverter<decimal>(asNumber: static _ => false));
        converters.Add(new ExactNumberConverter<BigInteger>(asNumber: static _ => false));
        converters.Add(new ExactNumberConverter<long>(asNumber: static value => IsExact(value)));
        converters.Add(new ExactNumberConverter<ulong>(asNumber: static value => value <= (ulong)ExactInJavaScriptMax));
        converters.Add(new ExactNumberConverter<Int128>(asNumber: static value => IsExact(value)));
        converters.Add(new ExactNumberConverter<UInt128>(asNumber: static value => value <= (ulong)ExactInJavaScriptMax));
        converters.Add(new UtcDateTimeConverter());
        converters.Add(new UtcDateTimeOffsetConverter());
        converters.Add(new EnumNameConverter());
    }

    private static bool IsExact(Int128 value) => value >= -ExactInJavaScriptMax && value <= ExactInJavaScriptMax;
}
