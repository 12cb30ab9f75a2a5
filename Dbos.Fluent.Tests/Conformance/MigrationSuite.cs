using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>How a launch meets the tables it finds. Scenarios MG-01 and MG-03.</summary>
public abstract class MigrationSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    protected override bool StartsEmpty => true;

    private static readonly WorkflowDefinition<int, int> Echo = Workflow.Define<int, int>("echo", EchoBody);

    [Fact]
    public async Task Ten_engines_migrate_one_empty_database_at_once()
    {
        var engines = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(i => LaunchAsync(options => options.ExecutorId = $"executor {i}", Echo)));
        var results = await Task.WhenAll(engines.Select((engine, i) => engine.RunAsync(Echo, i, $"workflow {i}")));

        Assert.Equal(Enumerable.Range(0, 10), results);
        Assert.Equal([[$"{SchemaLevel.DbosCurrent}"]], await Database.QueryAsync("SELECT version FROM dbos_migrations"));
        Assert.Equal($"{SchemaLevel.FluentCurrent}", await Database.ScalarAsync("SELECT max(version) FROM fluent_migrations"));
        Assert.Equal(10, await Database.CountAsync("SELECT count(*) FROM fluent_executors"));
    }

    [Fact]
    public async Task With_migrations_off_an_empty_database_is_refused_and_stays_empty()
    {
        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchUnmigratedAsync());

        Assert.Equal("DBOS3002", refused.Code);
        Assert.Contains("level none of the DBOS tables and none of the fluent_ tables", refused.Message);
        Assert.Contains($"needs {SchemaLevel.DbosCurrent} and {SchemaLevel.FluentCurrent}", refused.Message);
        Assert.Contains("Migrate = true", refused.Message);
        Assert.True(await IsEmptyAsync(), "Something was created.");
    }

    [Fact]
    public async Task With_migrations_off_an_older_database_is_refused_and_stays_as_it_is()
    {
        await MigrateAsync();
        await Database.ExecuteAsync($"UPDATE dbos_migrations SET version = {SchemaLevel.DbosCurrent - 1}");

        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchUnmigratedAsync());

        Assert.Contains(
            $"level {SchemaLevel.DbosCurrent - 1} of the DBOS tables and {SchemaLevel.FluentCurrent} of the fluent_", refused.Message);
        Assert.Contains($"needs {SchemaLevel.DbosCurrent} and {SchemaLevel.FluentCurrent}", refused.Message);
        Assert.Equal($"{SchemaLevel.DbosCurrent - 1}", await Database.ScalarAsync("SELECT version FROM dbos_migrations"));
    }

    [Fact]
    public async Task With_migrations_off_tables_that_another_SDK_made_are_not_enough()
    {
        await MigrateAsync();
        await Database.ExecuteAsync("DROP TABLE fluent_origins; DROP TABLE fluent_executors; DROP TABLE fluent_migrations");

        var refused = await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchUnmigratedAsync());

        Assert.Contains($"level {SchemaLevel.DbosCurrent} of the DBOS tables and none of the fluent_ tables", refused.Message);
        var engine = await LaunchAsync(Echo);
        Assert.Equal(1, await engine.RunAsync(Echo, 1, "A"));
    }

    [Fact]
    public async Task With_migrations_off_a_database_of_this_level_is_taken()
    {
        await MigrateAsync();

        var engine = await LaunchUnmigratedAsync();

        Assert.Equal(1, await engine.RunAsync(Echo, 1, "A"));
    }

    // Whoever makes them newer: another SDK the tables of DBOS, a later version of the library its own.
    [Theory]
    [InlineData(true, true, false)]
    [InlineData(false, true, false)]
    [InlineData(true, false, true)]
    [InlineData(false, false, true)]
    [InlineData(true, true, true)]
    [InlineData(false, true, true)]
    public async Task A_database_that_was_migrated_further_is_taken_as_it_is(bool migrate, bool dbos, bool fluent)
    {
        await MigrateAsync();
        if (dbos)
        {
            await Database.ExecuteAsync(
                """
                UPDATE dbos_migrations SET version = 200;
                ALTER TABLE workflow_status ADD COLUMN something_new TEXT;
                ALTER TABLE operation_outputs ADD COLUMN something_new TEXT;
                """);
        }

        if (fluent)
        {
            await MakeFluentNewerAsync();
        }

        var levels = await LevelsAsync();
        var engine = await LaunchAsync(options => options.Migrate = migrate, Echo);

        Assert.Equal(1, await engine.RunAsync(Echo, 1, "A"));
        Assert.Equal((dbos ? 200 : SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent + (fluent ? 1 : 0)), levels);
        Assert.Equal(levels, await LevelsAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_older_database_is_migrated_and_its_workflows_are_kept(bool fluentIsNewer)
    {
        var engine = await LaunchAsync(Echo);
        await engine.RunAsync(Echo, 7, "old");
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Database.ExecuteAsync(
            """
            UPDATE dbos_migrations SET version = 122;
            ALTER TABLE workflow_status DROP COLUMN creator_xid;
            """);
        if (fluentIsNewer)
        {
            await MakeFluentNewerAsync();
        }

        engine = await LaunchAsync(Echo);

        Assert.Equal(7, await engine.Retrieve<int>("old").ResultAsync());
        Assert.Equal(1, await engine.RunAsync(Echo, 1, "new"));
        Assert.Equal((SchemaLevel.DbosCurrent, SchemaLevel.FluentCurrent + (fluentIsNewer ? 1 : 0)), await LevelsAsync());
    }

    [Fact]
    public async Task A_launch_that_fails_late_leaves_nothing_behind_and_a_later_one_works_at_once()
    {
        await MigrateAsync();
        await Database.ExecuteAsync("ALTER TABLE workflow_status RENAME TO hidden");
        await Assert.ThrowsAsync<StoreSchemaException>(() => LaunchUnmigratedAsync());
        await Database.ExecuteAsync("ALTER TABLE hidden RENAME TO workflow_status");

        // With the same executor id: a lease that the failed launch left alive would have to end first.
        var engine = await LaunchAsync(options => options.Lease = TimeSpan.FromHours(1), Echo);

        Assert.Equal(1, await engine.RunAsync(Echo, 1, "A"));
    }

    [Fact]
    public async Task A_launch_that_is_given_up_leaves_nothing_behind()
    {
        using var given = new CancellationTokenSource();
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => WorkflowEngine.LaunchAsync(options => Database.Use(options.Add(Echo)), given.Token).Within(Bounded.Limit));

        var engine = await LaunchAsync(Echo);
        Assert.Equal(1, await engine.RunAsync(Echo, 1, "A"));
    }

    private Task<WorkflowEngine> LaunchUnmigratedAsync() => LaunchAsync(
        options =>
        {
            options.Migrate = false;
            options.Lease = TimeSpan.FromHours(1);
        },
        Echo);

    private async Task MigrateAsync() => await (await LaunchAsync(Echo)).StopAsync(TimeSpan.Zero, Cancel);

    // As a later version of the library may: with a column that this one knows nothing of, and that it must not need.
    private Task<int> MakeFluentNewerAsync() => Database.ExecuteAsync(
        $"""
        INSERT INTO fluent_migrations (version) VALUES ({SchemaLevel.FluentCurrent + 1});
        ALTER TABLE fluent_executors ADD COLUMN something_new TEXT;
        """);

    private async Task<(long Dbos, long Fluent)> LevelsAsync() => (
        await Database.CountAsync("SELECT max(version) FROM dbos_migrations"),
        await Database.CountAsync("SELECT max(version) FROM fluent_migrations"));

    private async Task<bool> IsEmptyAsync() => Database is SqliteTestDatabase sqlite
        ? !File.Exists(sqlite.Path)
        : await Database.CountAsync("SELECT count(*) FROM information_schema.schemata WHERE schema_name IN ('dbos', 'fluent')") == 0
            && await Database.CountAsync("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'") == 0;

    private static async IAsyncEnumerable<StepOr<int>> EchoBody(int input, WorkflowContext workflow)
    {
        yield return Step.Run("echo", async _ => input).As(out var echo);
        yield return echo.Result;
    }
}
