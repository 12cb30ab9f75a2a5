using System.Globalization;
using Dbos.Fluent.Errors;

namespace Dbos.Fluent.Serialization;

/// <summary>Reduces a failure that is too large to be stored whole, step by step; its type always remains.</summary>
internal static class FailureCuts
{
    private const int TextMax = 2000;
    private const int InnerTextMax = 200;
    private const int BasesMax = 16;

    /// <summary>The failure without its largest parts, then without more parts. The last form always fits if any failure does.</summary>
    public static IEnumerable<RecordedFailure> Of(RecordedFailure failure)
    {
        yield return Told(WithoutStacks(failure), "stacks are left out");
        yield return Told(
            Brief(failure, TextMax) with { Inner = [.. FirstAndLast(failure.Inner).Select(BriefWithCause)] },
            "stack, its data and most of its inner failures are left out");
        yield return Least(failure) with
        {
            BaseTypes = Bases(failure),
            Inner = [.. failure.Inner.Take(1).Select(inner => Brief(inner, InnerTextMax))],
        };
        yield return Least(failure);
    }

    /// <summary>A text, truncated at the end if it is too long.</summary>
    public static string Shorten(string text, int lengthMax) => text.Length <= lengthMax
        ? text
        : string.Create(CultureInfo.InvariantCulture, $"{text[..lengthMax]}... ({text.Length} characters)");

    private static RecordedFailure WithoutStacks(RecordedFailure failure) =>
        failure with { StackTrace = null, Inner = [.. failure.Inner.Select(WithoutStacks)] };

    private static RecordedFailure BriefWithCause(RecordedFailure failure)
    {
        var brief = Brief(failure, InnerTextMax);
        return failure.Inner.Count == 0 ? brief : brief with { Inner = [Brief(RootCauses.Of(failure), InnerTextMax)] };
    }

    private static IEnumerable<RecordedFailure> FirstAndLast(IReadOnlyList<RecordedFailure> failures) =>
        failures.Count <= 2 ? failures : [failures[0], failures[^1]];

    private static RecordedFailure Brief(RecordedFailure failure, int textMax) =>
        new(Shorten(failure.TypeName, textMax), Shorten(failure.Message, textMax), Code: Code(failure, textMax))
        {
            BaseTypes = Bases(failure),
        };

    private static RecordedFailure Least(RecordedFailure failure) =>
        Told(Brief(failure, TextMax) with { BaseTypes = [] }, "stack, its data and inner failures are left out");

    private static RecordedFailure Told(RecordedFailure failure, string what) =>
        failure with { Message = failure.Message + $" (The failure was too large to be stored whole: its {what}.)" };

    private static string[] Bases(RecordedFailure failure) =>
        [.. failure.BaseTypes.Take(BasesMax).Select(name => Shorten(name, InnerTextMax))];

    private static object? Code(RecordedFailure failure, int textMax) =>
        failure.Code is string code ? Shorten(code, textMax) : failure.Code;
}
