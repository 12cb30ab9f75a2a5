using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresSchemaStoreTests(SharedPostgres server)
{
    private static readonly SchemaLevel Current = new(SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_empty_database_has_no_level_and_is_brought_to_the_current_one()
    {
        await using var store = Open(await server.CreateDatabaseAsync(Cancel));
        var before = await store.Schema.ReadLevelAsync(Cancel);

        await store.Schema.MigrateAsync(Cancel);
        await store.Schema.MigrateAsync(Cancel);

        Assert.Equal(new SchemaLevel(null, null), before);
        Assert.Equal(Current, await store.Schema.ReadLevelAsync(Cancel));
    }

    [Fact]
    public async Task Ten_processes_migrate_one_empty_database_at_once()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        var stores = Enumerable.Range(0, 10).Select(_ => Open(connection)).ToList();

        await Task.WhenAll(stores.Select(store => store.Schema.MigrateAsync(Cancel)));

        Assert.Equal(Current, await stores[0].Schema.ReadLevelAsync(Cancel));
        Assert.Equal(1L, await ScalarAsync(connection, "SELECT count(*) FROM dbos.dbos_migrations"));
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_older_level_is_raised_and_keeps_its_rows()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await using var store = Open(connection);
        await store.Schema.MigrateAsync(Cancel);
        await RunAsync(connection, """
            DROP TABLE dbos.fluent_migrations, dbos.fluent_origins, dbos.fluent_executors;
            UPDATE dbos.dbos_migrations SET version = 107;
            DROP INDEX dbos.idx_workflow_status_deadline, dbos.idx_workflow_status_forked_from, dbos.idx_workflow_status_in_flight_v2;
            CREATE INDEX idx_workflow_status_forked_from ON dbos.workflow_status (forked_from);
            CREATE INDEX idx_workflow_status_in_flight ON dbos.workflow_status (queue_name, status, priority, created_at);
            ALTER TABLE dbos.workflow_status DROP COLUMN creator_xid;
            ALTER TABLE dbos.operation_outputs ADD CONSTRAINT operation_outputs_workflow_uuid_foreign
                FOREIGN KEY (workflow_uuid) REFERENCES dbos.workflow_status (workflow_uuid);
            DROP TABLE dbos.workflow_input;
            DROP FUNCTION dbos.send_message;
            CREATE FUNCTION dbos.enqueue_workflow(workflow_name text, queue_name text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
            INSERT INTO dbos.workflow_status (workflow_uuid, status, inputs) VALUES ('old', 'SUCCESS', 'kept');
            """);

        await store.Schema.MigrateAsync(Cancel);

        Assert.Equal(Current, await store.Schema.ReadLevelAsync(Cancel));
        Assert.Equal("kept", (await store.Workflows.ReadAsync("old", Cancel))!.Input.Text);
        Assert.Equal(
            "creator_xid idx_workflow_status_deadline idx_workflow_status_forked_from(partial) idx_workflow_status_in_flight_v2",
            await ScalarAsync(connection, """
                SELECT string_agg(name, ' ' ORDER BY name)
                  FROM (SELECT attname::text AS name
                          FROM pg_attribute
                         WHERE attrelid = 'dbos.workflow_status'::regclass AND attname = 'creator_xid'
                        UNION ALL
                        SELECT relname || CASE WHEN relname LIKE '%forked_from' AND indpred IS NOT NULL THEN '(partial)' ELSE '' END
                          FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                         WHERE relname LIKE 'idx_workflow_status_in_flight%'
                            OR relname LIKE '%_deadline' OR relname LIKE '%forked_from') AS found
                """));
        Assert.Equal(0L, await ScalarAsync(
            connection, "SELECT count(*) FROM pg_constraint WHERE conname = 'operation_outputs_workflow_uuid_foreign'"));
        Assert.Equal("done", await ScalarAsync(connection, "SELECT dbos.enqueue_workflow('w', 'q', workflow_id => 'done')"));
    }

    [Fact]
    public async Task Of_the_first_levels_inputs_are_kept_and_one_rule_against_duplicates_stands_at_each_moment()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await using var store = Open(connection);
        await store.Schema.MigrateAsync(Cancel);
        await RunAsync(connection, """
            UPDATE dbos.dbos_migrations SET version = 1;
            CREATE TABLE dbos.workflow_inputs (workflow_uuid text PRIMARY KEY, inputs text);
            INSERT INTO dbos.workflow_status (workflow_uuid, status) VALUES ('old', 'RETRIES_EXCEEDED');
            INSERT INTO dbos.workflow_inputs VALUES ('old', 'kept');
            ALTER TABLE dbos.workflow_status
                ADD CONSTRAINT uq_workflow_status_queue_name_dedup_id UNIQUE (queue_name, deduplication_id);
            """);

        await store.Schema.MigrateAsync(Cancel);

        var old = (await store.Workflows.ReadAsync("old", Cancel))!;
        Assert.Equal(("kept", WorkflowState.MaxRecoveryAttemptsExceeded), (old.Input.Text, old.Status.State));
        Assert.Equal(0L, await ScalarAsync(
            connection, "SELECT count(*) FROM pg_constraint WHERE conname = 'uq_workflow_status_queue_name_dedup_id'"));
        Assert.Equal(true, await ScalarAsync(
            connection, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'dbos.uq_workflow_status_dedup_id'::regclass"));
    }

    // As long as its holder does something: an index may be built for hours.
    [Fact]
    public async Task A_migration_waits_for_one_that_is_under_way()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await using var store = Open(connection);
        await using var other = new NpgsqlConnection(connection + ";Pooling=false");
        await other.OpenAsync(Cancel);
        await using (var hold = new NpgsqlCommand("SELECT pg_advisory_lock(1234567890)", other))
        {
            await hold.ExecuteNonQueryAsync(Cancel);
        }

        Assert.Equal(true, await ScalarAsync(connection, new SchemaSql(new("dbos")).IsLockWorkedUnder));
        var migrating = store.Schema.MigrateAsync(Cancel);
        Assert.Equal(new SchemaLevel(null, null), await store.Schema.ReadLevelAsync(Cancel));

        await other.CloseAsync();
        await migrating.Within(Bounded.Limit);
        Assert.Equal(Current, await store.Schema.ReadLevelAsync(Cancel));
    }

    [Fact]
    public async Task A_role_that_owns_the_schema_and_has_no_right_to_the_database_runs_the_script()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await RunAsync(connection, """
            CREATE SCHEMA dbos;
            CREATE ROLE fluent_owner_of_schema LOGIN PASSWORD 'secret';
            ALTER SCHEMA dbos OWNER TO fluent_owner_of_schema;
            """);
        var owner = new NpgsqlConnectionStringBuilder(connection) { Username = "fluent_owner_of_schema", Password = "secret" }
            .ConnectionString;

        await RunAsync(owner, MigrationSql.Of("dbos"));

        await using var store = Open(connection);
        Assert.Equal(Current, await store.Schema.ReadLevelAsync(Cancel));
        await RunAsync(connection, "DROP SCHEMA dbos CASCADE; DROP ROLE fluent_owner_of_schema");
    }

    [Fact]
    public async Task A_migration_that_was_killed_half_way_is_finished_by_the_next()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await using var store = Open(connection);
        await store.Schema.MigrateAsync(Cancel);
        await RunAsync(connection, """
            UPDATE dbos.dbos_migrations SET version = 100;
            INSERT INTO dbos.workflow_status (workflow_uuid, status) VALUES ('a', 'PENDING');
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'dbos.idx_workflow_status_pending'::regclass;
            """);

        await store.Schema.MigrateAsync(Cancel);

        Assert.Equal(true, await ScalarAsync(
            connection, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'dbos.idx_workflow_status_pending'::regclass"));
        Assert.Equal(Current, await store.Schema.ReadLevelAsync(Cancel));
    }

    [Fact]
    public async Task A_newer_level_is_accepted_and_left()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await using var store = Open(connection);
        await store.Schema.MigrateAsync(Cancel);
        await RunAsync(connection, "UPDATE dbos.dbos_migrations SET version = 125; DROP TABLE dbos.fluent_migrations");

        await store.Schema.MigrateAsync(Cancel);

        Assert.Equal(new SchemaLevel(125, SchemaLevel.FluentCurrent), await store.Schema.ReadLevelAsync(Cancel));
    }

    [Theory]
    [InlineData("dbos")]
    [InlineData("My Schema")]
    [InlineData("it's \"quoted\"")]
    [InlineData("back\\slash::$x$")]
    public async Task Any_schema_name_is_quoted(string schema)
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        await using var store = Open(connection, schema);
        var quoted = new SchemaName(schema).Quoted;

        await store.Schema.MigrateAsync(Cancel);
        await RunAsync(connection, $"""
            SELECT {quoted}.enqueue_workflow('w', 'q', ARRAY['1'::json], workflow_id => 'made');
            SELECT {quoted}.send_message('made', '2', 'topic');
            UPDATE {quoted}.dbos_migrations SET version = 110;
            """);
        await store.Schema.MigrateAsync(Cancel);

        var row = await store.Workflows.ReadAsync("made", Cancel);
        Assert.Equal((WorkflowState.Enqueued, "q"), (row!.Status.State, row.Status.Queue));
        Assert.Equal("""{"positionalArgs" : [1], "namedArgs" : {}}""", row.Input.Text);
        Assert.Equal(1L, await ScalarAsync(
            connection, $"SELECT count(*) FROM {quoted}.notifications WHERE topic = 'topic' AND message = '2'"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("tab\t")]
    [InlineData("a$$b")]
    [InlineData("pg_mine")]
    [InlineData("ééééééééééééééééééééééééééééééééé")]
    public void A_schema_name_that_cannot_be_one_is_refused(string schema) =>
        Assert.ThrowsAny<ArgumentException>(() => new SchemaName(schema));

    [Fact]
    public async Task A_role_without_rights_is_told_what_it_needs()
    {
        var connection = await server.CreateDatabaseAsync(Cancel);
        var role = "guest_" + Units.NewId();
        await RunAsync(connection, $"CREATE ROLE {role} LOGIN");
        await using var store = Open(new NpgsqlConnectionStringBuilder(connection) { Username = role, Pooling = false }.ConnectionString);

        var refusal = await Assert.ThrowsAsync<StoreSchemaException>(() => store.Schema.MigrateAsync(Cancel));

        Assert.Contains("level 123", refusal.Message, StringComparison.Ordinal);
        await RunAsync(connection, $"DROP ROLE {role}");
    }

    [Fact]
    public async Task Work_on_a_database_that_nobody_migrated_says_so()
    {
        await using var store = Open(await server.CreateDatabaseAsync(Cancel));

        var refusal = await Assert.ThrowsAsync<StoreSchemaException>(() => store.Workflows.ReadAsync("x", Cancel));

        Assert.Contains(
            $"level {SchemaLevel.DbosCurrent} of the DBOS tables and level {SchemaLevel.FluentCurrent} of the side tables",
            refusal.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable()
    {
        await using var store = Open("Host=127.0.0.1;Port=1;Username=nobody;Timeout=2");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Schema.MigrateAsync(Cancel));
    }

#pragma warning disable CA2000 // The store owns its data source.
    private static PostgresStore Open(string connection, string schema = "dbos") =>
        new(NpgsqlDataSource.Create(connection), true, schema, new StoreOptions { Logger = NullLogger.Instance });
#pragma warning restore CA2000

    private static async Task<object?> ScalarAsync(string connection, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancel);
    }

    private static async Task RunAsync(string connection, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
