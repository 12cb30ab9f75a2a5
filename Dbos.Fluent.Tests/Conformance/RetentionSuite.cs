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
        var engine = await LaunchAsync(
            options => options.Retention = new() { OlderThan = TimeSpan.Zero, KeepNewest = 1_000, Name = "square" }, Square, Other);
        await engine.RunAsync(Other, default, "other");

        for (var n = 0; n < 20; n++)
        {
            Assert.Equal(n * n, await (await engine.StartAsync(Square, n, cancellationToken: Cancel)).ResultAsync());
        }

        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM workflow_status") == 1, Bounded.Limit, "only the other is left");
        Assert.Equal(WorkflowState.Success, await engine.StateOfAsync("other"));
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
}
