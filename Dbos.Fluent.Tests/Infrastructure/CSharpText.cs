using System.Text;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Tells code from comments and strings; a rough reader, enough for rules about style.</summary>
internal sealed class CSharpText
{
    private readonly string text;
    private readonly StringBuilder code = new();
    private readonly List<string> strings = [];
    private readonly HashSet<int> rawStringLines = [];
    private int at;
    private int line = 1;

    private CSharpText(string text) => this.text = text;

    public string Code => code.ToString();

    public IReadOnlyList<string> Strings => strings;

    public IReadOnlySet<int> RawStringLines => rawStringLines;

    public static CSharpText Read(string text)
    {
        var reader = new CSharpText(text);
        while (reader.at < text.Length)
        {
            reader.ReadNext();
        }

        return reader;
    }

    private void ReadNext()
    {
        if (Next("//"))
        {
            Blank(EndOf("\n", after: false));
        }
        else if (Next("/*"))
        {
            Blank(EndOf("*/", after: true));
        }
        else if (text[at] == '\'')
        {
            ReadCharacter();
        }
        else if (StringPrefix() is { } prefix)
        {
            ReadString(prefix);
        }
        else
        {
            Keep();
        }
    }

    private void ReadCharacter()
    {
        var end = at + 1;
        while (end < text.Length && text[end] != '\'')
        {
            end += text[end] == '\\' ? 2 : 1;
        }

        Blank(end + 1);
    }

    // The length of $, @ and their combinations before the quotes, or null if no string begins here.
    private int? StringPrefix()
    {
        var end = at;
        while (end < text.Length && text[end] is '$' or '@')
        {
            end++;
        }

        return end < text.Length && text[end] == '"' ? end - at : null;
    }

    private void ReadString(int prefix)
    {
        var marks = text.Substring(at, prefix);
        var quotes = at + prefix;
        var count = 0;
        while (quotes + count < text.Length && text[quotes + count] == '"')
        {
            count++;
        }

        if (count >= 3)
        {
            ReadRaw(quotes, count);
            return;
        }

        var end = EndOfString(quotes + 1, interpolated: marks.Contains('$'), verbatim: marks.Contains('@'));
        strings.Add(text[(quotes + 1)..(end - 1)]);
        Blank(end);
    }

    private void ReadRaw(int quotes, int count)
    {
        var end = text.IndexOf(new string('"', count), quotes + count, StringComparison.Ordinal);
        strings.Add(text[(quotes + count)..end]);
        var first = line;
        Blank(end + count);
        rawStringLines.UnionWith(Enumerable.Range(first, line - first + 1));
    }

    private int EndOfString(int from, bool interpolated, bool verbatim)
    {
        for (var end = from; end < text.Length; end++)
        {
            if (text[end] == '"')
            {
                if (!verbatim || end + 1 >= text.Length || text[end + 1] != '"')
                {
                    return end + 1;
                }

                end++;
            }
            else if (text[end] == '\\' && !verbatim)
            {
                end++;
            }
            else if (interpolated && text[end] == '{')
            {
                end = end + 1 < text.Length && text[end + 1] == '{' ? end + 1 : EndOfHole(end + 1);
            }
        }

        return text.Length;
    }

    // Strings may stand in the holes of an interpolated string, so a hole is read like code.
    private int EndOfHole(int from)
    {
        var depth = 1;
        for (var end = from; end < text.Length; end++)
        {
            depth += text[end] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
            {
                return end;
            }

            if (text[end] == '"')
            {
                end = EndOfString(end + 1, interpolated: text[end - 1] == '$', verbatim: text[end - 1] == '@') - 1;
            }
        }

        return text.Length;
    }

    private bool Next(string mark) => string.CompareOrdinal(text, at, mark, 0, mark.Length) == 0;

    private int EndOf(string mark, bool after)
    {
        var found = text.IndexOf(mark, at, StringComparison.Ordinal);
        return found < 0 ? text.Length : found + (after ? mark.Length : 0);
    }

    private void Keep() => Take(text[at]);

    private void Blank(int end)
    {
        while (at < Math.Min(end, text.Length))
        {
            Take(text[at] == '\n' ? '\n' : ' ');
        }
    }

    private void Take(char shown)
    {
        line += text[at] == '\n' ? 1 : 0;
        code.Append(shown);
        at++;
    }
}
