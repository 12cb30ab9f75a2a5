namespace Dbos.Fluent.Storage.Postgres;

/// <summary>The migration as a script that somebody else runs.</summary>
internal static class MigrationSql
{
    public static string Of(string schema)
    {
        var name = new SchemaName(schema);
        var (sql, scripts) = (new SchemaSql(name), new MigrationScripts(name));
        var stale = sql.DropStaleIndexes;
        return $"""
            -- Brings the tables of Dbos.Fluent in schema {name.Quoted.ReplaceLineEndings(" ")} to DBOS level {SchemaLevel.DbosCurrent}, fluent level {SchemaLevel.FluentCurrent}.
            -- May be run again. Without a transaction of its own: psql --single-transaction, or one command of a driver.
            {sql.CreateMissingSchema}
            {sql.CreateDbosRecord};
            {sql.CreateFluentRecord};
            {If($"{name.Quoted}.dbos_migrations", SchemaLevel.DbosCurrent, [scripts.DbosTables, stale, scripts.DbosIndexes, sql.DropOldDeduplication])}
            {If($"{name.Quoted}.fluent_migrations", SchemaLevel.FluentCurrent, [scripts.FluentTables, stale, scripts.FluentIndexes])}

            """;
    }

    // Only below the level: tables that a later level has changed stay as they are.
    private static string If(string record, long level, string[] parts) => $"""
        DO $dbos_fluent_do$
        BEGIN
            IF COALESCE((SELECT max(version) FROM {record}), -1) < {level} THEN
        {string.Join('\n', parts.Select(Execute))}
                UPDATE {record} SET version = {level} WHERE version < {level};
                INSERT INTO {record} (version) SELECT {level} WHERE NOT EXISTS (SELECT FROM {record});
            END IF;
        END
        $dbos_fluent_do$;
        """;

    private static string Execute(string part) => $"""
                EXECUTE $dbos_fluent_sql$
        {part}
        $dbos_fluent_sql$;
        """;
}
