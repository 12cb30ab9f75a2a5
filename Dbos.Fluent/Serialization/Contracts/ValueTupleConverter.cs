using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Value tuples as arrays of their elements; by default the serializer writes <c>{}</c> and loses them.</summary>
/// <param name="plain">The same contracts without this converter, which can create a tuple and set its fields.</param>
internal sealed class ValueTupleConverter(JsonSerializerOptions plain) : JsonConverter<object>
{
    private readonly ConcurrentDictionary<Type, JsonPropertyInfo[]> elements = new();

    public static bool IsValueTuple(Type type) =>
        type.IsValueType
        && typeof(ITuple).IsAssignableFrom(type)
        && type.FullName?.StartsWith("System.ValueTuple", StringComparison.Ordinal) is true;

    public override bool CanConvert(Type typeToConvert) => IsValueTuple(typeToConvert);

    public override object Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException($"an array is needed for {typeToConvert}");
        }

        reader.Read();
        var tuple = ReadElements(ref reader, Nullable.GetUnderlyingType(typeToConvert) ?? typeToConvert, options);
        return reader.TokenType == JsonTokenType.EndArray
            ? tuple
            : throw new JsonException($"the array has more elements than {typeToConvert}");
    }

    public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        WriteElements(writer, value, value.GetType(), options);
        writer.WriteEndArray();
    }

    // By default the serializer would ask the converter of the key's type, which is this one, in endless recursion.
    public override object ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new JsonException(CollectionChecks.FaultOfKey(typeToConvert));

    public override void WriteAsPropertyName(Utf8JsonWriter writer, object value, JsonSerializerOptions options) =>
        throw new JsonException(CollectionChecks.FaultOfKey(value.GetType()));

    private object ReadElements(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        var contract = plain.GetTypeInfo(type);
        var tuple = contract.CreateObject!();
        foreach (var element in Elements(contract))
        {
            if (reader.TokenType == JsonTokenType.EndArray)
            {
                throw new JsonException($"the array has fewer elements than {type}");
            }

            if (IsRest(contract, element))
            {
                element.Set!(tuple, ReadElements(ref reader, element.PropertyType, options));
                continue;
            }

            element.Set!(tuple, JsonSerializer.Deserialize(ref reader, options.GetTypeInfo(element.PropertyType)));
            reader.Read();
        }

        return tuple;
    }

    private void WriteElements(Utf8JsonWriter writer, object tuple, Type type, JsonSerializerOptions options)
    {
        var contract = plain.GetTypeInfo(type);
        foreach (var element in Elements(contract))
        {
            var value = element.Get!(tuple);
            if (IsRest(contract, element))
            {
                WriteElements(writer, value!, element.PropertyType, options);
            }
            else
            {
                JsonSerializer.Serialize(writer, value, options.GetTypeInfo(element.PropertyType));
            }
        }
    }

    // Item1 to Item7, then Rest, is also the alphabetical order.
    private JsonPropertyInfo[] Elements(JsonTypeInfo contract) =>
        elements.GetOrAdd(
            contract.Type, static (_, tuple) => [.. tuple.Properties.OrderBy(field => field.Name, StringComparer.Ordinal)], contract);

    private static bool IsRest(JsonTypeInfo contract, JsonPropertyInfo element) =>
        contract.Properties.Count == 8
        && element.Name.StartsWith("rest", StringComparison.OrdinalIgnoreCase)
        && IsValueTuple(element.PropertyType);
}
