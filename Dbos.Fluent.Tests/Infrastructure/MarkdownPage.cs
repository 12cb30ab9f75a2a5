using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A page of the documentation, as tests compare it with the code.</summary>
internal sealed partial class MarkdownPage(string path)
{
    public string Path { get; } = System.IO.Path.Combine(SourceTree.Root, path);

    public string Text => File.ReadAllText(Path);

    /// <summary>The blocks of code in a language.</summary>
    public IEnumerable<string> Blocks(string language) => CodeBlock().Matches(Text)
        .Where(block => block.Groups["language"].Value == language)
        .Select(block => block.Groups["code"].Value);

    /// <summary>The passages of the C# on the page; a line of dots and the usings say nothing.</summary>
    public IEnumerable<string> Passages =>
        from block in Blocks("csharp")
        from passage in block.Split("\n\n")
        let code = Unindented(passage.Split('\n').Where(line => line != "// …" && !line.StartsWith("using ", StringComparison.Ordinal)))
        where code.Trim().Length > 0
        select code;

    /// <summary>Code as it is found wherever it stands: how deep it is indented is no part of what it says.</summary>
    // The line feeds around it keep a line from matching in part.
    public static string Unindented(IEnumerable<string> lines) =>
        "\n" + string.Join('\n', lines.Select(line => line.Trim()).SkipWhile(line => line.Length == 0)).TrimEnd('\n') + "\n";

    [GeneratedRegex("^```(?<language>[a-z]+)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
