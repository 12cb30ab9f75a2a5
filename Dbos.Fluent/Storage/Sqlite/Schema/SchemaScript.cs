namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>An embedded migration, split into statements that create tables and statements that need every column to exist.</summary>
internal sealed class SchemaScript
{
    private const string Folder = "Dbos.Fluent.Storage.Sqlite.Migrations.";

    private SchemaScript(IReadOnlyList<string> tables, IReadOnlyList<string> rest) => (Tables, Rest) = (tables, rest);

    public static SchemaScript Dbos { get; } = Read("123_dbos_system_database.sql");

    /// <summary>The first script leads to level 1, the next to level 2, and so on.</summary>
    public static IReadOnlyList<SchemaScript> Fluent { get; } =
    [
        Read("001_fluent_side_tables.sql"),
        Read("002_fluent_messaging.sql"),
        Read("003_fluent_queues.sql"),
        Read("004_fluent_management.sql"),
        Read("005_fluent_versions.sql"),
        Read("006_fluent_starts.sql"),
        Read("007_fluent_line.sql"),
    ];

    public IReadOnlyList<string> Tables { get; }

    public IReadOnlyList<string> Rest { get; }

    private static SchemaScript Read(string name)
    {
        using var stream = typeof(SchemaScript).Assembly.GetManifestResourceStream(Folder + name)
            ?? throw new InvalidOperationException($"The library was built without its migration '{name}'.");
        using var reader = new StreamReader(stream);
        var statements = reader.ReadToEnd()
            .Split('\n')
            .Where(line => !line.StartsWith("--", StringComparison.Ordinal))
            .Aggregate((text, line) => text + "\n" + line)
            .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return new SchemaScript([.. statements.Where(MakesTable)], [.. statements.Where(statement => !MakesTable(statement))]);
    }

    private static bool MakesTable(string statement) => statement.StartsWith(SchemaSql.TableBeginning, StringComparison.Ordinal);
}
