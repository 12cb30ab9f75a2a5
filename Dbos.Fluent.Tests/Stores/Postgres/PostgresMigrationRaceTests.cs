using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Postgres;
using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Migrations of a database that has rows: two that build its indexes at once, and rows that a unique index cannot take.</summary>
public sealed class PostgresMigrationRaceTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private const int Rounds = 3;

    private const string Old = """
        DROP INDEX dbos.uq_workflow_status_dedup_id, dbos.idx_workflow_status_in_flight_v2, dbos.workflow_status_created_at_index,
                   dbos.idx_workflow_status_completed_at;
        UPDATE dbos.dbos_migrations SET version = 107;
        """;

    protected override bool StartsEmpty => true;

    // The first takes the lock of the SDKs, and the second waits for it; the third is of the kind that takes none.
    [Fact]
    public async Task Engines_that_launch_at_once_beside_somebody_who_takes_no_lock_raise_an_old_database_together()
    {
        await (await LaunchAsync()).StopAsync(TimeSpan.Zero, Cancel);
        await Database.ExecuteAsync("""
            INSERT INTO workflow_status (workflow_uuid, status, name, queue_name, deduplication_id, completed_at)
            SELECT 'w' || n, 'SUCCESS', 'old', 'line', n::text, n FROM generate_series(1, 20000) AS n
            """);

        for (var round = 0; round < Rounds; round++)
        {
            await Database.ExecuteAsync(Old);
            var rival = BuildUnlockedAsync();
            var engines = await Task.WhenAll(
                LaunchAsync(options => options.ExecutorId = "one"), LaunchAsync(options => options.ExecutorId = "two"));
            await rival.Within(Bounded.Limit);

            Assert.Equal([[$"{SchemaLevel.DbosCurrent}"]], await Database.QueryAsync("SELECT version FROM dbos_migrations"));
            Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM pg_index WHERE NOT indisvalid"));
            Assert.Equal(4, await Database.CountAsync("""
                SELECT count(*) FROM pg_class
                 WHERE relname IN ('uq_workflow_status_dedup_id', 'idx_workflow_status_in_flight_v2',
                                   'workflow_status_created_at_index', 'idx_workflow_status_completed_at')
                """));
            foreach (var engine in engines)
            {
                await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
            }
        }
    }

    [Fact]
    public async Task Rows_that_a_unique_index_cannot_take_are_named_and_the_next_launch_goes_on()
    {
        await (await LaunchAsync()).StopAsync(TimeSpan.Zero, Cancel);
        await Database.ExecuteAsync(Old + """
            INSERT INTO workflow_status (workflow_uuid, status, name, queue_name, deduplication_id)
            SELECT 'w' || n, 'SUCCESS', 'old', 'line', 'the same' FROM generate_series(1, 2) AS n;
            """);

        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchAsync());

        Assert.Contains(
            "The unique index uq_workflow_status_dedup_id of schema 'dbos' cannot be built: rows of \"dbos\".workflow_status are alike in "
            + "(queue_name, deduplication_id).",
            refused.Message);
        var find = refused.Message[refused.Message.IndexOf("SELECT", StringComparison.Ordinal)..];
        Assert.Equal([["line", "the same", "2"]], await Database.QueryAsync(find[..(find.IndexOf("> 1", StringComparison.Ordinal) + 3)]));
        Assert.Equal("107", await Database.ScalarAsync("SELECT version FROM dbos_migrations"));

        await Database.ExecuteAsync("UPDATE workflow_status SET deduplication_id = NULL WHERE workflow_uuid = 'w1'");
        await LaunchAsync();
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM pg_index WHERE NOT indisvalid"));
    }

    private async Task BuildUnlockedAsync()
    {
        await using var connection = await Database.ConnectAsync();
        foreach (var statement in new MigrationScripts(new SchemaName("dbos")).DbosIndexesOnline)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = statement;
            try
            {
                await command.ExecuteNonQueryAsync(Cancel);
            }
            catch (PostgresException lost) when (PostgresErrors.IsMigrationRace(lost))
            {
                // The engine has it under way, and leaves nothing undone.
            }
        }
    }
}
