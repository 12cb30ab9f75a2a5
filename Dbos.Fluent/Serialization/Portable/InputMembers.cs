using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>The members of an input that arguments bind to: constructor parameters in their order, then other settable members.</summary>
internal sealed class InputMembers
{
    private readonly JsonTypeInfo contract;
    private readonly JsonPropertyInfo[] members;

    public InputMembers(JsonTypeInfo contract)
    {
        this.contract = contract;
        members =
        [
            .. contract.Properties
                .Where(member => member.Set is not null || member.AssociatedParameter is not null)
                .Where(member => !member.IsExtensionData)
                .OrderBy(member => member.AssociatedParameter?.Position ?? int.MaxValue),
        ];
    }

    public int Count => members.Length;

    public bool Has(string name) => Find(name) is not null;

    /// <summary>
    /// True if a value is an object with members of which none is a member of the input, including its write-only members.
    /// </summary>
    public bool KnowsNothingOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object
        && contract.PolymorphismOptions is null
        && !contract.Properties.Any(member => member.IsExtensionData)
        && value.EnumerateObject().Any()
        && value.EnumerateObject().All(member => Find(contract.Properties, member.Name) is null);

    /// <summary>Creates the input from an object whose members are the arguments; unknown names are left to the contract.</summary>
    /// <exception cref="JsonException">There are more arguments than members, or one member is given twice.</exception>
    public object? Bind(IReadOnlyList<JsonElement> positional, IReadOnlyList<JsonProperty> named)
    {
        if (positional.Count > members.Length)
        {
            throw new JsonException(
                $"{positional.Count} positional arguments were given, and {contract.Type} has {members.Length} members to take them");
        }

        var taken = new HashSet<string>(StringComparer.Ordinal);
        using var json = new PooledBuffer(Array.MaxLength);
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            for (var index = 0; index < positional.Count; index++)
            {
                Write(writer, taken, members[index].Name, positional[index]);
            }

            foreach (var argument in named)
            {
                Write(writer, taken, Find(argument.Name)?.Name ?? argument.Name, argument.Value);
            }

            writer.WriteEndObject();
        }

        return JsonSerializer.Deserialize(json.Written, contract);
    }

    private static void Write(Utf8JsonWriter writer, HashSet<string> taken, string name, JsonElement value)
    {
        if (!taken.Add(name))
        {
            throw new JsonException($"the argument '{name}' was given twice");
        }

        writer.WritePropertyName(name);
        value.WriteTo(writer);
    }

    private JsonPropertyInfo? Find(string name) => Find(members, name);

    private static JsonPropertyInfo? Find(IList<JsonPropertyInfo> among, string name) =>
        among.FirstOrDefault(member => string.Equals(member.Name, name, StringComparison.Ordinal))
        ?? among.FirstOrDefault(member => string.Equals(member.Name, name, StringComparison.OrdinalIgnoreCase));
}
