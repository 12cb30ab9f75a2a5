using System.Text.Json;
using System.Text.Json.Serialization;
using Dbos.Fluent.Errors;

namespace Dbos.Fluent.Serialization.Contracts;

/// <summary>The stored shape of a <see cref="RecordedFailure"/> in the exact format.</summary>
internal sealed record StoredFailure(
    string Type, string Message, string? Stack, JsonElement? Code, string? Data, string[]? Bases, StoredFailure[]? Inner)
{
    // The last level holds the root cause.
    public static StoredFailure From(RecordedFailure failure, int levels) => new(
        failure.TypeName,
        failure.Message,
        failure.StackTrace,
        FailureCode.ToJson(failure.Code) is { } code ? JsonElement.Parse(code) : null,
        failure.Data,
        failure.BaseTypes.Count == 0 ? null : [.. failure.BaseTypes],
        failure.Inner.Count == 0 || levels == 1
            ? null
            : [.. failure.Inner.Select(inner => From(levels == 2 ? RootCauses.Of(inner) : inner, levels - 1))]);

    public RecordedFailure ToFailure() => new(Type ?? "", Message ?? "", Stack, FailureCode.FromJson(Code), Data)
    {
        BaseTypes = Bases ?? [],
        Inner = Inner is null ? [] : [.. Inner.Select(inner => inner.ToFailure())],
    };
}

/// <summary>The source-generated contract of the stored shape, independent of the user's options.</summary>
[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StoredFailure))]
internal sealed partial class StoredFailureContract : JsonSerializerContext;
