using Npgsql;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>Everything that a schema holds, as PostgreSQL's own catalog has it: one entry for each object, by kind and name.</summary>
internal static class SchemaCatalog
{
    /// <summary>Reads a schema; where definitions name it, <c>dbos</c> stands in its place, whatever it is called.</summary>
    public static async Task<SortedDictionary<string, string>> ReadAsync(string connectionString, string schema)
    {
        // Nothing is on the search path, so every name in a definition is qualified.
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, SearchPath = "pg_catalog" }.ConnectionString);
        await using var command = source.CreateCommand(Objects.Replace("{schema}", Quoted(schema), StringComparison.Ordinal));
        command.Parameters.AddWithValue(schema);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var objects = new SortedDictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            var definition = reader.GetString(1)
                .Replace(Quoted(schema) + ".", "dbos.", StringComparison.Ordinal)
                .Replace($"'{schema}.", "'dbos.", StringComparison.Ordinal);
            objects.Add(reader.GetString(0), string.Join(' ', definition.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        }

        return objects;
    }

    private static string Quoted(string name) => '"' + name.Replace("\"", "\"\"") + '"';

    // Columns have their place, since another SDK could insert without naming them; owners and rights are those of whoever migrates.
    private const string Objects = """
        WITH relation AS (
            SELECT c.* FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1)
        SELECT 'relation ' || r.relname,
               concat_ws(' ', 'kind', r.relkind, 'persistence', r.relpersistence, r.reloptions::text, 'replica identity', r.relreplident,
                         CASE WHEN r.relrowsecurity THEN 'row security' END)
          FROM relation AS r WHERE r.relkind <> 'i'
        UNION ALL
        SELECT 'column ' || r.relname || '.' || a.attname,
               concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                         'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated,
                         (SELECT 'COLLATE ' || collname FROM pg_collation WHERE oid = a.attcollation AND collname <> 'default'))
          FROM relation AS r
          JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
         WHERE r.relkind IN ('r', 'p', 'v', 'm')
        UNION ALL
        SELECT 'constraint ' || r.relname || '.' || c.conname,
               concat_ws(' ', c.contype, pg_get_constraintdef(c.oid), CASE WHEN NOT c.convalidated THEN 'not valid' END)
          FROM relation AS r JOIN pg_constraint AS c ON c.conrelid = r.oid
        UNION ALL
        SELECT 'index ' || r.relname || '.' || i.relname,
               concat_ws(' ', pg_get_indexdef(i.oid), CASE WHEN x.indisprimary THEN 'primary' END,
                         CASE WHEN NOT (x.indisvalid AND x.indisready) THEN 'invalid' END)
          FROM relation AS r JOIN pg_index AS x ON x.indrelid = r.oid JOIN pg_class AS i ON i.oid = x.indexrelid
        UNION ALL
        SELECT 'trigger ' || r.relname || '.' || t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
          FROM relation AS r JOIN pg_trigger AS t ON t.tgrelid = r.oid AND NOT t.tgisinternal
        UNION ALL
        SELECT 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
               concat_ws(' ', p.prokind, pg_get_function_arguments(p.oid), 'returns', pg_get_function_result(p.oid), l.lanname,
                         p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proconfig::text)
          FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_language AS l ON l.oid = p.prolang
         WHERE n.nspname = $1
        UNION ALL
        SELECT 'body of ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.prosrc
          FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
         WHERE n.nspname = $1
        UNION ALL
        SELECT 'type ' || t.typname, t.typtype::text
          FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
         WHERE n.nspname = $1 AND t.typtype IN ('d', 'e', 'r', 'm')
        UNION ALL
        SELECT 'rule or policy ' || name, 'of ' || relation.relname
          FROM relation
          JOIN (SELECT ev_class AS of, rulename AS name FROM pg_rewrite
                UNION ALL SELECT polrelid, polname FROM pg_policy) AS extra ON extra.of = relation.oid
        UNION ALL
        SELECT 'extension ' || extname, '' FROM pg_extension
        UNION ALL
        SELECT 'recorded level', string_agg(version::text, ',' ORDER BY version) FROM {schema}.dbos_migrations
        """;
}
