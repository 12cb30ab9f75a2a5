using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Making and upgrading the tables, by any number of processes, without harm to what another SDK made of them.</summary>
public abstract class SchemaStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    // The columns of the DBOS system database at level 123, which every SDK that shares it relies on.
    private static readonly Dictionary<string, string> Columns = new()
    {
        ["workflow_status"] = """
            application_id application_name application_version assumed_role attributes authenticated_roles authenticated_user class_name
            completed_at config_name created_at creator_xid debounce_deadline_epoch_ms deduplication_id delay_until_epoch_ms error
            executor_id forked_from inputs is_debounced name output owner_xid parent_workflow_id priority queue_name queue_partition_key
            rate_limited recovery_attempts request schedule_name serialization started_at_epoch_ms status updated_at was_forked_from
            workflow_deadline_epoch_ms workflow_timeout_ms workflow_uuid
            """,
        ["workflow_input"] = "inputs retention_timestamp workflow_uuid",
        ["workflow_output"] = "error output retention_timestamp workflow_uuid",
        ["operation_outputs"] = """
            application_name child_workflow_id completed_at_epoch_ms error function_id function_name output retention_timestamp
            serialization started_at_epoch_ms workflow_uuid
            """,
        ["notifications"] = """
            consumed consumed_by_function_id created_at_epoch_ms destination_uuid message message_uuid serialization topic
            """,
        ["workflow_events"] = "key serialization value workflow_uuid",
        ["workflow_events_history"] = "function_id key serialization value workflow_uuid",
        ["streams"] = "function_id key offset serialization value workflow_uuid",
        ["workflow_schedules"] = """
            application_name automatic_backfill context cron_timezone last_fired_at queue_name schedule schedule_id schedule_name status
            workflow_class_name workflow_name
            """,
        ["application_versions"] = "application_name created_at version_id version_name version_timestamp",
        ["queues"] = """
            application_name concurrency created_at name partition_concurrency partition_queue partition_rate_limit_max
            partition_rate_limit_period_sec partition_worker_concurrency polling_interval_sec priority_enabled queue_id rate_limit_max
            rate_limit_period_sec updated_at worker_concurrency
            """,
    };

    public static TheoryData<string> Tables => [.. Columns.Keys];

    [Fact]
    public async Task Migrated_database_is_at_the_current_level()
    {
        await using var bed = await Fixture.CreateEmptyAsync();

        await bed.Store.Schema.MigrateAsync(Cancel);

        Assert.Equal(new SchemaLevel(SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent), await bed.Store.Schema.ReadLevelAsync(Cancel));
    }

    [Fact]
    public async Task Reading_the_level_of_an_empty_database_finds_none_and_makes_nothing()
    {
        await using var bed = await Fixture.CreateEmptyAsync();

        Assert.Equal(new SchemaLevel(null, null), await bed.Store.Schema.ReadLevelAsync(Cancel));
        Assert.Equal(new SchemaLevel(null, null), await bed.Open().Schema.ReadLevelAsync(Cancel));
    }

    [Fact]
    public async Task Migrating_again_keeps_everything()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Checkpoints(await RunningAsync(bed, "w"), 0, 1));
        var before = await bed.DumpAsync();

        await bed.Open().Schema.MigrateAsync(Cancel);

        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Many_processes_migrate_one_empty_database_at_once()
    {
        await using var bed = await Fixture.CreateEmptyAsync();
        var stores = Enumerable.Range(0, 6).Select(_ => bed.Open()).ToList();

        await Task.WhenAll(stores.Select(store => store.Schema.MigrateAsync(Cancel))).Within(TimeSpan.FromMinutes(2));

        Assert.Equal(new SchemaLevel(SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent), await bed.Store.Schema.ReadLevelAsync(Cancel));
        Assert.Equal(1, await bed.CountAsync("dbos_migrations"));
        await RunningAsync(bed, "w");
    }

    [Fact]
    public async Task Later_state_made_by_another_SDK_is_accepted_and_kept()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.ExecuteAsync("UPDATE dbos_migrations SET version = 130");

        await bed.Store.Schema.MigrateAsync(Cancel);

        Assert.Equal(new SchemaLevel(130, SchemaLevel.FluentCurrent), await bed.Store.Schema.ReadLevelAsync(Cancel));
        await RunningAsync(bed, "w");
    }

    [Fact]
    public async Task Database_of_another_SDK_gets_the_side_tables()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");
        foreach (var table in (string[])["fluent_executors", "fluent_origins", "fluent_migrations"])
        {
            await bed.ExecuteAsync("DROP TABLE " + table);
        }

        Assert.Equal(new SchemaLevel(SchemaLevel.DbosCurrent, null), await bed.Open().Schema.ReadLevelAsync(Cancel));
        await bed.Open().Schema.MigrateAsync(Cancel);

        Assert.Equal(new SchemaLevel(SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent), await bed.Open().Schema.ReadLevelAsync(Cancel));
        Assert.Equal(1, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task What_cannot_be_migrated_is_refused()
    {
        await using var bed = await Fixture.CreateUnusableAsync();

        var error = await Assert.ThrowsAsync<StoreSchemaException>(() => bed.Store.Schema.MigrateAsync(Cancel));

        Assert.Equal("DBOS3002", error.Code);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public async Task Table_has_the_columns_of_the_protocol(string table)
    {
        await using var bed = await Fixture.CreateAsync();

        var columns = await bed.ColumnsAsync(table);

        Assert.Equal(Columns[table].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), columns.Order(StringComparer.Ordinal));
    }
}
