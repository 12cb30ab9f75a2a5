using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>Every public member is documented, and says more than its name.</summary>
public sealed partial class DocumentationTests
{
    private const int WordsMin = 3;

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly string[] Fillers =
        ["a", "an", "the", "of", "this", "that", "its", "gets", "sets", "get", "set", "or", "value", "returns", "and"];

    private static readonly Lazy<Dictionary<string, XElement>> Entries = new(() =>
        XDocument.Load(Path.ChangeExtension(typeof(DbosException).Assembly.Location, ".xml")).Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value));

    private static IEnumerable<MemberInfo> Documented =>
        from type in typeof(DbosException).Assembly.GetExportedTypes()
        from member in type.GetMembers(Declared).Append(type)
        where IsVisible(member) && member.GetCustomAttribute<CompilerGeneratedAttribute>() is null && !IsOfRecord(member)
        select member;

    [Fact]
    public void Every_public_member_has_an_entry() =>
        Breaches.None(Documented.Where(member => !IsPositional(member)).Select(DocumentationId.Of).Except(Entries.Value.Keys));

    [Fact]
    public void Summaries_say_more_than_the_name()
    {
        var breaches =
            from member in Documented
            let entry = Entries.Value.GetValueOrDefault(DocumentationId.Of(member))
            where entry?.Element("inheritdoc") is null && entry?.Element("summary") is { } summary && IsHollow(Text(summary), member.Name)
            select $"{DocumentationId.Of(member)}: {Text(entry.Element("summary")!)}";

        Breaches.None(breaches);
    }

    [Fact]
    public void Every_parameter_and_result_is_described()
    {
        var breaches =
            from method in Documented.OfType<MethodBase>()
            let entry = Entries.Value.GetValueOrDefault(DocumentationId.Of(method))
            where entry is not null && entry.Element("inheritdoc") is null && !method.Name.StartsWith("op_", StringComparison.Ordinal)
            let parameters = method.GetParameters().Select(parameter => parameter.Name!).Except(Described(entry))
            let result = HasResult(method) && entry.Element("returns") is null ? ["(result)"] : Array.Empty<string>()
            from missing in parameters.Concat(result)
            select $"{DocumentationId.Of(method)}: {missing}";

        Breaches.None(breaches);
    }

    private static IEnumerable<string> Described(XElement entry) => entry.Elements("param")
        .Where(element => Words(Text(element)).Length > 1)
        .Select(element => element.Attribute("name")!.Value);

    private static bool HasResult(MethodBase method) =>
        method is MethodInfo { ReturnType: var type } && type != typeof(void) && type != typeof(Task) && type != typeof(ValueTask);

    private static bool IsHollow(string summary, string name)
    {
        var words = Words(summary);
        var parts = PascalWord().Matches(name).Select(match => match.Value.ToUpperInvariant()).ToHashSet();
        return words.Length < WordsMin
            || words.All(word => Fillers.Contains(word, StringComparer.OrdinalIgnoreCase) || parts.Contains(word.ToUpperInvariant()));
    }

    // A reference in the text counts by its last name.
    private static string Text(XElement element) => string.Concat(element.DescendantNodes().Select(node => node switch
    {
        XText text => text.Value,
        XElement { HasAttributes: true } reference => " " + reference.FirstAttribute!.Value.Split('.')[^1] + " ",
        _ => " ",
    })).Trim();

    private static string[] Words(string text) => [.. Word().Matches(text).Select(match => match.Value)];

    private static bool IsVisible(MemberInfo member) => member switch
    {
        Type type => type.IsVisible,
        FieldInfo field => field.IsPublic && !field.IsSpecialName,
        PropertyInfo property => property.GetAccessors().Length > 0,
        MethodInfo { IsSpecialName: true } method => method.IsPublic && method.Name.StartsWith("op_", StringComparison.Ordinal),
        MethodBase method => method.IsPublic && !(method.IsConstructor && method.GetParameters().Length == 0),
        _ => false,
    };

    // A positional parameter of a record is described by a param of the type; the compiler checks that.
    private static bool IsPositional(MemberInfo member) =>
        member.DeclaringType is { } type
        && Entries.Value.GetValueOrDefault(DocumentationId.Of(type)) is { } entry
        && entry.Elements("param").Any(element =>
            member is ConstructorInfo || element.Attribute("name")!.Value == member.Name);

    private static bool IsOfRecord(MemberInfo member) =>
        member.Name is "Equals" or "GetHashCode" or "ToString" or "op_Equality" or "op_Inequality"
        && member is MethodInfo { DeclaringType: { } type }
        && !Entries.Value.ContainsKey(DocumentationId.Of(member))
        && type.GetMethod("Equals", [type]) is not null;

    [GeneratedRegex(@"[\w']+")]
    private static partial Regex Word();

    [GeneratedRegex("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")]
    private static partial Regex PascalWord();
}
