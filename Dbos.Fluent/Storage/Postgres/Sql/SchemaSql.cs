namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements about the tables themselves.</summary>
internal sealed class SchemaSql(SchemaName schema)
{
    /// <summary>Reads both levels at once; fails if a table is missing, a rare case that is examined then.</summary>
    public string ReadLevel { get; } = $"""
        SELECT (SELECT max(version) FROM {schema}.dbos_migrations), (SELECT max(version) FROM {schema}.fluent_migrations)
        """;

    /// <summary>The default isolation level of this role's transactions here.</summary>
    public string ReadIsolation { get; } = "SELECT current_setting('default_transaction_isolation')";

    /// <summary>Which of the two record tables and the schema exist.</summary>
    public string FindRecords { get; } = """
        WITH found AS (
            SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1)
        SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
               EXISTS (SELECT FROM found WHERE relname = 'dbos_migrations'),
               EXISTS (SELECT FROM found WHERE relname = 'fluent_migrations'),
               EXISTS (SELECT FROM found WHERE relname = 'workflow_status')
        """;

    public string ReadDbosLevel { get; } = $"SELECT max(version) FROM {schema}.dbos_migrations";

    public string ReadFluentLevel { get; } = $"SELECT max(version) FROM {schema}.fluent_migrations";

    // The key of every DBOS SDK that locks. Tried, not waited for: a waiter holds a snapshot, and a concurrent index build waits for all
    // snapshots while its builder holds this lock.
    public string TryLock { get; } = "SELECT pg_try_advisory_lock(1234567890)";

    /// <summary>Whether the holder of the lock is working, or was a moment ago.</summary>
    public string IsLockWorkedUnder { get; } = """
        SELECT EXISTS (
            SELECT FROM pg_locks AS l
              JOIN pg_stat_activity AS a ON a.pid = l.pid
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND (l.classid, l.objid) = (0, 1234567890)
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND (a.state = 'active' OR a.state_change > clock_timestamp() - interval '10 seconds'))
        """;

    public string Unlock { get; } = "SELECT pg_advisory_unlock(1234567890)";

    // Checked first, because CREATE SCHEMA IF NOT EXISTS requires the right to create schemas even if there is nothing to create.
    public string CreateSchema { get; } = $"CREATE SCHEMA IF NOT EXISTS {schema}";

    /// <summary>The same in a script, which cannot check beforehand.</summary>
    public string CreateMissingSchema { get; } = $"""
        DO $dbos_fluent_schema$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = {schema.Literal}) THEN
                CREATE SCHEMA IF NOT EXISTS {schema};
            END IF;
        END
        $dbos_fluent_schema$;
        """;

    /// <summary>Limits the wait for a lock that live traffic holds, because everything behind the waiting DDL waits with it.</summary>
    // The limit applies to each table, and tables already locked make others wait along: for as many limits as there are tables that
    // somebody holds exclusively. Readers and writers of workflows hold the first table, which is waited for before anything is held up.
    // What remains is somebody's own index build or vacuum on one of the others.
    public string LimitLockWait { get; } = "SET LOCAL lock_timeout = '5s'";

    /// <summary>
    /// The partial unique index uq_workflow_status_dedup_id replaces this constraint. The constraint is dropped once the index exists, so
    /// that one of them is in force while others write.
    /// </summary>
    public string DropOldDeduplication { get; } =
        $"ALTER TABLE {schema}.workflow_status DROP CONSTRAINT IF EXISTS uq_workflow_status_queue_name_dedup_id";

    /// <summary>
    /// Indexes left invalid by an unfinished build, or of an old form under a current name: $1 schema, $2 names. Excludes indexes that
    /// somebody is building, because dropping them would abort the build.
    /// </summary>
    public string FindStaleIndexes { get; } = StaleIndexes("$1") + " AND c.relname = ANY ($2::text[]) AND NOT EXISTS (" + Building + ")";

    /// <summary>The same, including those that somebody is building.</summary>
    public string FindUnfinishedIndexes { get; } = StaleIndexes("$1") + " AND c.relname = ANY ($2::text[])";

    /// <summary>The same, dropped in one statement of a script: nobody may build an index concurrently then.</summary>
    public string DropStaleIndexes { get; } = $"""
        DO $dbos_fluent_drop$
        DECLARE
            stale name;
        BEGIN
            FOR stale IN
                {StaleIndexes(schema.Literal)}
            LOOP
                EXECUTE format('DROP INDEX IF EXISTS %I.%I', {schema.Literal}, stale);
            END LOOP;
        END
        $dbos_fluent_drop$;
        """;

    /// <summary>Finds the duplicate rows that prevent a unique index; for a person to run.</summary>
    public static string FindAlike(UniqueIndex index) =>
        $"SELECT {index.Columns}, count(*) FROM {index.Table}{index.Where} GROUP BY {index.Columns} HAVING count(*) > 1";

    /// <summary>The database's own name, and the number of the table of workflows; $1 schema.</summary>
    public static string ReadHome { get; } = """
        SELECT current_database()::text,
               (SELECT c.oid::bigint FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = 'workflow_status')
        """;

    /// <summary>Drops an index, given as a quoted name.</summary>
    public string DropIndex(string quotedName) => $"DROP INDEX CONCURRENTLY IF EXISTS {schema}.{quotedName}";

    public string CreateDbosRecord { get; } = $"CREATE TABLE IF NOT EXISTS {schema}.dbos_migrations (version bigint PRIMARY KEY)";

    /// <summary>The same if it does not exist yet; fails if somebody else has made it meanwhile.</summary>
    public string CreateFirstDbosRecord { get; } = $"CREATE TABLE {schema}.dbos_migrations (version bigint PRIMARY KEY)";

    public string CreateFluentRecord { get; } = $"CREATE TABLE IF NOT EXISTS {schema}.fluent_migrations (version bigint PRIMARY KEY)";

    // One row that only rises, as every SDK keeps it; a level that somebody else has raised meanwhile stays.
    public string RecordDbosLevel { get; } = Record($"{schema}.dbos_migrations");

    public string RecordFluentLevel { get; } = Record($"{schema}.fluent_migrations");

    private const string Building = "SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid";

    private static string StaleIndexes(string schema) => $"""
        SELECT c.relname
          FROM pg_index i
          JOIN pg_class c ON c.oid = i.indexrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = {schema}
           AND (NOT i.indisvalid
                OR (i.indpred IS NULL
                    AND c.relname IN ('idx_workflow_status_forked_from', 'idx_workflow_status_parent_workflow_id')))
        """;

    private static string Record(string table) => $"""
        WITH raised AS (UPDATE {table} SET version = $1 WHERE version < $1 RETURNING version)
        INSERT INTO {table} (version) SELECT $1 WHERE NOT EXISTS (SELECT FROM raised) AND NOT EXISTS (SELECT FROM {table})
        """;
}
