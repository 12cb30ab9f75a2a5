using System.Reflection;
using System.Text.RegularExpressions;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The embedded migration scripts, with the schema filled in.</summary>
internal sealed partial class MigrationScripts(SchemaName schema)
{
    private const string Folder = "Dbos.Fluent.Storage.Postgres.Migrations.";

    private static readonly string[] IndexScripts =
        ["002_fluent_indexes.sql", "003_fluent_indexes.sql", "004_fluent_management.sql", "007_fluent_line.sql"];

    public string DbosTables { get; } = Load("123_dbos_system_database.sql", schema);

    public string DbosIndexes { get; } = AtOnce(Load("123_dbos_indexes.sql", schema));

    public IReadOnlyList<string> DbosIndexesOnline { get; } = OneByOne(Load("123_dbos_indexes.sql", schema));

    public string FluentTables { get; } = Join(
        schema,
        "001_fluent_side_tables.sql",
        "002_fluent_messaging.sql",
        "003_fluent_queues.sql",
        "005_fluent_versions.sql",
        "006_fluent_starts.sql");

    public string FluentIndexes { get; } = AtOnce(Join(schema, IndexScripts));

    public IReadOnlyList<string> FluentIndexesOnline { get; } = OneByOne(Join(schema, IndexScripts));

    /// <summary>The names of the indexes that statements build.</summary>
    public static IReadOnlyList<string> IndexesOf(IEnumerable<string> statements) =>
    [
        .. from statement in statements
           let match = IndexName().Match(statement)
           where match.Success
           select match.Groups[1].Value,
    ];

    /// <summary>The unique index that a statement builds; null where it builds none.</summary>
    public static UniqueIndex? UniqueOf(string statement) => UniqueIndexStatement().Match(statement) is { Success: true } match
        ? new UniqueIndex(match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value, match.Groups[4].Value)
        : null;

    [GeneratedRegex(
        @"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS (\w+)\s+ON (\S+)\s+\(([^)]*)\)(\s+WHERE .+)?", RegexOptions.CultureInvariant)]
    private static partial Regex UniqueIndexStatement();

    [GeneratedRegex(@"INDEX CONCURRENTLY IF NOT EXISTS (\w+)", RegexOptions.CultureInvariant)]
    private static partial Regex IndexName();

    // All index statements as one script, for a database whose tables are made in the same transaction.
    private static string AtOnce(string script) => script.Replace("{online}", "", StringComparison.Ordinal);

    // The index statements one by one. Each lets writers continue, and none may run in a transaction.
    private static string[] OneByOne(string script) =>
        [.. script
            .Replace("{online}", "CONCURRENTLY", StringComparison.Ordinal)
            .Split(";\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    private static string Join(SchemaName schema, params string[] names) => string.Concat(names.Select(name => Load(name, schema)));

    private static string Load(string name, SchemaName schema)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Folder + name)
            ?? throw new InvalidOperationException($"The assembly lacks its migration '{name}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd()
            .ReplaceLineEndings("\n")
            .Replace("{schema_text}", schema.Literal, StringComparison.Ordinal)
            .Replace("{schema}", schema.Quoted, StringComparison.Ordinal);
    }
}

/// <summary>A unique index, as its statement defines it.</summary>
internal sealed record UniqueIndex(string Name, string Table, string Columns, string Where);
