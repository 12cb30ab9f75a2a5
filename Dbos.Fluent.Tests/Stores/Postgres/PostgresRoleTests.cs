using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Migrations that another role runs, by the printed script or by an engine. Scenario MG-05.</summary>
public sealed class PostgresRoleTests(SharedPostgres server)
{
    private static readonly WorkflowDefinition<int, int> Child = Workflow.Define<int, int>("child").Return(x => x.Input);
    private static readonly WorkflowDefinition<ScheduledRun, int> Nightly = Workflow.Define<ScheduledRun, int>("nightly").Return(_ => 1);
    private static readonly WorkflowDefinition<int, int> Loop = Workflow.Define<int, int>("loop", Rounds);
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
            DROP TABLE dbos.fluent_starts;
            ALTER TABLE dbos.workflow_status DROP COLUMN creator_xid;
            DROP INDEX dbos.idx_workflow_status_forked_from;
            CREATE INDEX idx_workflow_status_forked_from ON dbos.workflow_status (forked_from);
            UPDATE pg_index SET indisvalid = false
             WHERE indexrelid IN ('dbos.idx_workflow_status_pending'::regclass, 'dbos.idx_fluent_name'::regclass);
            """);
        await RunAsync(byScript, script);
        Assert.Equal(expected.Order(), (await DescribeAsync(byScript)).Order());
        await RunAsync(
            byScript,
            """
            UPDATE dbos.dbos_migrations SET version = 200; UPDATE dbos.fluent_migrations SET version = 100;
            DROP INDEX dbos.workflow_status_created_at_index; DROP INDEX dbos.idx_fluent_name;
            """);
        var later = await DescribeAsync(byScript);
        Assert.DoesNotContain(later, line => line.Contains("workflow_status_created_at_index") || line.Contains("idx_fluent_name"));
        await RunAsync(byScript, script);
        Assert.Equal(later, await DescribeAsync(byScript));
        Assert.Throws<ArgumentException>(() => WorkflowClient.MigrationScript(" "));
    }

    [Fact]
    public async Task An_engine_runs_everything_under_a_role_that_may_only_read_and_write()
    {
        var admin = await server.CreateDatabaseAsync(Cancel);
        await RunAsync(admin, WorkflowClient.MigrationScript("My \"odd\" schema"));
        var granted = await RestrictedRole.GrantAsync(admin, "My \"odd\" schema", Cancel);
        var restricted = new NpgsqlConnectionStringBuilder(granted) { Pooling = false }.ConnectionString;
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
        await ManageAsync(engine);
        await EnqueueAsync(engine, restricted);
    }

    private static async Task ManageAsync(WorkflowEngine engine)
    {
        var fork = await engine.ForkAsync("A", 1, cancellationToken: Cancel);
        await engine.SendAsync(fork, "fork", "t", cancellationToken: Cancel);
        Assert.StartsWith("5 ", await engine.Retrieve<string>(fork).GetResultAsync(Cancel).Within(Bounded.Limit));
        await engine.RewindAsync("A", 1, Cancel);
        await engine.SendAsync("A", "rewound", "t", cancellationToken: Cancel);
        Assert.StartsWith("5 ", await engine.Retrieve<string>("A").GetResultAsync(Cancel).Within(Bounded.Limit));
        await engine.SetAttributesAsync("A", new Dictionary<string, object?> { ["k"] = 1 }, Cancel);
        Assert.Equal(3, await (await engine.StartAsync(Loop, 0, new() { Id = "L" }, Cancel)).GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.NotEmpty(await engine.CountAsync(by: CountBy.Queue, cancellationToken: Cancel));
        Assert.Contains("A", await engine.ListAsync(new() { Name = "everything" }, Cancel).Select(row => row.Id).ToListAsync(Cancel));
        Assert.NotEmpty((await engine.GetHistoryAsync("A", Cancel)).ToString());
        await engine.DeleteAsync(fork, children: true, Cancel);
        Assert.True((await engine.CollectGarbageAsync(new() { OlderThan = TimeSpan.Zero }, Cancel)).Workflows > 0);
    }

    private static async Task EnqueueAsync(WorkflowEngine engine, string connection)
    {
        await engine.Queues.PauseAsync("q", Cancel);
        var waiting = await engine.StartManyAsync(
            Child, Enumerable.Range(0, 3).Select(i => (i, (StartOptions?)new() { Queue = "q" })), Cancel);
        Assert.True(await engine.SetPriorityAsync(waiting[2].Id, 1, Cancel));
        await engine.CancelAsync(waiting[2].Id, cancellationToken: Cancel);
        await engine.ResumeAsync(waiting[2].Id, "q", Cancel);
        var delayed = await engine.StartAsync(Child, 3, new() { Queue = "q", Delay = TimeSpan.FromDays(1) }, Cancel);
        Assert.True(await engine.SetDelayAsync(delayed.Id, TimeSpan.FromMilliseconds(1), Cancel));
        var debounced = await engine.Debounce(Child).CallAsync("key", TimeSpan.FromMilliseconds(1), 4, cancellationToken: Cancel);
        await using var open = new NpgsqlConnection(connection);
        await open.OpenAsync(Cancel);
        await using var transaction = await open.BeginTransactionAsync(Cancel);
        var boxed = await engine.StartInTransactionAsync(transaction, Child, 5, new() { Queue = "q" }, Cancel);
        await transaction.CommitAsync(Cancel);
        await engine.Queues.ResumeAsync("q", Cancel);
        var results = new List<int>();
        foreach (var handle in waiting.Append(delayed).Append(debounced).Append(boxed))
        {
            results.Add(await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        }

        Assert.Equal([0, 1, 2, 3, 4, 5], results);
        await engine.Schedules.PauseAsync("nightly", Cancel);
        await engine.Schedules.UpdateAsync("nightly", "0 4 * * *", cancellationToken: Cancel);
        await engine.Schedules.DeleteAsync("nightly", Cancel);
        Assert.Empty(await engine.Versions.AdoptAsync("v0", Cancel));
        await engine.Queues.DeleteAsync("q", Cancel);
    }

    private static async IAsyncEnumerable<StepOr<int>> Rounds(int input, WorkflowContext workflow)
    {
        yield return Step.Sleep(TimeSpan.FromMilliseconds(20));
        if (input < 3)
        {
            yield return Workflow.ContinueAsNew(input + 1);
        }

        yield return input;
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
                options.Add(All, Child, Nightly, Loop).Add(new WorkflowQueue("q") { Concurrency = 2 });
                (options.ApplicationName, options.ApplicationVersion, options.Migrate) = ("tests", "v1", migrate);
                options.UnloadAfter = TimeSpan.FromMilliseconds(5);
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
            UNION ALL SELECT 'invalid ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
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
