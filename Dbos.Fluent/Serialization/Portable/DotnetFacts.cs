using System.Text;
using System.Text.Json;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>The facts of a failure that only .NET knows: the member <c>data.dotnet</c> of its portable form.</summary>
internal sealed record DotnetFacts(string? TypeName, string? StackTrace, JsonElement? Code, string? Data)
{
    /// <summary>The member's name.</summary>
    public const string Name = "dotnet";

    public IReadOnlyList<string> BaseTypes { get; init; } = [];

    public IReadOnlyList<RecordedFailure> Inner { get; init; } = [];

    /// <summary>Reads the facts, each of which may be missing.</summary>
    public static DotnetFacts Read(JsonElement? facts) => facts is not { } map
        ? new DotnetFacts(null, null, null, null)
        : new DotnetFacts(
            PortableFailure.Text(map, "type"),
            PortableFailure.Text(map, "stack"),
            PortableFailure.Member(map, "code"),
            PortableFailure.Text(map, "data"))
        {
            BaseTypes = Elements(map, "bases", static name => name.ToString()),
            Inner = Elements(map, "inner", PortableFailure.Read),
        };

    /// <summary>Writes the facts of a failure as an object, or nothing if it has none.</summary>
    /// <param name="output">The buffer to write to.</param>
    /// <param name="failure">The failure.</param>
    /// <param name="code">The code's exact JSON, if the portable code is only its text.</param>
    /// <param name="dataForm">How the failure's own data is stored, if not as members beside the facts.</param>
    /// <param name="levels">The failure levels that may still be written, including this one; the last is the root cause.</param>
    public static void Write(PooledBuffer output, RecordedFailure failure, string? code, string? dataForm, int levels)
    {
        var start = output.Length;
        if (PortableFailure.SimpleName(failure.TypeName) != failure.TypeName)
        {
            Member(output, start, "\"type\":"u8);
            JsonText.WriteString(output, failure.TypeName);
        }

        if (failure.StackTrace is { } stack)
        {
            Member(output, start, "\"stack\":"u8);
            JsonText.WriteString(output, stack);
        }

        if (failure.BaseTypes.Count > 0)
        {
            Member(output, start, "\"bases\":"u8);
            List(output, failure.BaseTypes, static (to, name) => JsonText.WriteString(to, name));
        }

        if (failure.Inner.Count > 0 && levels > 1)
        {
            Member(output, start, "\"inner\":"u8);
            List(
                output,
                failure.Inner,
                (to, inner) => PortableFailure.Write(to, levels == 2 ? RootCauses.Of(inner) : inner, levels - 1));
        }

        if (code is not null)
        {
            Member(output, start, "\"code\":"u8);
            output.Write(Encoding.UTF8.GetBytes(code));
        }

        if (dataForm is not null)
        {
            Member(output, start, "\"data\":"u8);
            JsonText.WriteString(output, dataForm);
        }

        if (output.Length > start)
        {
            output.WriteByte((byte)'}');
        }
    }

    private static T[] Elements<T>(JsonElement map, string name, Func<JsonElement, T> read) =>
        PortableFailure.Member(map, name) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray().Select(read)] : [];

    private static void Member(PooledBuffer output, int start, ReadOnlySpan<byte> name)
    {
        output.WriteByte((byte)(output.Length == start ? '{' : ','));
        output.Write(name);
    }

    private static void List<T>(PooledBuffer output, IReadOnlyList<T> items, Action<PooledBuffer, T> write)
    {
        for (var index = 0; index < items.Count; index++)
        {
            output.WriteByte((byte)(index == 0 ? '[' : ','));
            write(output, items[index]);
        }

        output.WriteByte((byte)']');
    }
}
