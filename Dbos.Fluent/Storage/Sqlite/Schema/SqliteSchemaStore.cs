namespace Dbos.Fluent.Storage.Sqlite;

/// <inheritdoc/>
internal sealed class SqliteSchemaStore(SqliteThreads writer, SqliteThreads readers, string path, TimeProvider time) : ISchemaStore
{
    public Task MigrateAsync(CancellationToken cancellationToken) =>
        writer.RunAsync(Migrate, SqliteJobKind.Creating, cancellationToken);

    public Task<SchemaLevel> ReadLevelAsync(CancellationToken cancellationToken) =>
        File.Exists(path) ? readers.RunAsync(ReadLevel, cancellationToken) : Task.FromResult(new SchemaLevel(null, null));

    // One transaction under the write lock: other migrating processes wait and find it done, and one that dies in it changes nothing.
    private SchemaLevel Migrate(SqliteSession session)
    {
        var level = ReadLevel(session);
        if (level.Dbos is null or < SchemaLevel.DbosCurrent)
        {
            new SchemaUpgrade(session, time.GetUtcNow().ToUnixTimeMilliseconds()).Run();
            session.Execute(SchemaSql.ClearDbosLevel);
            Write(session, SchemaSql.WriteDbosLevel, SchemaLevel.DbosCurrent);
        }

        for (var next = (level.Fluent ?? 0) + 1; next <= SchemaLevel.FluentCurrent; next++)
        {
            var script = SchemaScript.Fluent[(int)next - 1];
            foreach (var statement in script.Tables.Concat(script.Rest))
            {
                session.ExecuteScript(statement);
            }

            Write(session, SchemaSql.WriteFluentLevel, next);
        }

        return ReadLevel(session);
    }

    private static SchemaLevel ReadLevel(SqliteSession session) => new(
        ReadLevel(session, "dbos_migrations", SchemaSql.ReadDbosLevel),
        ReadLevel(session, "fluent_migrations", SchemaSql.ReadFluentLevel));

    private static long? ReadLevel(SqliteSession session, string table, string sql)
    {
        using (var find = session.Use(SchemaSql.FindTable).Bind("@name", table))
        {
            if (!find.Step())
            {
                return null;
            }
        }

        using var statement = session.Use(sql);
        return statement.Step() ? statement.Int64OrNull(0) : null;
    }

    private static void Write(SqliteSession session, string sql, long version)
    {
        using var statement = session.Use(sql).Bind("@version", version);
        statement.Execute();
    }
}
