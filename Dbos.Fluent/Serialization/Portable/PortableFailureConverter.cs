using System.Text.Json;
using System.Text.Json.Serialization;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>Failures in the cross-language form, alone or as part of a value.</summary>
internal sealed class PortableFailureConverter : JsonConverter<RecordedFailure>
{
    public override RecordedFailure? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        PortableFailure.Read(JsonElement.ParseValue(ref reader));

    public override void Write(Utf8JsonWriter writer, RecordedFailure value, JsonSerializerOptions options)
    {
        using var json = new PooledBuffer(Array.MaxLength);
        PortableFailure.Write(json, value);
        writer.WriteRawValue(json.Written, skipInputValidation: true);
    }
}
