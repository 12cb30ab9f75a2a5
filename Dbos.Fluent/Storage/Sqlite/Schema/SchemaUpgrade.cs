namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Brings the DBOS tables of any lower level to the current one.</summary>
/// <remarks>
/// The current level is defined once, in its script. Run in a database in memory, it shows which columns the existing tables lack.
/// </remarks>
internal sealed class SchemaUpgrade(SqliteSession session, long nowMs)
{
    private const string Checkpoints = "operation_outputs";
    private const string RetentionColumn = "retention_timestamp";

    public void Run()
    {
        using var model = SqliteSession.Open(":memory:", setUp: "", SQLitePCL.raw.SQLITE_OPEN_CREATE);
        Execute(model, SchemaScript.Dbos.Tables);
        foreach (var table in ReadNames(model))
        {
            AddMissingColumns(model, table);
        }

        var rebuilds = Exists(Checkpoints) && IsBefore112();
        if (rebuilds)
        {
            session.ExecuteScript(SchemaSql.SetAsideCheckpoints);
        }

        Execute(session, SchemaScript.Dbos.Tables);
        if (rebuilds)
        {
            CopyCheckpoints();
        }

        Execute(session, SchemaScript.Dbos.Rest);
    }

    private static void Execute(SqliteSession session, IReadOnlyList<string> statements)
    {
        foreach (var statement in statements)
        {
            session.ExecuteScript(statement);
        }
    }

    private void AddMissingColumns(SqliteSession model, string table)
    {
        if (!Exists(table))
        {
            return;
        }

        var present = ReadColumns(session, table).Select(column => column.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var column in ReadColumns(model, table).Where(column => !present.Contains(column.Name)))
        {
            session.ExecuteScript(SchemaSql.AddColumn(table, column.Name, Definition(column)));
        }
    }

    // An added column may only have a constant default. The one column with another default belongs to a table that is rebuilt afterwards.
    private static string Definition(Column column) =>
        column.Name == RetentionColumn || !column.NotNull ? column.Type : $"{column.Type} NOT NULL DEFAULT {column.Default}";

    // SQLite cannot drop a foreign key, nor make a column mandatory: level 112 is reached by copying the table.
    private bool IsBefore112()
    {
        using var foreignKeys = session.Use(SchemaSql.ReadForeignKeys).Bind("@name", Checkpoints);
        return foreignKeys.Step() || ReadColumns(session, Checkpoints).Any(column => column is { Name: RetentionColumn, NotNull: false });
    }

    private void CopyCheckpoints()
    {
        using (var copy = session.Use(SchemaSql.CopyCheckpoints).Bind("@now", nowMs))
        {
            copy.Execute();
        }

        session.ExecuteScript(SchemaSql.DropOldCheckpoints);
    }

    private bool Exists(string table)
    {
        using var statement = session.Use(SchemaSql.FindTable).Bind("@name", table);
        return statement.Step();
    }

    private static List<string> ReadNames(SqliteSession model)
    {
        using var statement = model.Use(SchemaSql.ReadTables);
        var names = new List<string>();
        while (statement.Step())
        {
            names.Add(statement.Text(0));
        }

        return names;
    }

    private static List<Column> ReadColumns(SqliteSession from, string table)
    {
        using var statement = from.Use(SchemaSql.ReadColumns).Bind("@name", table);
        var columns = new List<Column>();
        while (statement.Step())
        {
            columns.Add(new Column(statement.Text(0), statement.Text(1), statement.Truth(2), statement.TextOrNull(3)));
        }

        return columns;
    }

    private sealed record Column(string Name, string Type, bool NotNull, string? Default);
}
