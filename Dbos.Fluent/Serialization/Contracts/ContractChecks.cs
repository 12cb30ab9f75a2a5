using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Refuses on write what <c>System.Text.Json</c> would drop without a word.</summary>
internal static class ContractChecks
{
    /// <summary>A modifier for contracts: objects of undeclared derived types, and objects of which nothing can be read back.</summary>
    public static void Add(JsonTypeInfo contract)
    {
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
    }

    /// <summary>The same, and maps whose keys are not strings.</summary>
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

    // A polymorphic contract hands a derived object on to that object's own contract before this is asked.
    private static void RefuseUndeclaredType(JsonTypeInfo contract, object value)
    {
        if (value.GetType() != contract.Type && contract.PolymorphismOptions is null)
        {
            throw new JsonException(
                $"an object of type {value.GetType()} stands where {contract.Type} is declared, so what it adds would be lost; "
                + $"declare it on {contract.Type} with [JsonDerivedType], or use the derived type itself");
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
