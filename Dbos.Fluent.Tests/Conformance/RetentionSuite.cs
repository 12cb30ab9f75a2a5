using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Retention as users ask for it. Scenarios GC.</summary>
public abstract class RetentionSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<int, int> Square =
        Workflow.Define<int, int>("square").Step("work", x => Task.FromResult(x.Input * x.Input)).As(out var made).Return(x => x.Get(made));

    private static readonly WorkflowDefinition<Unit, Unit> Other =
        Workflow.Define<Unit>("other").Step("work", _ => Task.CompletedTask).End();

    [Fact]
    public async Task An_engine_deletes_by_its_policy_while_workflows_run()
    {
        var counts = new Counts();
        var counted = Workflow.Define<int>("counted").Step("count", x => Task.FromResult(counts.Add($"{x.Input}"))).End();
        var engine = await LaunchAsync(
            options => options.Retention = new() { OlderThan = TimeSpan.Zero, KeepNewest = 1_000, Name = "counted" }, counted, Other);
        await engine.RunAsync(Other, default, "other");

        for (var n = 0; n < 20; n++)
        {
            // Its result may be gone before anybody asks for it.
            await engine.StartAsync(counted, n, cancellationToken: Cancel);
            await Eventually.TrueAsync(() => counts[$"{n}"] == 1, Bounded.Limit);
        }

        // A pass that found nothing and took long, as on a busy machine, is followed by a rest of fifty times as long.
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM workflow_status") == 1,
            Bounded.Limit * 4,
            "only the other is left");
        Assert.Equal(WorkflowState.Success, await engine.StateOfAsync("other"));
    }

    // GC-02 and GC-04: each batch is for good, whatever ends the collection behind it, and who writes meanwhile notices nothing.
    [Fact]
    public async Task A_collection_that_is_cut_short_is_gone_on_with_while_workflows_run()
    {
        var (batches, failing) = (0, true);
        using var given = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var faults = new CallFaults
        {
            Before = (call, _) => (call.Kind == StoreCallKind.Collect ? Interlocked.Increment(ref batches) : 0) switch
            {
                2 => given.CancelAsync(),
                4 when Volatile.Read(ref failing) => Task.FromException(new InvalidOperationException("in the midst of it")),
                _ => Task.CompletedTask,
            },
        };
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), Square);
        await engine.RunAsync(Square, 1, "seed");
        await FillAsync(400);
        var old = new RetentionPolicy { OlderThan = TimeSpan.FromHours(1) };
        var stop = new TaskCompletionSource();
        var writing = Enumerable.Range(0, 4).Select(WriteAsync).ToArray();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.CollectGarbageAsync(old, given.Token));
        Assert.Equal(350, await OldAsync());
        var broken = await Assert.ThrowsAsync<InvalidOperationException>(() => engine.CollectGarbageAsync(old, Cancel));
        Assert.Equal("in the midst of it", broken.Message);
        Assert.Equal(300, await OldAsync());
        Volatile.Write(ref failing, false);
        Assert.Equal(300, (await engine.CollectGarbageAsync(old, Cancel)).Workflows);
        Assert.Equal(0, (await engine.CollectGarbageAsync(old, Cancel)).Workflows);

        stop.SetResult();
        var written = (await Task.WhenAll(writing).Within(Bounded.Limit)).Sum();
        Assert.InRange(written, 4, int.MaxValue);
        Assert.Equal(written + 1, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'"));
        foreach (var table in new[] { "workflow_status", "workflow_input", "workflow_output", "operation_outputs" })
        {
            Assert.Equal(written + 1, await Database.CountAsync($"SELECT count(*) FROM {table}"));
        }

        Task<long> OldAsync() => Database.CountAsync("SELECT count(*) FROM workflow_status WHERE completed_at = 1");

        async Task<int> WriteAsync(int writer)
        {
            for (var number = 0; ; number++)
            {
                Assert.Equal(number * number, await engine.RunAsync(Square, number, $"writer {writer}, {number}"));
                if (stop.Task.IsCompleted)
                {
                    return number + 1;
                }
            }
        }
    }

    // Its history is so long that deleting it alone takes longer than a statement may.
    [Fact]
    public async Task A_workflow_that_is_too_large_to_delete_is_named_and_does_not_keep_the_others()
    {
        const int TooLarge = 1803;
        var late = 0;
        var faults = new CallFaults
        {
            Before = (call, _) => call.Collected is { } batch && batch.After is null && !batch.Except.Contains("old-1")
                && Interlocked.Increment(ref late) > 0 ? throw CallFaults.TimedOut() : Task.CompletedTask,
        };
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), Square);
        await engine.RunAsync(Square, 1, "seed");
        await FillAsync(120);
        var old = new RetentionPolicy { OlderThan = TimeSpan.FromHours(1) };

        Assert.Equal(119, (await engine.CollectGarbageAsync(old, Cancel).Within(Bounded.Limit)).Workflows);
        Assert.Equal(0, (await engine.CollectGarbageAsync(old, Cancel).Within(Bounded.Limit)).Workflows);

        Assert.Equal(4, late);
        Assert.Equal([["old-1"], ["seed"]], await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status ORDER BY 1"));
        Assert.Single(Log.Entries, entry => entry.Id == TooLarge && entry.Text.Contains("Workflow old-1 was not deleted"));
    }

    [Fact]
    public async Task A_collection_counts_what_it_deletes_of_its_own_application()
    {
        var engine = await LaunchAsync(Square);
        foreach (var n in Enumerable.Range(0, 5))
        {
            await engine.RunAsync(Square, n, $"w{n}");
        }

        await Database.ExecuteAsync("UPDATE workflow_status SET application_name = 'elsewhere' WHERE workflow_uuid = 'w0'");
        await using var stranger = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                options.ApplicationName = "stranger";
            },
            Cancel);
        await using var nameless = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        var everything = new RetentionPolicy { OlderThan = TimeSpan.Zero };

        Assert.Equal(0, (await stranger.CollectGarbageAsync(everything, Cancel)).Workflows);
        Assert.Equal(2, (await engine.CollectGarbageAsync(new() { KeepNewest = 2 }, Cancel)).Workflows);
        Assert.Equal(2, (await engine.CollectGarbageAsync(everything, Cancel)).Workflows);
        Assert.Equal(1, (await nameless.CollectGarbageAsync(everything, Cancel)).Workflows);
        Assert.Equal(0, (await nameless.CollectGarbageAsync(everything, Cancel)).Workflows);
        Assert.Null(await engine.GetStatusAsync("w4", Cancel));
    }

    [Fact]
    public async Task A_policy_says_what_is_deleted()
    {
        var engine = await LaunchAsync(Square);

        await Assert.ThrowsAsync<ArgumentException>(() => engine.CollectGarbageAsync(new() { Name = "square" }, Cancel));
        Assert.Throws<ArgumentException>(() => new EngineOptions { Retention = new() });
        Assert.Throws<ArgumentException>(() => new RetentionPolicy { States = [WorkflowState.Success, WorkflowState.Pending] });
        Assert.Throws<ArgumentException>(() => new RetentionPolicy { States = [] });
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetentionPolicy { KeepNewest = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetentionPolicy { OlderThan = TimeSpan.FromSeconds(-1) });
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        await Assert.ThrowsAsync<EngineNotRunningException>(() => engine.CollectGarbageAsync(new() { KeepNewest = 1 }, Cancel));
        await Assert.ThrowsAsync<EngineNotRunningException>(() => engine.ForkAsync("w", 0, cancellationToken: Cancel));
        await Assert.ThrowsAsync<EngineNotRunningException>(
            async () => await engine.ListAsync(cancellationToken: Cancel).FirstAsync(Cancel));
    }

    // As many as asked for that ended long ago, each as the seed but for its age.
    private async Task FillAsync(int count)
    {
        var numbers = $"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})";
        await Database.ExecuteAsync(
            $"""
            {numbers}
            INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, application_name, application_version,
                   serialization, priority, recovery_attempts, created_at, updated_at, completed_at)
            SELECT 'old-' || n, status, name, executor_id, application_name, application_version,
                   serialization, priority, recovery_attempts, 1, 1, 1
              FROM workflow_status, numbers WHERE workflow_uuid = 'seed'
            """);
        foreach (var (table, columns) in new[]
        {
            ("workflow_input", "inputs"), ("workflow_output", "output"), ("operation_outputs", "function_id, function_name, output"),
        })
        {
            await Database.ExecuteAsync(
                $"""
                {numbers}
                INSERT INTO {table} (workflow_uuid, {columns})
                SELECT 'old-' || n, {columns} FROM {table}, numbers WHERE workflow_uuid = 'seed'
                """);
        }
    }
}
