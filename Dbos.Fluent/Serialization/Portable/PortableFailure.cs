using System.Text;
using System.Text.Json;
using Dbos.Fluent.Serialization.Contracts;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>A failure as <c>{"name","message","code"?,"data"?}</c>, which every SDK reads.</summary>
/// <remarks>
/// The facts that only .NET knows (full type name, stack, base types, inner failures) are in <c>data.dotnet</c>, beside the members of the
/// failure's own data. Own data that is not an object, is empty or has a member <c>dotnet</c> is stored whole in <c>data.value</c>. Text
/// that is not JSON, or too deep to nest, is there as a string; <c>data.dotnet.data</c> says which. Without such facts <c>data</c> is the
/// failure's own data, so an error of another library is written back unchanged.
/// </remarks>
internal static class PortableFailure
{
    private const string Beginning = "{\"name\":";

    /// <summary>True for a text in this form, written here or by another SDK, whatever format its row names.</summary>
    public static bool IsOne(string? text) => text?.StartsWith(Beginning, StringComparison.Ordinal) == true;

    public static void Write(PooledBuffer output, RecordedFailure failure) => Write(output, failure, FailureConverter.LevelsMax);

    public static RecordedFailure Read(JsonElement failure)
    {
        if (failure.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException("a failure is an object with name and message");
        }

        if (Member(failure, "name") is null && Member(failure, "message") is null)
        {
            throw new JsonException("a failure has a name or a message");
        }

        var data = Member(failure, "data");
        var facts = data is { ValueKind: JsonValueKind.Object } map ? Member(map, DotnetFacts.Name) : null;
        facts = facts is { ValueKind: JsonValueKind.Object } ? facts : null;
        var dotnet = DotnetFacts.Read(facts);
        return new RecordedFailure(
            dotnet.TypeName ?? Text(failure, "name") ?? "Error",
            Text(failure, "message") ?? "",
            dotnet.StackTrace,
            FailureCode.FromJson(dotnet.Code ?? Member(failure, "code")),
            PortableData.Read(data, facts, dotnet.Data))
        {
            BaseTypes = dotnet.BaseTypes,
            Inner = dotnet.Inner,
        };
    }

    internal static void Write(PooledBuffer output, RecordedFailure failure, int levels)
    {
        var code = FailureCode.ToJson(failure.Code);

        // JavaScript would round such a code, so it gets the text; .NET reads the number from its own facts.
        var rounded = failure.Code is > PortableConverters.ExactInJavaScriptMax or < -PortableConverters.ExactInJavaScriptMax;
        output.Write("{\"name\":"u8);
        JsonText.WriteString(output, SimpleName(failure.TypeName));
        output.Write(",\"message\":"u8);
        JsonText.WriteString(output, failure.Message);
        if (code is not null)
        {
            output.Write(",\"code\":"u8);
            output.Write(Encoding.UTF8.GetBytes(rounded ? $"\"{code}\"" : code));
        }

        PortableData.Write(output, failure, rounded ? code : null, levels);
        output.WriteByte((byte)'}');
    }

    /// <summary>The name that other languages show: without namespace, outer types and type arguments.</summary>
    internal static string SimpleName(string typeName)
    {
        var name = typeName.AsSpan();
        var arity = name.IndexOf('`');
        name = arity > 0 ? name[..arity] : name;
        return name[(name.LastIndexOfAny('.', '+') + 1)..].ToString();
    }

    internal static JsonElement? Member(JsonElement map, string name) =>
        map.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    internal static string? Text(JsonElement map, string name) => Member(map, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { } other => other.GetRawText(),
    };
}
