using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>The code that README.md and the pages of docs/ show is code of the samples, which the compiler has read.</summary>
public sealed partial class ReadmeTests
{

    private static readonly Lazy<IReadOnlyList<string>> Samples = new(() =>
        [.. SourceTree.All.Where(file => file.Project == "Dbos.Fluent.Samples").Select(file => MarkdownPage.Unindented(file.Lines))]);

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/workflows.md")]
    [InlineData("docs/queues.md")]
    [InlineData("docs/versions.md")]
    [InlineData("docs/operations.md")]
    public void Every_passage_of_code_is_part_of_a_sample(string page) => Breaches.None(
        new MarkdownPage(page).Passages.Where(passage => !Samples.Value.Any(sample => sample.Contains(passage, StringComparison.Ordinal))));

    [Fact]
    public void Every_sample_of_the_programs_help_is_named()
    {
        var readme = new MarkdownPage("README.md").Text;
        var help = SourceTree.All.Single(file => file is { Project: "Dbos.Fluent.Samples", Path: "Program.cs" }).Text;

        Breaches.None(Mode().Matches(help).Select(match => match.Groups["mode"].Value).Where(mode => !readme.Contains($"`{mode}`")));
    }

    [GeneratedRegex(@"^ {6}(?<mode>[a-z][a-z-]+) {2,}\S", RegexOptions.Multiline)]
    private static partial Regex Mode();
}
