using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Writes "no result" as <c>null</c> in every format, and ignores any value that another writer stored instead.</summary>
internal sealed class UnitConverter : JsonConverter<Unit>
{
    public override bool HandleNull => true;

    public override Unit Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        reader.Skip();
        return default;
    }

    public override void Write(Utf8JsonWriter writer, Unit value, JsonSerializerOptions options) => writer.WriteNullValue();
}
