using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Facts about types from the contracts of one format, computed once for each type. Safe for concurrent use.</summary>
/// <param name="contracts">The contracts.</param>
internal sealed class DeclaredTypes(JsonSerializerOptions contracts)
{
    private readonly ConcurrentDictionary<Type, string> faults = new();
    private readonly ConcurrentDictionary<Type, Type> declared = new();

    /// <summary>Refuses a type that contains a collection that can be written but not read.</summary>
    /// <exception cref="JsonException">The type contains such a collection.</exception>
    public void CheckReadable(Type type)
    {
        if (faults.GetOrAdd(type, FaultOf) is { Length: > 0 } fault)
        {
            throw new JsonException(fault);
        }
    }

    /// <summary>
    /// The type by which to write an object whose declared type is unknown: the nearest among its own type, bases and interfaces that
    /// declares it as a derived type; else its own.
    /// </summary>
    public Type Of(object? value) => value is null ? typeof(object) : declared.GetOrAdd(value.GetType(), Nearest);

    private string FaultOf(Type root)
    {
        HashSet<Type> seen = [typeof(object)];
        var open = new Stack<Type>([root]);
        while (open.TryPop(out var next))
        {
            var type = Nullable.GetUnderlyingType(next) ?? next;
            if (!seen.Add(type) || ContractOf(type) is not { } contract)
            {
                continue;
            }

            if (!CanBeMade(contract))
            {
                return $"{type} can be written, but never be read: nothing can be put into one when it is made. "
                    + "Declare List<T>, HashSet<T>, Dictionary<TKey, TValue> or an interface of theirs instead";
            }

            foreach (var part in PartsOf(contract))
            {
                open.Push(part);
            }
        }

        return "";
    }

    private static IEnumerable<Type> PartsOf(JsonTypeInfo contract) => contract.Kind switch
    {
        JsonTypeInfoKind.Object => contract.Properties
            .Where(property => property.CustomConverter is null && (property.Set is not null || property.AssociatedParameter is not null))
            .Select(property => property.PropertyType)
            .Concat(contract.PolymorphismOptions?.DerivedTypes.Select(derived => derived.DerivedType) ?? []),
        JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary => contract.ElementType is { } element ? [element] : [],
        _ when ValueTupleConverter.IsValueTuple(contract.Type) || StackConverters.IsStack(contract.Type) =>
            contract.Type.GetGenericArguments(),
        _ => [],
    };

    // Only the serializer knows whether it can create the collection, and it reports that when it reads one.
    private static bool CanBeMade(JsonTypeInfo contract)
    {
        if (contract.Kind is not (JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary))
        {
            return true;
        }

        try
        {
            JsonSerializer.Deserialize(contract.Kind == JsonTypeInfoKind.Dictionary ? "{}"u8 : "[]"u8, contract);
            return true;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "An interface that was trimmed away is nobody's declared type.")]
    private Type Nearest(Type type)
    {
        for (var current = type; current is not null && current != typeof(object); current = current.BaseType)
        {
            if (Declares(current, type))
            {
                return current;
            }
        }

        return type.GetInterfaces().FirstOrDefault(one => Declares(one, type)) ?? type;
    }

    private bool Declares(Type declaring, Type derived) =>
        declaring.Namespace?.StartsWith("System", StringComparison.Ordinal) != true
        && ContractOf(declaring)?.PolymorphismOptions?.DerivedTypes.Any(one => one.DerivedType == derived) == true;

    // A missing contract is not an error here: its use throws one that names the type.
    private JsonTypeInfo? ContractOf(Type type)
    {
        try
        {
            return contracts.TryGetTypeInfo(type, out var contract) ? contract : null;
        }
        catch (Exception exception) when (exception is InvalidOperationException or NotSupportedException)
        {
            return null;
        }
    }
}
