using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A method found in a source file.</summary>
internal sealed record FoundMethod(string Header, int FirstLine, int Lines);

/// <summary>
/// Finds methods and their lengths by their braces; a rough finder, which takes a local function for a part of its method.
/// </summary>
internal static partial class MethodFinder
{
    public static IReadOnlyList<FoundMethod> Find(string code)
    {
        var found = new List<FoundMethod>();
        var blocks = new Stack<(bool IsType, string Header, int From)>();
        var from = 0;
        for (var at = 0; at < code.Length; at++)
        {
            var holder = blocks.Count == 0 || blocks.Peek().IsType;
            if (code[at] == '{')
            {
                var header = code[from..at];
                blocks.Push((IsType(header), holder ? header : "", from));
                from = at + 1;
            }
            else if (code[at] == '}')
            {
                var block = blocks.Pop();
                if (!block.IsType && IsMethod(block.Header))
                {
                    found.Add(Describe(code, block.Header, block.From, at));
                }

                from = at + 1;
            }
            else if (code[at] == ';')
            {
                if (holder && IsExpressionBody(code[from..at]))
                {
                    found.Add(Describe(code, code[from..at], from, at));
                }

                from = at + 1;
            }
        }

        return found;
    }

    private static bool IsType(string header) => TypeWord().IsMatch(header);

    private static bool IsMethod(string header) => header.Contains('(') && !header.Contains('=');

    private static bool IsExpressionBody(string header) => ExpressionBody().IsMatch(header);

    private static FoundMethod Describe(string code, string header, int from, int to)
    {
        var start = from + (header.Length - header.TrimStart().Length);
        var first = code.AsSpan(0, start).Count('\n') + 1;
        return new FoundMethod(Blanks().Replace(header.Trim(), " "), first, code.AsSpan(start, to - start).Count('\n') + 1);
    }

    [GeneratedRegex(@"(^|\s)(class|struct|interface|record|enum|namespace|extension)\b")]
    private static partial Regex TypeWord();

    [GeneratedRegex(@"^[^=]*\([^=]*\)[^=]*=>")]
    private static partial Regex ExpressionBody();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
