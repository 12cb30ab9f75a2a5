using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>The code that README.md shows is code of the samples, which the compiler has read.</summary>
public sealed partial class ReadmeTests
{
    private static readonly Lazy<string> Page = new(() => File.ReadAllText(Path.Combine(SourceTree.Root, "README.md")));

    private static readonly Lazy<IReadOnlyList<string>> Samples = new(() =>
        [.. SourceTree.All.Where(file => file.Project == "Dbos.Fluent.Samples").Select(file => Unindented(file.Lines))]);

    [Fact]
    public void Every_passage_of_code_stands_in_a_sample()
    {
        var breaches =
            from Match block in CodeBlock().Matches(Page.Value)
            from passage in block.Groups["code"].Value.Split("\n\n")
            let text = Unindented(passage.Split('\n').Where(line => line != "// …" && !line.StartsWith("using ", StringComparison.Ordinal)))
            where text.Trim().Length > 0 && !Samples.Value.Any(sample => sample.Contains(text, StringComparison.Ordinal))
            select passage;

        Breaches.None(breaches);
    }

    [Fact]
    public void Every_sample_of_the_programs_help_is_named()
    {
        var help = SourceTree.All.Single(file => file is { Project: "Dbos.Fluent.Samples", Path: "Program.cs" }).Text;

        Breaches.None(Mode().Matches(help).Select(match => match.Groups["mode"].Value).Where(mode => !Page.Value.Contains($"`{mode}`")));
    }

    // How deep code is indented where it stands is no part of what it says. The line feeds around it keep a line from matching in part.
    private static string Unindented(IEnumerable<string> lines) =>
        "\n" + string.Join('\n', lines.Select(line => line.Trim()).SkipWhile(line => line.Length == 0)).TrimEnd('\n') + "\n";

    [GeneratedRegex("^```csharp\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^ {6}(?<mode>[a-z][a-z-]+) {2,}\S", RegexOptions.Multiline)]
    private static partial Regex Mode();
}
