using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteFileSchemaTests : SqliteFileTest
{
    // What a database looked like after the first migration of an older SDK, as far as it differs from today's.
    private const string FirstLevel = """
        CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
        INSERT INTO dbos_migrations VALUES (1);
        CREATE TABLE workflow_status (
            workflow_uuid TEXT PRIMARY KEY, status TEXT, name TEXT, authenticated_user TEXT, assumed_role TEXT, authenticated_roles TEXT,
            request TEXT, output TEXT, error TEXT, executor_id TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
            application_version TEXT, application_id TEXT, class_name TEXT, config_name TEXT, recovery_attempts INTEGER DEFAULT 0,
            queue_name TEXT, workflow_timeout_ms INTEGER, workflow_deadline_epoch_ms INTEGER, inputs TEXT, started_at_epoch_ms INTEGER,
            deduplication_id TEXT, priority INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX workflow_status_status_index ON workflow_status (status);
        CREATE UNIQUE INDEX uq_workflow_status_queue_name_dedup_id ON workflow_status (queue_name, deduplication_id);
        CREATE TABLE operation_outputs (
            workflow_uuid TEXT NOT NULL, function_id INTEGER NOT NULL, function_name TEXT NOT NULL DEFAULT '', output TEXT, error TEXT,
            child_workflow_id TEXT, PRIMARY KEY (workflow_uuid, function_id),
            FOREIGN KEY (workflow_uuid) REFERENCES workflow_status (workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE);
        CREATE TABLE notifications (
            message_uuid TEXT NOT NULL PRIMARY KEY, destination_uuid TEXT NOT NULL, topic TEXT, message TEXT NOT NULL,
            created_at_epoch_ms INTEGER NOT NULL);
        CREATE TABLE workflow_events (workflow_uuid TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (workflow_uuid, key));
        CREATE TABLE streams (
            workflow_uuid TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "offset" INTEGER NOT NULL,
            PRIMARY KEY (workflow_uuid, key, "offset"));
        INSERT INTO workflow_status (workflow_uuid, status, name, inputs, created_at, updated_at)
        VALUES ('old', 'SUCCESS', 'checkout', 'in', 1, 2);
        INSERT INTO operation_outputs (workflow_uuid, function_id, function_name, output) VALUES ('old', 0, 'step 0', 'done');
        """;

    public override ValueTask InitializeAsync() => default;

    [Fact]
    public async Task A_new_file_is_brought_to_the_current_level_and_stays_there()
    {
        var store = Open();
        Assert.Equal(new SchemaLevel(null, null), await store.Schema.ReadLevelAsync(Cancel));
        Assert.False(File.Exists(Database.Path));

        await store.Schema.MigrateAsync(Cancel);
        await store.Schema.MigrateAsync(Cancel);

        Assert.Equal(new SchemaLevel(SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent), await store.Schema.ReadLevelAsync(Cancel));
        Assert.Equal("wal", await Database.ScalarAsync("PRAGMA journal_mode"));
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM dbos_migrations"));
    }

    [Fact]
    public async Task Ten_stores_may_migrate_one_file_at_once()
    {
        var stores = Enumerable.Range(0, 10).Select(_ => Open()).ToArray();

        await Task.WhenAll(stores.Select(store => store.Schema.MigrateAsync(Cancel))).Within(Bounded.Limit);

        Assert.Equal(new SchemaLevel(SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent), await stores[9].Schema.ReadLevelAsync(Cancel));
    }

    [Fact]
    public async Task A_database_of_an_older_SDK_gets_the_tables_of_a_new_one_and_keeps_its_rows()
    {
        await using var fresh = new SqliteTestDatabase();
        await Open(fresh.Path).Schema.MigrateAsync(Cancel);
        await CreateAsync(FirstLevel);
        var store = Open();

        await store.Schema.MigrateAsync(Cancel);

        Assert.Equal(await DescribeAsync(fresh), await DescribeAsync(Database));
        Assert.Equal("123", await Database.ScalarAsync("SELECT group_concat(version) FROM dbos_migrations"));
        var (row, checkpoints) = (await store.Workflows.ReadHistoryAsync("old", Cancel))!.Value;
        Assert.Equal("in", row.Input.Text);
        Assert.Equal("done", Assert.Single(checkpoints).Output);
        Assert.Equal(NowMs, await Database.CountAsync("SELECT retention_timestamp FROM operation_outputs"));
    }

    [Fact]
    public async Task A_level_that_another_SDK_made_later_is_left_as_it_is()
    {
        await Open().Schema.MigrateAsync(Cancel);
        await Database.ExecuteAsync("UPDATE dbos_migrations SET version = 200; DELETE FROM fluent_migrations");
        await Database.ExecuteAsync("DROP INDEX idx_workflow_status_failed");
        var store = Open();

        await store.Schema.MigrateAsync(Cancel);

        Assert.Equal(new SchemaLevel(200, SchemaLevel.FluentCurrent), await store.Schema.ReadLevelAsync(Cancel));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM sqlite_master WHERE name = 'idx_workflow_status_failed'"));
    }

    [Fact]
    public async Task A_migration_that_fails_leaves_nothing_half_done()
    {
        await CreateAsync("CREATE TABLE workflow_status (workflow_uuid TEXT PRIMARY KEY, created_at TEXT)");
        await Database.ExecuteAsync("CREATE VIEW queues AS SELECT 1");
        var store = Open();

        await Assert.ThrowsAnyAsync<Exception>(() => store.Schema.MigrateAsync(Cancel));

        Assert.Equal(
            ["queues", "workflow_status"],
            (await Database.QueryAsync("SELECT name FROM sqlite_master WHERE type <> 'index' ORDER BY name")).Select(row => row[0]));
    }

    [Fact]
    public async Task What_is_no_database_is_refused_with_a_remedy()
    {
        await File.WriteAllTextAsync(Database.Path, new string('x', 5000), Cancel);
        var store = Open();

        var thrown = await Assert.ThrowsAsync<StoreSchemaException>(() => store.Schema.MigrateAsync(Cancel));

        Assert.Contains("is not a SQLite database", thrown.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreSchemaException>(() => store.Schema.ReadLevelAsync(Cancel));
    }

    [Fact]
    public async Task A_directory_and_a_missing_directory_are_named()
    {
        var folder = Path.GetDirectoryName(Database.Path)!;

        var directory = await Assert.ThrowsAsync<StoreSchemaException>(() => Open(folder).Schema.MigrateAsync(Cancel));
        var missing = await Assert.ThrowsAsync<StoreSchemaException>(
            () => Open(Path.Combine(folder, "missing", "file.sqlite")).Schema.MigrateAsync(Cancel));

        Assert.Contains($"'{folder}' is a directory", directory.Message, StringComparison.Ordinal);
        Assert.Contains($"'{Path.Combine(folder, "missing")}' of the SQLite database", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_nobody_migrated_is_refused_with_a_remedy_and_one_that_is_missing_is_not_made()
    {
        var store = Open();
        var missing = await Assert.ThrowsAsync<StoreSchemaException>(() => store.Claims.ClaimAsync(Claim(), Cancel));
        Assert.False(File.Exists(Database.Path));
        await CreateAsync("CREATE TABLE other (id INTEGER)");

        var unmigrated = await Assert.ThrowsAsync<StoreSchemaException>(() => store.Claims.ClaimAsync(Claim(), Cancel));

        Assert.Contains("There is no SQLite database at", missing.Message, StringComparison.Ordinal);
        Assert.Contains("Migrate", unmigrated.Message, StringComparison.Ordinal);
    }

    private async Task CreateAsync(string sql)
    {
        await File.WriteAllBytesAsync(Database.Path, [], Cancel);
        await Database.ExecuteAsync(sql);
    }

    private static async Task<string> DescribeAsync(SqliteTestDatabase database)
    {
        var columns = await database.QueryAsync("""
            SELECT t.name, c.name || ' ' || c."notnull" || ' ' || (c.pk > 0)
              FROM sqlite_master AS t, pragma_table_info(t.name) AS c
             WHERE t.type = 'table'
             ORDER BY t.name, c.name
            """);
        var indexes = await database.QueryAsync("SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name");
        return string.Join('\n', columns.Concat(indexes).Select(row => $"{row[0]}: {row[1]}"));
    }
}
