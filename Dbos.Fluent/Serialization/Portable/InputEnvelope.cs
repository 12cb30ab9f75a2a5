using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dbos.Fluent.Serialization.Contracts;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>The arguments of a workflow that any language enqueued, bound to the single input of a workflow here.</summary>
/// <remarks>
/// One positional argument is the input. Several, or named ones, bind to the input's members: positional ones in order, named ones by name.
/// A list or value tuple takes several positional arguments as its elements; a map takes named arguments as its entries.
/// </remarks>
internal sealed class InputEnvelope
{
    /// <summary>The levels of nesting that the envelope adds around an argument.</summary>
    public const int Levels = 2;

    private readonly JsonElement positionalArgs;
    private readonly JsonElement namedArgs;
    private readonly JsonElement[] positional;
    private readonly JsonProperty[] named;

    public InputEnvelope(JsonElement envelope)
    {
        if (envelope.ValueKind != JsonValueKind.Object)
        {
            throw NoEnvelope($"it is {envelope.ValueKind}");
        }

        positionalArgs = Member(envelope, "positionalArgs", JsonValueKind.Array);
        namedArgs = Member(envelope, "namedArgs", JsonValueKind.Object);
        if (positionalArgs.ValueKind == JsonValueKind.Undefined && namedArgs.ValueKind == JsonValueKind.Undefined)
        {
            RefuseOtherMembers(envelope);
        }

        positional = positionalArgs.ValueKind == JsonValueKind.Array ? [.. positionalArgs.EnumerateArray()] : [];
        named = namedArgs.ValueKind == JsonValueKind.Object ? [.. namedArgs.EnumerateObject()] : [];
    }

    /// <summary>Returns the input; null if no argument was given.</summary>
    public object? Bind(JsonTypeInfo contract)
    {
        if (contract.Type == typeof(Unit) || (positional.Length == 0 && named.Length == 0))
        {
            return null;
        }

        return (positional.Length, named.Length, contract.Kind) switch
        {
            (1, 0, _) => BindOne(contract),
            (_, _, JsonTypeInfoKind.Object) => BindMembers(contract),
            (0, _, JsonTypeInfoKind.Dictionary) => namedArgs.Deserialize(contract),
            (_, 0, _) when TakesElements(contract) => positionalArgs.Deserialize(contract),
            (0, 1, _) => named[0].Value.Deserialize(contract),
            _ => throw new JsonException(
                $"{positional.Length} positional and {named.Length} named arguments were given; {contract.Type} has no members for them; "
                + "use a record with one member for each as the workflow's input"),
        };
    }

    private object? BindOne(JsonTypeInfo contract)
    {
        var members = contract.Kind == JsonTypeInfoKind.Object ? new InputMembers(contract) : null;
        if (members is { Count: > 0 } && members.KnowsNothingOf(positional[0]) && TryMembers(members, out var bound))
        {
            return bound;
        }

        try
        {
            return positional[0].Deserialize(contract);
        }
        catch (JsonException)
        {
            if (members is { Count: > 0 } && TryMembers(members, out bound))
            {
                return bound;
            }

            if (TakesElements(contract) && TryElements(contract, out bound))
            {
                return bound;
            }

            throw;
        }
    }

    private object? BindMembers(JsonTypeInfo contract)
    {
        var members = new InputMembers(contract);

        // A single named argument that is not a member is the whole input, named after the function's only parameter.
        var whole = positional.Length == 0 && named is [{ Value.ValueKind: JsonValueKind.Object }] && !members.Has(named[0].Name);
        return whole
            ? named[0].Value.Deserialize(contract)
            : members.Bind(positional, named);
    }

    private bool TryMembers(InputMembers members, out object? input)
    {
        try
        {
            input = members.Bind(positional, named);
            return true;
        }
        catch (JsonException)
        {
            input = null;
            return false;
        }
    }

    private bool TryElements(JsonTypeInfo contract, out object? input)
    {
        try
        {
            input = positionalArgs.Deserialize(contract);
            return true;
        }
        catch (JsonException)
        {
            input = null;
            return false;
        }
    }

    // An object with other members and neither list is an unwrapped input by mistake, not an input without arguments.
    private static void RefuseOtherMembers(JsonElement envelope)
    {
        foreach (var other in envelope.EnumerateObject().Where(other => other.Value.ValueKind != JsonValueKind.Null))
        {
            throw NoEnvelope($"it has the member '{other.Name}' and neither of the two");
        }
    }

    private static bool TakesElements(JsonTypeInfo contract) =>
        contract.Kind == JsonTypeInfoKind.Enumerable || ValueTupleConverter.IsValueTuple(contract.Type);

    private static JsonElement Member(JsonElement envelope, string name, JsonValueKind kind)
    {
        if (!envelope.TryGetProperty(name, out var member) || member.ValueKind == JsonValueKind.Null)
        {
            return default;
        }

        return member.ValueKind == kind ? member : throw NoEnvelope($"its {name} is {member.ValueKind}, not {kind}");
    }

    private static JsonException NoEnvelope(string why) => new(
        "a portable input is {\"positionalArgs\":[...],\"namedArgs\":{...}}; " + why);
}
