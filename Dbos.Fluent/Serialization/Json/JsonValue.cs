using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Dbos.Fluent.Serialization.Json;

/// <summary>Writes and reads one JSON value by its contract, within the depth limit.</summary>
internal static class JsonValue
{
    private static readonly JsonWriterOptions Compact = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = SerializationLimits.DepthMax,
        SkipValidation = true,
    };

    public static void Write(PooledBuffer output, object? value, JsonTypeInfo contract)
    {
        using var writer = new Utf8JsonWriter(output, Compact);
        if (value is null && contract.Type.IsValueType)
        {
            writer.WriteNullValue();
        }
        else
        {
            JsonSerializer.Serialize(writer, value, contract);
        }
    }

    public static object? Read(ReadOnlySpan<byte> json, JsonTypeInfo contract)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = SerializationLimits.DepthMax });
        var value = JsonSerializer.Deserialize(ref reader, contract);
        return reader.Read() ? throw new JsonException("more than one value stands in the text") : value;
    }
}
