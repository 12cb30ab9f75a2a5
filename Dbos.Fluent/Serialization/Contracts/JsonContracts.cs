using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Dbos.Fluent.Serialization.Portable;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>The contracts of the two formats: read-only copies of the user's options with the additions that exactness requires.</summary>
/// <remarks>
/// The user's converters come before ours. Public fields are always stored, whatever the options say: a step's result must not lose them.
/// </remarks>
internal static class JsonContracts
{
    /// <summary>Contracts of the exact format.</summary>
    public static JsonSerializerOptions Native(JsonSerializerOptions? user)
    {
        var contracts = Copy(user, ContractChecks.Add);
        contracts.Converters.Insert(0, new FailureConverter());
        contracts.Converters.Add(new ExactNumberConverter<System.Numerics.BigInteger>(asNumber: static _ => true));
        AddShared(contracts);
        return contracts;
    }

    /// <summary>Contracts of the cross-language format: values that other languages would misread are written as strings.</summary>
    public static JsonSerializerOptions Portable(JsonSerializerOptions? user)
    {
        var contracts = Copy(user, ContractChecks.AddPortable);
        contracts.NumberHandling |= JsonNumberHandling.AllowReadingFromString;
        contracts.AllowOutOfOrderMetadataProperties = true;
        contracts.Converters.Insert(0, new PortableFailureConverter());
        PortableConverters.AddTo(contracts.Converters);
        AddShared(contracts);
        return contracts;
    }

    /// <summary>The default of a type, boxed; null for classes, interfaces and <see cref="Nullable{T}"/>.</summary>
    [UnconditionalSuppressMessage(
        "Trimming", "IL2067", Justification = "A default of a value type is zeroed memory: no constructor runs or has to be kept.")]
    public static object? Default(Type type) =>
        type.IsValueType && Nullable.GetUnderlyingType(type) is null ? RuntimeHelpers.GetUninitializedObject(type) : null;

    private static JsonSerializerOptions Copy(JsonSerializerOptions? user, Action<JsonTypeInfo> check)
    {
        var contracts = user is null ? new JsonSerializerOptions() : new JsonSerializerOptions(user);
        contracts.TypeInfoResolver = JsonTypeInfoResolver
            .Combine(user?.TypeInfoResolver ?? Reflection(), BuiltInContracts.Default)
            .WithAddedModifier(GetOnlyCollections.Fill)
            .WithAddedModifier(check);
        contracts.NumberHandling |= JsonNumberHandling.AllowNamedFloatingPointLiterals;
        if (contracts.NumberHandling.HasFlag(JsonNumberHandling.WriteAsString))
        {
            // Written values must be readable: the flag alone would write strings that no reader accepts as numbers.
            contracts.NumberHandling |= JsonNumberHandling.AllowReadingFromString;
        }

        contracts.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        contracts.WriteIndented = false;
        contracts.IncludeFields = true;

        // On write, the serializer counts a scalar as a level of its own; the reader and the writer enforce the exact limit.
        contracts.MaxDepth = SerializationLimits.DepthMax + 1;
        return contracts;
    }

    private static void AddShared(JsonSerializerOptions contracts)
    {
        contracts.Converters.Insert(0, new UnitConverter());
        contracts.Converters.Add(new StrictStringConverter());
        contracts.Converters.Add(new StrictCharConverter());
        contracts.Converters.Add(new StackConverters());
        var plain = new JsonSerializerOptions(contracts);
        plain.MakeReadOnly();
        contracts.Converters.Add(new ValueTupleConverter(plain));
        contracts.MakeReadOnly();
    }

    [UnconditionalSuppressMessage(
        "Trimming", "IL2026", Justification = "Only where reflection is on; a trimmed program brings a source-generated context.")]
    [UnconditionalSuppressMessage(
        "AOT", "IL3050", Justification = "Only where reflection is on; a native program brings a source-generated context.")]
    private static DefaultJsonTypeInfoResolver? Reflection() =>
        JsonSerializer.IsReflectionEnabledByDefault ? new DefaultJsonTypeInfoResolver() : null;
}
