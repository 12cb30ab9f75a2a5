using System.Globalization;
using System.Text.Json;

namespace Dbos.Fluent.Tests.Stores.Postgres.Plans;

/// <summary>A statement as the server has executed it, in the words of <c>auto_explain</c>.</summary>
/// <param name="Statement">Its text.</param>
/// <param name="Root">The first node of its plan.</param>
internal sealed record ExecutedPlan(string Statement, JsonElement Root)
{
    // More than any limit of a statement here, and a small part of any backlog.
    private const double RowsMax = 1_500;

    // An index is gone down to its leaf by a few pages, and a row may lie on a page of its own. What reads much more goes through the
    // index as a whole, which no number of rows shows.
    private const double PagesForEachLoop = 20;
    private const double PagesForEachRow = 4;

    // What the claims before took, some hundred rows, is passed over once before the index of lines forgets it.
    private const double PagesPassed = 100;
    private const string Lines = "idx_fluent_line";

    // These follow what a person or a schedule has registered, not what waits.
    private static readonly string[] Small =
    [
        "queues", "fluent_queues", "workflow_schedules", "fluent_schedules", "fluent_executors", "fluent_versions", "application_versions",
    ];

    public static ExecutedPlan Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement.Clone();
        return new ExecutedPlan(root.GetProperty("Query Text").GetString()!, root.GetProperty("Plan"));
    }

    /// <summary>Where it reads a table as a whole, or more rows or pages than its limits explain.</summary>
    /// <param name="counts">True for a statement that counts a line: the line may be read as a whole, by its index.</param>
    public IEnumerable<string> Breaches(bool counts)
    {
        foreach (var node in Nodes(Root))
        {
            var (type, loops) = (Text(node, "Node Type"), Number(node, "Actual Loops"));
            var table = Text(node, "Relation Name");
            var rows = loops * (Number(node, "Actual Rows") + Removed(node));
            var pages = Pages(node) - Inner(node).Sum(Pages);
            var isLine = type.EndsWith("Scan", StringComparison.Ordinal) && IsOfLine(Text(node, "Index Name"));
            var passed = Text(node, "Index Name") == Lines ? PagesPassed : 0;
            var isWhole = type == "Seq Scan";
            var isLong = rows > RowsMax || (isLine && pages > passed + (PagesForEachLoop * loops) + (PagesForEachRow * rows));
            if (loops > 0 && !Small.Contains(table) && (isWhole || (isLong && !counts)))
            {
                yield return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{type} {table} {Text(node, "Index Name")}: {rows} rows, {pages} pages, {loops} loops; "
                    + $"{Text(node, "Index Cond")} {Text(node, "Filter")}");
            }
        }
    }

    // A lookup by key reads no more than the rows it finds, but is charged with whatever is worked out first to have the key.
    private static bool IsOfLine(string index) => index.Length > 0 && !index.EndsWith("_pkey", StringComparison.Ordinal);

    private static IEnumerable<JsonElement> Nodes(JsonElement node) => Inner(node).SelectMany(Nodes).Prepend(node);

    private static JsonElement[] Inner(JsonElement node) => node.TryGetProperty("Plans", out var inner) ? [.. inner.EnumerateArray()] : [];

    // A node's pages are counted with those of the nodes below it.
    private static double Pages(JsonElement node) => Number(node, "Shared Hit Blocks") + Number(node, "Shared Read Blocks");

    private static double Removed(JsonElement node) =>
        Number(node, "Rows Removed by Filter") + Number(node, "Rows Removed by Index Recheck")
        + Number(node, "Rows Removed by Join Filter");

    private static string Text(JsonElement node, string name) => node.TryGetProperty(name, out var value) ? value.GetString()! : "";

    private static double Number(JsonElement node, string name) => node.TryGetProperty(name, out var value) ? value.GetDouble() : 0;
}
