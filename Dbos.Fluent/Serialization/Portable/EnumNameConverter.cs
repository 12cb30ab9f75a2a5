using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>Writes enums by name; it also reads numbers. An enum with a converter of its own keeps it.</summary>
/// <remarks>
/// Without dynamic code (native AOT) the contract of the user's context decides: <c>UseStringEnumConverter</c> there also writes names.
/// </remarks>
internal sealed class EnumNameConverter : JsonConverterFactory
{
    private readonly JsonStringEnumConverter? names = RuntimeFeature.IsDynamicCodeSupported ? new() : null;

    public override bool CanConvert(Type typeToConvert) =>
        names is not null && typeToConvert.IsEnum && !typeToConvert.IsDefined(typeof(JsonConverterAttribute));

    public override JsonConverter? CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        names?.CreateConverter(typeToConvert, options);
}
