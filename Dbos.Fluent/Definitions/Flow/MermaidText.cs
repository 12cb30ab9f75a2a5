using System.Text;

namespace Dbos.Fluent.Definitions;

/// <summary>Writes a Mermaid flowchart. Every text is quoted, and characters with a meaning in Mermaid are written as entities.</summary>
internal sealed class MermaidText
{
    private readonly StringBuilder text = new("flowchart TD\n");

    public MermaidText Box(string id, string label) => Node(id, "[", label, "]");

    public MermaidText Rounded(string id, string label) => Node(id, "([", label, "])");

    public MermaidText Diamond(string id, string label) => Node(id, "{", label, "}");

    public MermaidText Subroutine(string id, string label) => Node(id, "[[", label, "]]");

    public MermaidText Hexagon(string id, string label) => Node(id, "{{", label, "}}");

    public MermaidText Fork(string id, string label) => Node(id, "[/", label, "\\]");

    public MermaidText Join(string id, string label) => Node(id, "[\\", label, "/]");

    /// <summary>Quotes any text, for use as an edge's label.</summary>
    public static string Quoted(string label)
    {
        var quoted = new StringBuilder();
        AppendQuoted(quoted, label);
        return quoted.ToString();
    }

    public MermaidText Edge(string from, string to, string? label)
    {
        text.Append("  ").Append(from).Append(" -->");
        if (label is not null)
        {
            text.Append('|').Append(label).Append('|');
        }

        text.Append(' ').Append(to).Append('\n');
        return this;
    }

    public override string ToString() => text.ToString();

    private MermaidText Node(string id, string open, string label, string close)
    {
        text.Append("  ").Append(id).Append(open);
        AppendQuoted(text, label);
        text.Append(close).Append('\n');
        return this;
    }

    private static void AppendQuoted(StringBuilder text, string label)
    {
        text.Append('"');
        AppendLabel(text, label.ReplaceLineEndings("\n"));
        text.Append('"');
    }

    private static void AppendLabel(StringBuilder text, string label)
    {
        for (var at = 0; at < label.Length; at++)
        {
            switch (label[at])
            {
                case '\n':
                    text.Append("<br/>");
                    break;
                case '"':
                    text.Append("#quot;");
                    break;
                case '<':
                    text.Append("#lt;");
                    break;
                case '>':
                    text.Append("#gt;");
                    break;
                case '&':
                    text.Append("#amp;");
                    break;
                // # begins an entity, a backquote or a star begins Markdown, a backslash begins an escape, and %% begins a directive.
                case '#' or '`' or '*' or '\\' or '%':
                    AppendEntity(text, label[at]);
                    break;
                // Two dollar signs enclose mathematics.
                case '$' when at > 0 && label[at - 1] == '$':
                    AppendEntity(text, label[at]);
                    break;
                // Mermaid would read "1. x" and "- x" as Markdown lists, which a label may not contain.
                case '.' or ')' or '-' or '+' when BeginsList(label, at):
                    AppendEntity(text, label[at]);
                    break;
                case var control when char.IsControl(control):
                    text.Append(' ');
                    break;
                case var plain:
                    text.Append(plain);
                    break;
            }
        }
    }

    private static void AppendEntity(StringBuilder text, char character) => text.Append('#').Append((int)character).Append(';');

    private static bool BeginsList(string label, int at)
    {
        var line = label.AsSpan(0, at);
        line = line[(line.LastIndexOf('\n') + 1)..].Trim();
        return label[at] is '-' or '+' ? line.IsEmpty : line is not [] && !line.ContainsAnyExceptInRange('0', '9');
    }
}
