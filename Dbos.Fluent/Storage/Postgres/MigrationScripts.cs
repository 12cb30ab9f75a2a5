using System.Reflection;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The embedded migration scripts, with the schema filled in.</summary>
internal sealed class MigrationScripts(SchemaName schema)
{
    private const string Folder = "Dbos.Fluent.Storage.Postgres.Migrations.";

    public string DbosTables { get; } = Load("123_dbos_system_database.sql", schema);

    public string FluentTables { get; } = Load("001_fluent_side_tables.sql", schema);

    /// <summary>All index statements as one script, for a database whose tables are made in the same transaction.</summary>
    public string Indexes { get; } = Load("123_dbos_indexes.sql", schema).Replace("{online}", "", StringComparison.Ordinal);

    /// <summary>The index statements one by one, each of which lets writers go on; none may run in a transaction.</summary>
    public IReadOnlyList<string> OnlineIndexes { get; } =
        [.. Load("123_dbos_indexes.sql", schema)
            .Replace("{online}", "CONCURRENTLY", StringComparison.Ordinal)
            .Split(";\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

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
