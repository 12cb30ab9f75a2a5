using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Failures in the exact format, alone or as part of a value.</summary>
internal sealed class FailureConverter : JsonConverter<RecordedFailure>
{
    /// <summary>
    /// The number of failure levels that are kept, the last of which is the root cause. Levels in between are dropped, as a failure must
    /// always be storable.
    /// </summary>
    public const int LevelsMax = 12;

    public override RecordedFailure? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonSerializer.Deserialize(ref reader, StoredFailureContract.Default.StoredFailure)?.ToFailure();

    public override void Write(Utf8JsonWriter writer, RecordedFailure value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, StoredFailure.From(value, LevelsMax), StoredFailureContract.Default.StoredFailure);
}
