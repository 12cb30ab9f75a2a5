using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Explains why a collection or a map would not be read back as it was written, if no reader could prevent that.</summary>
internal static class CollectionChecks
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    /// <summary>The problem with the type and the remedy; null if there is no problem.</summary>
    public static string? Fault(JsonTypeInfo contract) => contract.Kind switch
    {
        JsonTypeInfoKind.Dictionary => FaultOfKeys(contract) ?? FaultOfMembers(contract.Type),
        JsonTypeInfoKind.Enumerable when IsStack(contract.Type) =>
            $"{contract.Type} would come back in reverse order; store a list, and make the stack of it where it is used",
        JsonTypeInfoKind.Enumerable => FaultOfMembers(contract.Type),
        _ => null,
    };

    private static string? FaultOfKeys(JsonTypeInfo contract)
    {
        if (!IsGenericMap(contract.Type))
        {
            return $"the keys of {contract.Type} have no declared type and would come back as texts; use Dictionary<TKey, TValue>";
        }

        var key = contract.KeyType is { } type ? Nullable.GetUnderlyingType(type) ?? type : typeof(object);
        return key == typeof(object) || ValueTupleConverter.IsValueTuple(key) ? FaultOfKey(key) : null;
    }

    /// <summary>The message that a type cannot be the key of a map.</summary>
    public static string FaultOfKey(Type key) => $"{key} cannot be read back as the key of a map; use a list of key and value";

    // The serializer stores only the elements. Computed members are computed again; members of an interface belong to the collection.
    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "A member that was trimmed away holds nothing that anybody reads.")]
    [UnconditionalSuppressMessage(
        "Trimming", "IL2075", Justification = "A member that was trimmed away holds nothing that anybody reads.")]
    private static string? FaultOfMembers(Type type)
    {
        for (var current = type; current is not null && !IsOfFramework(current); current = current.BaseType)
        {
            var lost = current.GetFields(Own).Select(field => field.Name)
                .Concat(current.GetProperties(Own).Where(HoldsData).Select(property => property.Name))
                .FirstOrDefault(name => !IsOfAnInterface(type, name));
            if (lost is not null)
            {
                return $"{type} is a collection, of which only the elements are stored: its member '{lost}' would be lost. "
                    + "Put the collection and the member side by side in a record";
            }
        }

        return null;
    }

    private static bool HoldsData(PropertyInfo property) =>
        property.GetIndexParameters().Length == 0
        && property.GetMethod is { } get
        && get.GetBaseDefinition() == get
        && (property.SetMethod is not null || get.IsDefined(typeof(CompilerGeneratedAttribute)));

    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "Without the interface's member the type is refused with a reason, and nothing is lost.")]
    [UnconditionalSuppressMessage(
        "Trimming", "IL2075", Justification = "Without the interface's member the type is refused with a reason, and nothing is lost.")]
    private static bool IsOfAnInterface(Type type, string name) =>
        type.GetInterfaces().Any(one => IsOfFramework(one) && one.GetProperty(name) is not null);

    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "A contract for maps was made of this very interface.")]
    private static bool IsGenericMap(Type type) => type.GetInterfaces().Append(type).Any(one =>
        one.IsGenericType
        && (one.GetGenericTypeDefinition() == typeof(IDictionary<,>) || one.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>)));

    private static bool IsStack(Type type)
    {
        for (var current = type; current is not null; current = current.BaseType)
        {
            if (current == typeof(Stack) || StackConverters.IsStack(current))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOfFramework(Type type) =>
        type.Namespace is { } name && (name == "System" || name.StartsWith("System.", StringComparison.Ordinal));
}
