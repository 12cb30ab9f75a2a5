using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Refuses to write what <c>System.Text.Json</c> would silently drop.</summary>
internal static class ContractChecks
{
    /// <summary>
    /// A modifier for contracts. It refuses objects of undeclared derived types, objects with data that cannot be read back, and
    /// collections that would not be read back as they were.
    /// </summary>
    public static void Add(JsonTypeInfo contract)
    {
        if (CollectionChecks.Fault(contract) is { } fault)
        {
            Before(contract, _ => throw new JsonException(fault));
        }

        if (contract.Kind != JsonTypeInfoKind.Object)
        {
            return;
        }

        if (!contract.Type.IsSealed)
        {
            Before(contract, value => RefuseUndeclaredType(contract, value));
        }

        if (contract.Properties.Count > 0 && contract.Properties.All(property => property.Set is null))
        {
            Before(contract, _ => RefuseUnreadable(contract));
        }

        if (contract.Properties.Any(HasHiddenSetter))
        {
            Before(contract, _ => RefuseHiddenSetter(contract));
        }
    }

    /// <summary>Refuses the same, and maps whose keys are not strings.</summary>
    public static void AddPortable(JsonTypeInfo contract)
    {
        Add(contract);
        if (contract.Kind == JsonTypeInfoKind.Dictionary && contract.KeyType != typeof(string))
        {
            Before(contract, _ => throw new JsonException(
                $"a map with keys of type {contract.KeyType} has no portable form; use string keys, or a list of key and value"));
        }
    }

    private static void Before(JsonTypeInfo contract, Action<object> check)
    {
        var next = contract.OnSerializing;
        contract.OnSerializing = next is null ? check : value =>
        {
            check(value);
            next(value);
        };
    }

    // A polymorphic contract passes a derived object to that object's own contract before this check.
    private static void RefuseUndeclaredType(JsonTypeInfo contract, object value)
    {
        if (value.GetType() != contract.Type && contract.PolymorphismOptions is null)
        {
            throw new JsonException(
                $"an object of type {value.GetType()} stands where {contract.Type} is declared, so what it adds would be lost; "
                + $"declare it on {contract.Type} with [JsonDerivedType], or use the derived type itself");
        }
    }

    // A property without any setter is computed or set by the constructor; one that only its own type sets is data to keep.
    private static bool HasHiddenSetter(JsonPropertyInfo property) =>
        property is { Set: null, Get: not null }
        && property.AttributeProvider is PropertyInfo { SetMethod: not null };

    private static void RefuseHiddenSetter(JsonTypeInfo contract)
    {
        if (contract.Properties.FirstOrDefault(one => HasHiddenSetter(one) && one.AssociatedParameter is null) is { } property)
        {
            throw new JsonException(
                $"'{property.Name}' of {contract.Type} would be stored and never read back: its setter is not public. Mark it with "
                + "[JsonInclude], make the setter public, or let a constructor parameter of the same name set it; "
                + "[JsonIgnore] where it need not be stored");
        }
    }

    private static void RefuseUnreadable(JsonTypeInfo contract)
    {
        if (contract.Properties.All(property => property.Set is null && property.AssociatedParameter is null))
        {
            throw new JsonException(
                $"nothing of {contract.Type} could be read back: it has neither a public setter nor a constructor parameter for any of its "
                + "properties; make it a record, or bring a converter in JsonOptions");
        }
    }
}
