using System.Text;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>A failure of ours in a row whose input DBOS for TypeScript wrote in its own format.</summary>
/// <remarks>
/// That library reads outcomes by what the row says of its input, and so finds no error in a portable text. The same text may serve both:
/// each reader takes the members it knows. There the format is an object with <c>json</c>, the value, and a mark.
/// </remarks>
internal static class TypeScriptFailure
{
    /// <summary>The portable text of a failure, with the members beside its own that the other format has.</summary>
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
