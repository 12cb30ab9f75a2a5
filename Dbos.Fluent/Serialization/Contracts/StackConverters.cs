using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>Stacks, from the top down. By default the serializer pushes elements in the order read, which reverses a stack.</summary>
/// <remarks>Without dynamic code (native AOT) it creates no converter, and a stack is refused on write.</remarks>
internal sealed class StackConverters : JsonConverterFactory
{
    public static bool IsStack(Type type) => type.IsGenericType && ConverterOf(type.GetGenericTypeDefinition()) is not null;

    public override bool CanConvert(Type typeToConvert) => RuntimeFeature.IsDynamicCodeSupported && IsStack(typeToConvert);

    [UnconditionalSuppressMessage(
        "Trimming", "IL2026", Justification = "The converters have no members but those that are called here.")]
    [UnconditionalSuppressMessage(
        "Trimming", "IL2055", Justification = "The type arguments of the converters ask for nothing.")]
    [UnconditionalSuppressMessage(
        "AOT", "IL3050", Justification = "Only where dynamic code is supported: see CanConvert.")]
    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(
            ConverterOf(typeToConvert.GetGenericTypeDefinition())!.MakeGenericType(typeToConvert.GetGenericArguments()))!;

    [return: DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)]
    private static Type? ConverterOf(Type definition) =>
        definition == typeof(Stack<>) ? typeof(OfStack<>)
        : definition == typeof(ConcurrentStack<>) ? typeof(OfConcurrentStack<>)
        : definition == typeof(ImmutableStack<>) ? typeof(OfImmutableStack<>)
        : definition == typeof(IImmutableStack<>) ? typeof(OfImmutableStackInterface<>)
        : null;

    private abstract class Of<TStack, T> : JsonConverter<TStack>
        where TStack : class, IEnumerable<T>
    {
        public override TStack Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                throw new JsonException($"an array is needed for {typeToConvert}");
            }

            var contract = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
            List<T> bottomUp = [];
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                bottomUp.Add(JsonSerializer.Deserialize(ref reader, contract)!);
            }

            bottomUp.Reverse();
            return Make(bottomUp);
        }

        public override void Write(Utf8JsonWriter writer, TStack value, JsonSerializerOptions options)
        {
            var contract = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
            writer.WriteStartArray();
            foreach (var item in value)
            {
                JsonSerializer.Serialize(writer, item, contract);
            }

            writer.WriteEndArray();
        }

        protected abstract TStack Make(List<T> bottomUp);
    }

    private sealed class OfStack<T> : Of<Stack<T>, T>
    {
        protected override Stack<T> Make(List<T> bottomUp) => new(bottomUp);
    }

    private sealed class OfConcurrentStack<T> : Of<ConcurrentStack<T>, T>
    {
        protected override ConcurrentStack<T> Make(List<T> bottomUp) => new(bottomUp);
    }

    private sealed class OfImmutableStack<T> : Of<ImmutableStack<T>, T>
    {
        protected override ImmutableStack<T> Make(List<T> bottomUp) => ImmutableStack.CreateRange(bottomUp);
    }

    private sealed class OfImmutableStackInterface<T> : Of<IImmutableStack<T>, T>
    {
        protected override IImmutableStack<T> Make(List<T> bottomUp) => ImmutableStack.CreateRange(bottomUp);
    }
}
