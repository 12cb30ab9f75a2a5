using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Migrations that another role runs, by the printed script or by an engine. Scenario MG-05.</summary>
public sealed class PostgresRoleTests(SharedPostgres server)
{
    private const string Role = "dbos_fluent_reader_writer";

    private static readonly WorkflowDefinition<int, int> Child = Workflow.Define<int, int>("child").Return(x => x.Input);
    private static readonly WorkflowDefinition<ScheduledRun, int> Nightly = Workflow.Define<ScheduledRun, int>("nightly").Return(_ => 1);
    private static readonly WorkflowDefinition<int, string> All = Workflow.Define<int, string>("everything", Body);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_printed_script_makes_what_an_engine_makes_and_may_be_run_again()
    {
        var (byScript, byEngine) = (await server.CreateDatabaseAsync(Cancel), await server.CreateDatabaseAsync(Cancel));
        var script = WorkflowClient.MigrationScript();
        await using (await LaunchAsync(byEngine, migrate: true))
        {
            await RunAsync(byScript, script);
        }

        var expected = await DescribeAsync(byEngine);
        Assert.Equal(expected, await DescribeAsync(byScript));
        Assert.DoesNotContain("EXTENSION", script, StringComparison.OrdinalIgnoreCase);
        await RunAsync(byScript, script);
        Assert.Equal(expected, await DescribeAsync(byScript));

        // From earlier levels, and not back from a later one.
        await RunAsync(
            byScript,
            """
            UPDATE dbos.dbos_migrations SET version = 122; UPDATE dbos.fluent_migrations SET version = 1;
            DROP TABLE dbos.fluent_generations; DROP TABLE dbos.fluent_versions; DROP TABLE dbos.fluent_waits; DROP TABLE dbos.fluent_queues;
            ALTER TABLE dbos.workflow_status DROP COLUMN creator_xid;
            """);
        await RunAsync(byScript, script);
        Assert.Equal(expected.Order(), (await DescribeAsync(byScript)).Order());
        await RunAsync(byScript, "UPDATE dbos.dbos_migrations SET version = 200; DROP INDEX dbos.workflow_status_created_at_index");
        await RunAsync(byScript, script);
        Assert.DoesNotContain(await DescribeAsync(byScript), line => line.Contains("workflow_status_created_at_index"));
        Assert.Throws<ArgumentException>(() => WorkflowClient.MigrationScript(" "));
    }

    [Fact]
    public async Task An_engine_runs_everything_under_a_role_that_may_only_read_and_write()
    {
        var admin = await server.CreateDatabaseAsync(Cancel);
        await RunAsync(admin, WorkflowClient.MigrationScript("My \"odd\" schema"));
        await RunAsync(
            admin,
            $"""
            DO $$ BEGIN CREATE ROLE {Role} LOGIN PASSWORD 'secret'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
            GRANT USAGE ON SCHEMA "My ""odd"" schema" TO {Role};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "My ""odd"" schema" TO {Role};
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA "My ""odd"" schema" TO {Role};
            REVOKE CREATE ON SCHEMA public FROM {Role};
            """);
        var restricted =
            new NpgsqlConnectionStringBuilder(admin) { Username = Role, Password = "secret", Pooling = false }.ConnectionString;
        await Assert.ThrowsAsync<PostgresException>(() => RunAsync(restricted, "CREATE TABLE \"My \"\"odd\"\" schema\".no (n int)"));

        await using var engine = await LaunchAsync(restricted, migrate: false, "My \"odd\" schema");
        var handle = await engine.StartAsync(All, 5, new() { Id = "A", Queue = "q" }, Cancel);
        await engine.SendAsync("A", "hello", "t", cancellationToken: Cancel);
        Assert.Equal("5 hello 5 again 1", await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal([5], await engine.ReadStreamAsync<int>("A", "s", cancellationToken: Cancel).ToListAsync(Cancel));
        Assert.Equal(5, (await engine.GetEventAsync<int>("A", "e", TimeSpan.Zero, Cancel)).Value);
        await engine.Schedules.CreateAsync("nightly", "0 3 * * *", Nightly, cancellationToken: Cancel);
        var triggered = await engine.Schedules.TriggerAsync("nightly", Cancel);
        Assert.Equal(1, await engine.Retrieve<int>(triggered).GetResultAsync(Cancel).Within(Bounded.Limit));
        await engine.CancelAsync("A", cancellationToken: Cancel);
        Assert.Equal("finished", (await engine.ExplainAsync("A", Cancel)).Reason);
        Assert.Equal(0, await engine.RecoverAsync(cancellationToken: Cancel));
        Assert.Equal("v1", Assert.Single(await engine.Versions.ListAsync(Cancel)).Name);
    }

    private static async IAsyncEnumerable<StepOr<string>> Body(int input, WorkflowContext workflow)
    {
        yield return Step.Patch("p");
        yield return Step.Run("step", async _ => input).As(out var step);
        yield return Step.Receive<string>("t").As(out var message);
        yield return Step.SetEvent("e", input);
        yield return Step.WriteStream("s", input);
        yield return Step.CloseStream("s");
        yield return Step.Call(Child, input).As(out var child);
        yield return Step.Sleep(TimeSpan.FromMilliseconds(1));
        yield return Step.Send(workflow.WorkflowId, "again", "u");
        yield return Step.Receive<string>("u").As(out var again);
        yield return $"{step.Result} {message.Result} {child.Result} {again.Result} {workflow.Attempt}";
    }

    private static Task<WorkflowEngine> LaunchAsync(string connection, bool migrate, string schema = "dbos") =>
        WorkflowEngine.LaunchAsync(
            options =>
            {
                options.UsePostgres(connection, schema);
                options.Add(All, Child, Nightly).Add(new WorkflowQueue("q") { Concurrency = 2 });
                (options.ApplicationName, options.ApplicationVersion, options.Migrate) = ("tests", "v1", migrate);
            },
            Cancel).Within(Bounded.Limit);

    private static async Task RunAsync(string connection, string sql)
    {
        await using var open = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection) { Pooling = false }.ConnectionString);
        await open.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand(sql, open);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    /// <summary>Columns, indexes, constraints, functions and triggers of the schema, as lines, and both levels.</summary>
    private static async Task<List<string>> DescribeAsync(string connection)
    {
        const string sql = """
            SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '')
              FROM information_schema.columns WHERE table_schema = 'dbos'
            UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'dbos'
            UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
              FROM pg_constraint WHERE connamespace = 'dbos'::regnamespace
            UNION ALL SELECT 'function ' || proname || ' ' || md5(prosrc) FROM pg_proc WHERE pronamespace = 'dbos'::regnamespace
            UNION ALL SELECT 'trigger ' || tgname || ' ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'dbos ' || version FROM dbos.dbos_migrations
            UNION ALL SELECT 'fluent ' || max(version) FROM dbos.fluent_migrations
            ORDER BY 1
            """;
        await using var open = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection) { Pooling = false }.ConnectionString);
        await open.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand(sql, open);
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var lines = new List<string>();
        while (await reader.ReadAsync(Cancel))
        {
            lines.Add(reader.GetString(0));
        }

        return lines;
    }
}
