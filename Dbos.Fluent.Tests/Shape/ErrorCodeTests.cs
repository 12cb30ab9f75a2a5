using System.Reflection;
using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>Each failure that the library reports has a code of its own, says it, and is explained in <c>docs/errors.md</c>.</summary>
public sealed partial class ErrorCodeTests
{
    private static readonly Lazy<string> Page = new(() => File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "errors.md")));

    private static IReadOnlyList<DbosException> Examples { get; } = [.. typeof(DbosException).Assembly.GetTypes()
        .Where(type => type.IsSubclassOf(typeof(DbosException)) && !type.IsAbstract)
        .OrderBy(type => type.Name, StringComparer.Ordinal)
        .Select(Example)];

    [Fact]
    public void Every_failure_has_a_well_formed_code() =>
        Breaches.None(Examples.Where(error => !WellFormed().IsMatch(error.Code)).Select(error => $"{error.GetType().Name}: {error.Code}"));

    [Fact]
    public void No_code_is_used_twice() =>
        Breaches.None(Examples.GroupBy(error => error.Code).Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(error => error.GetType().Name))}"));

    [Fact]
    public void Every_message_begins_with_the_code_and_is_sentences() =>
        Breaches.None(Examples.Where(error => !error.Message.StartsWith(error.Code + ": ", StringComparison.Ordinal))
            .Select(error => error.Message));

    [Fact]
    public void Every_code_is_explained_with_cause_and_remedy()
    {
        var breaches =
            from error in Examples
            let section = Section().Matches(Page.Value).FirstOrDefault(match => match.Groups["code"].Value == error.Code)
            where section?.Groups["name"].Value != error.GetType().Name
                || !section.Value.Contains("**Cause.**") || !section.Value.Contains("**Remedy.**")
            select $"{error.Code} {error.GetType().Name}";

        Breaches.None(breaches);
    }

    [Fact]
    public void Page_explains_no_code_that_nothing_has() =>
        Breaches.None(Section().Matches(Page.Value).Select(match => match.Groups["code"].Value)
            .Except(Examples.Select(error => error.Code)));

    // Each type has one constructor for the case it stands for; any facts will do.
    private static DbosException Example(Type type)
    {
        var constructor = type.GetConstructors(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
            .First(made => !made.IsFamilyAndAssembly);
        return (DbosException)constructor.Invoke([.. constructor.GetParameters().Select(parameter => Fact(parameter.ParameterType))]);
    }

    private static object? Fact(Type type)
    {
        var failure = new RecordedFailure("Some.Exception", "It went wrong.");
        return type switch
        {
            _ when type == typeof(string) => "something",
            _ when type == typeof(RecordedFailure) => failure,
            _ when type == typeof(Exception) => new InvalidOperationException("It went wrong."),
            _ when type.IsAssignableFrom(typeof(List<RecordedFailure>)) => new List<RecordedFailure> { failure },
            _ when type.IsValueType => Activator.CreateInstance(type),
            _ => throw new InvalidOperationException($"No example of a {type}: add one here."),
        };
    }

    [GeneratedRegex(@"^DBOS[1-5]0\d\d$")]
    private static partial Regex WellFormed();

    [GeneratedRegex(@"^### (?<code>DBOS\d{4}) (?<name>\w+)\n(?:(?!^#).*\n?)*", RegexOptions.Multiline)]
    private static partial Regex Section();
}
