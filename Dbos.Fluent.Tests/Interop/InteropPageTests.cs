using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>The page docs/interop.md says what the tests of this folder have seen: they cannot drift apart.</summary>
public sealed partial class InteropPageTests(InteropBed bed) : IClassFixture<InteropBed>
{
    private const string Same = "the same";
    private const string None = "";

    private static readonly MarkdownPage Page = new("docs/interop.md");

    [Fact]
    public void Its_tables_of_values_are_the_values_that_cross_in_a_test()
    {
        var expected = string.Join('\n', Crossings.All.GroupBy(crossing => crossing.Group).SelectMany(Table)).Trim();
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            File.WriteAllText(Page.Path, Values().Replace(Page.Text, match => $"{match.Groups[1].Value}\n{expected}\n\n"));
        }

        Assert.Equal(expected, Values().Match(Page.Text).Groups["tables"].Value.Trim());
    }

    [Fact]
    public void Its_statements_name_the_tests_that_show_them_and_each_of_those_stands_there()
    {
        Type[] classes = [typeof(TypeScriptClientTests), typeof(TypeScriptWorkflowTests), typeof(MixedFleetTests)];
        var tests = classes.SelectMany(type => type.GetMethods())
            .Where(method => method.IsDefined(typeof(FactAttribute), inherit: false))
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}");

        var named = TestName().Matches(Page.Text).Select(match => match.Groups["name"].Value);

        Assert.Equal(tests.Order(), named.Distinct().Order());
    }

    [Fact]
    public void Its_programs_are_those_that_a_test_runs()
    {
        var folder = Path.Combine(SourceTree.Root, "Dbos.Fluent.Tests", "Interop");
        var program = MarkdownPage.Unindented(File.ReadAllLines(Path.Combine(folder, "ShopProgram.cs")));

        Assert.Equal([File.ReadAllText(Path.Combine(folder, "shop.mjs"))], Page.Blocks("js"));
        Breaches.None(Page.Passages.Where(passage => !program.Contains(passage, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Its_programs_do_what_it_says()
    {
        await bed.CreateAsync();
        await (await bed.LaunchAsync(_ => { })).StopAsync(TimeSpan.Zero, TestContext.Current.CancellationToken);
        using var node = Node.Start(new Dictionary<string, string> { ["DBOS_SYSTEM_DATABASE_URL"] = bed.Url }, "shop.mjs");
        try
        {
            var served = new TaskCompletionSource();
            var invoice = ShopProgram.RunAsync(bed.ConnectionString, served.Task);
            var lines = new List<string?>();
            for (var line = 0; line < 4; line++)
            {
                lines.Add(await node.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).Within(Bounded.Limit));
            }

            served.SetResult();
            var (sku, gross, _) = await invoice.Within(Bounded.Limit);

            Assert.Equal(["1.50", "{ sku: 'pens', total: '4.50' }", "1.50", "QuoteRefusedException too dear E7 pens"], lines);
            Assert.Equal(("pens", 9.0), (sku, gross));
        }
        finally
        {
            node.Kill();
        }
    }

    private static IEnumerable<string> Table(IGrouping<string, Crossing> group) =>
    [
        "",
        $"### {group.Key}",
        "",
        "| C# | TypeScript sends | TypeScript gets | back in C# |",
        "|---|---|---|---|",
        .. group.Select(Row),
    ];

    private static string Row(Crossing crossing)
    {
        var error = crossing.Error is { } name ? Code(name) : null;
        var sends = crossing.Sent is { } sent ? Code(sent) : None;
        var gets = crossing.Seen is not { } seen ? crossing.FromDotnet ? None : error!
            : seen == crossing.Sent ? Same
            : Code(seen);
        var back = !crossing.FromDotnet ? None : error ?? (crossing.Back is { } other ? Code(other) : Same);
        var value = crossing.Value.Length > 0 ? Code(crossing.Value) : None;
        return $"| {value} | {sends} | {gets} | {back} |";
    }

    private static string Code(string code) => $"`{code.Replace("|", "\\|", StringComparison.Ordinal)}`";

    [GeneratedRegex("(^<!-- values -->\n)(?<tables>.*?)(?=^<!-- end of values -->$)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Values();

    [GeneratedRegex("`(?<name>[A-Za-z]+Tests\\.[A-Za-z_]+)`")]
    private static partial Regex TestName();
}
