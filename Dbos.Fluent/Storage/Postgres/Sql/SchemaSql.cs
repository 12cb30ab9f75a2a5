namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Statements about the tables themselves.</summary>
internal sealed class SchemaSql(SchemaName schema)
{
    /// <summary>Both levels in one look; fails where a table is missing, which is the rare case and looked into then.</summary>
    public string ReadLevel { get; } = $"""
        SELECT (SELECT max(version) FROM {schema}.dbos_migrations), (SELECT max(version) FROM {schema}.fluent_migrations)
        """;

    /// <summary>How transactions of this role begin here.</summary>
    public string ReadIsolation { get; } = "SELECT current_setting('default_transaction_isolation')";

    /// <summary>Which of the two record tables and the schema are there.</summary>
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

    // The key of every DBOS SDK that locks. Tried rather than waited for: whoever waits holds a snapshot, and an index that is being built
    // concurrently waits for all snapshots, its builder holding this lock.
    public string TryLock { get; } = "SELECT pg_try_advisory_lock(1234567890)";

    /// <summary>Whether whoever holds the lock does something, or did a moment ago.</summary>
    public string IsLockWorkedUnder { get; } = """
        SELECT EXISTS (
            SELECT FROM pg_locks AS l
              JOIN pg_stat_activity AS a ON a.pid = l.pid
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND (l.classid, l.objid) = (0, 1234567890)
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND (a.state = 'active' OR a.state_change > clock_timestamp() - interval '10 seconds'))
        """;

    public string Unlock { get; } = "SELECT pg_advisory_unlock(1234567890)";

    // Asked first, because CREATE SCHEMA IF NOT EXISTS wants the right to create schemas even where nothing is to be created.
    public string CreateSchema { get; } = $"CREATE SCHEMA IF NOT EXISTS {schema}";

    /// <summary>The same in a script, which cannot be told beforehand.</summary>
    public string CreateMissingSchema { get; } = $"""
        DO $dbos_fluent_schema$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = {schema.Literal}) THEN
                CREATE SCHEMA IF NOT EXISTS {schema};
            END IF;
        END
        $dbos_fluent_schema$;
        """;

    /// <summary>A lock that live traffic holds is waited for only so long, as everything behind the waiting DDL waits with it.</summary>
    // That is for each table, and those that have their lock wait along: for as many times as long as there are tables that somebody holds
    // alone. Whoever reads or writes workflows holds the first of them, and is met before there is anything to hold up; what is left is an
    // index or a vacuum of somebody's own on one of the others.
    public string LimitLockWait { get; } = "SET LOCAL lock_timeout = '5s'";

    /// <summary>
    /// The partial unique index uq_workflow_status_dedup_id does this constraint's work; dropped when that stands, so that none is missing
    /// while others write.
    /// </summary>
    public string DropOldDeduplication { get; } =
        $"ALTER TABLE {schema}.workflow_status DROP CONSTRAINT IF EXISTS uq_workflow_status_queue_name_dedup_id";

    /// <summary>
    /// Left invalid by a build that did not finish, or of an old form under the name of today's: $1 schema, $2 names. Not one that somebody
    /// is building: who dropped that would break off the build.
    /// </summary>
    public string FindStaleIndexes { get; } = StaleIndexes("$1") + " AND c.relname = ANY ($2::text[]) AND NOT EXISTS (" + Building + ")";

    /// <summary>The same with those that somebody is building.</summary>
    public string FindUnfinishedIndexes { get; } = StaleIndexes("$1") + " AND c.relname = ANY ($2::text[])";

    /// <summary>The same, dropped in one statement of a script: nobody may build an index concurrently there.</summary>
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

    /// <summary>Which rows are alike that a unique index would keep apart; for a person to run.</summary>
    public static string FindAlike(UniqueIndex index) =>
        $"SELECT {index.Columns}, count(*) FROM {index.Table}{index.Where} GROUP BY {index.Columns} HAVING count(*) > 1";

    /// <summary>What the database calls itself, and the number of the table of workflows; $1 schema.</summary>
    public static string ReadHome { get; } = """
        SELECT current_database()::text,
               (SELECT c.oid::bigint FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = 'workflow_status')
        """;

    /// <summary>Drops an index, given as a quoted name.</summary>
    public string DropIndex(string quotedName) => $"DROP INDEX CONCURRENTLY IF EXISTS {schema}.{quotedName}";

    public string CreateDbosRecord { get; } = $"CREATE TABLE IF NOT EXISTS {schema}.dbos_migrations (version bigint PRIMARY KEY)";

    /// <summary>The same where it is not there yet; fails where somebody else has made it meanwhile.</summary>
    public string CreateFirstDbosRecord { get; } = $"CREATE TABLE {schema}.dbos_migrations (version bigint PRIMARY KEY)";

    public string CreateFluentRecord { get; } = $"CREATE TABLE IF NOT EXISTS {schema}.fluent_migrations (version bigint PRIMARY KEY)";

    // One row that only rises, as every SDK keeps it; a level that somebody else raised meanwhile stays.
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
