namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Statements of <see cref="SqliteSchemaStore"/> and <see cref="SchemaUpgrade"/>.</summary>
internal static class SchemaSql
{
    /// <summary>The beginning of the script statements that must run before columns are added.</summary>
    public const string TableBeginning = "CREATE TABLE";

    public const string ReadTables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";

    /// <summary>The table of a level may be missing, so it is looked up by name first.</summary>
    public const string FindTable = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = @name";

    public const string ReadDbosLevel = "SELECT max(version) FROM dbos_migrations";

    public const string ReadFluentLevel = "SELECT max(version) FROM fluent_migrations";

    /// <summary>The DBOS level is a single row.</summary>
    public const string ClearDbosLevel = "DELETE FROM dbos_migrations";

    public const string WriteDbosLevel = "INSERT INTO dbos_migrations (version) VALUES (@version)";

    public const string WriteFluentLevel = "INSERT INTO fluent_migrations (version) VALUES (@version) ON CONFLICT (version) DO NOTHING";

    public const string ReadColumns = """
        SELECT name, type, "notnull", dflt_value FROM pragma_table_info(@name) ORDER BY cid
        """;

    public const string ReadForeignKeys = "SELECT 1 FROM pragma_foreign_key_list(@name)";

    /// <summary>Moves the table and its indexes out of the way until its rows are copied.</summary>
    public const string SetAsideCheckpoints = "ALTER TABLE operation_outputs RENAME TO operation_outputs_before_112";

    /// <summary>A row without a retention time counts from now. Columns that an old level lacks were added before.</summary>
    public const string CopyCheckpoints = """
        INSERT INTO operation_outputs (
            workflow_uuid, function_id, function_name, output, error, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms,
            serialization, application_name, retention_timestamp)
        SELECT workflow_uuid, function_id, function_name, output, error, child_workflow_id, started_at_epoch_ms, completed_at_epoch_ms,
               serialization, application_name, coalesce(retention_timestamp, @now)
          FROM operation_outputs_before_112
        """;

    public const string DropOldCheckpoints = "DROP TABLE operation_outputs_before_112";

    /// <summary>Names, types and defaults come from the migration script.</summary>
    public static string AddColumn(string table, string column, string definition) =>
        $"ALTER TABLE {table} ADD COLUMN \"{column}\" {definition}";
}
