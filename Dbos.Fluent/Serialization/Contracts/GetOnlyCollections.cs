using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>
/// Fills a collection that its object creates itself (<c>public List&lt;int&gt; Items { get; } = [];</c>) with its stored elements.
/// </summary>
/// <remarks>
/// It then has exactly those: elements that a constructor added are removed first, or they would be there twice. Only automatic
/// properties are filled; a computed one is computed again. Without dynamic code (native AOT) no property is filled.
/// </remarks>
internal static class GetOnlyCollections
{
    /// <summary>A modifier for contracts.</summary>
    public static void Fill(JsonTypeInfo contract)
    {
        if (contract.Kind != JsonTypeInfoKind.Object || contract.Options.IgnoreReadOnlyProperties)
        {
            return;
        }

        foreach (var property in contract.Properties)
        {
            if (property is { Set: null, Get: { } get, AssociatedParameter: null, IsExtensionData: false }
                && property.AttributeProvider is PropertyInfo { SetMethod: null, GetMethod: { } own }
                && own.IsDefined(typeof(CompilerGeneratedAttribute))
                && FillerOf(property.PropertyType) is { } filler)
            {
                property.Set = (owner, stored) => filler.Fill(get(owner), stored);
            }
        }
    }

    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "A collection whose constructor or interface was trimmed away is left as it was made.")]
    [UnconditionalSuppressMessage(
        "Trimming", "IL2055", Justification = "The type argument of the filler asks for nothing.")]
    [UnconditionalSuppressMessage(
        "Trimming", "IL2072", Justification = "The filler's constructor is kept by the type itself.")]
    private static Filler? FillerOf(Type type)
    {
        if (!RuntimeFeature.IsDynamicCodeSupported || type.IsValueType || type.IsArray
            || !(type.IsInterface || (!type.IsAbstract && type.GetConstructor(Type.EmptyTypes) is not null)))
        {
            return null;
        }

        var collection = type.GetInterfaces().Append(type)
            .FirstOrDefault(one => one.IsGenericType && one.GetGenericTypeDefinition() == typeof(ICollection<>));
        return collection is null
            ? null
            : (Filler)Activator.CreateInstance(typeof(Filler<>).MakeGenericType(collection.GetGenericArguments()))!;
    }

    private abstract class Filler
    {
        public abstract void Fill(object? made, object? stored);
    }

    private sealed class Filler<T> : Filler
    {
        public override void Fill(object? made, object? stored)
        {
            if (made is not ICollection<T> { IsReadOnly: false } own || stored is not IEnumerable<T> items)
            {
                return;
            }

            own.Clear();
            foreach (var item in items)
            {
                own.Add(item);
            }
        }
    }
}
