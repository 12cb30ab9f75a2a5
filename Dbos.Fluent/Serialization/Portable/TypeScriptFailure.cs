using System.Text;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>One of our failures in a row whose input DBOS for TypeScript wrote in its own format.</summary>
/// <remarks>
/// That library reads outcomes in the format that the row names for its input, so it finds no error in a portable text. One text works for
/// both, as each reader takes the members it knows. The other format is an object with <c>json</c>, the value, and a marker.
/// </remarks>
internal static class TypeScriptFailure
{
    /// <summary>The portable text of a failure, plus the members of the other format.</summary>
    public static string Beside(string portable, RecordedFailure failure)
    {
        using var json = new PooledBuffer(Array.MaxLength);
        json.Write(",\"json\":{\"name\":"u8);
        JsonText.WriteString(json, PortableFailure.SimpleName(failure.TypeName));
        json.Write(",\"message\":"u8);
        JsonText.WriteString(json, failure.Message);
        json.Write("},\"__dbos_serializer\":\"superjson\"}"u8);
        return string.Concat(portable.AsSpan(0, portable.Length - 1), Encoding.UTF8.GetString(json.Written));
    }
}
