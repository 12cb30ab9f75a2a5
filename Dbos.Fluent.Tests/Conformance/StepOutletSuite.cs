namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What a step still does to the outside once it may no longer: refused, and stored nowhere.</summary>
public abstract class StepOutletSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Probe gate = new();
    private StepContext? context;

    [Fact]
    public async Task After_the_workflow_has_ended_nothing_is_written_any_more()
    {
        var workflow = Flows.Series("leaking", () => [Step.Run("leak", s => { context = s; return Task.CompletedTask; })]);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "W");

        await EverythingIsRefusedAsync();
    }

    [Fact]
    public async Task After_the_engine_has_stopped_nothing_is_written_any_more()
    {
        var (engine, _) = await BeginAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        await EverythingIsRefusedAsync();
    }

    [Fact]
    public async Task After_another_engine_took_the_workflow_nothing_is_written_any_more_and_the_token_fires()
    {
        var (engine, _) = await BeginAsync();
        var lost = context!;
        await Database.ExecuteAsync("UPDATE workflow_status SET owner_xid = 'another'");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lost.Client.SetEventAsync("k", 1, Cancel).Within(Bounded.Limit));

        await Eventually.TrueAsync(() => lost.CancellationToken.IsCancellationRequested, Bounded.Limit);
        await EverythingIsRefusedAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel);
    }

    [Fact]
    public async Task After_the_workflow_was_cancelled_nothing_is_written_any_more()
    {
        var (engine, handle) = await BeginAsync();
        await engine.CancelAsync("W", cancellationToken: Cancel);

        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        await EverythingIsRefusedAsync();
    }

    [Fact]
    public async Task A_token_gives_up_the_waiting_for_a_write()
    {
        var (engine, handle) = await BeginAsync();
        using var given = new CancellationTokenSource();
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => context!.Client.SetEventAsync("k", 1, given.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => context!.Client.WriteStreamAsync("s", 1, given.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => context!.Client.SendAsync("W", 1, cancellationToken: given.Token));
        gate.Open();

        await handle.ResultAsync();
        Assert.Equal(WorkflowState.Success, await engine.StateOfAsync("W"));
    }

    private async Task<(WorkflowEngine Engine, WorkflowHandle<Unit> Handle)> BeginAsync()
    {
        // It ignores its token, as code that cannot be stopped does.
        var workflow = Flows.Series("stubborn", () => [Step.Run("wait", s => { context = s; return gate.PassAsync(Cancel); })]);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        return (engine, handle);
    }

    private async Task EverythingIsRefusedAsync()
    {
        var client = context!.Client;
        foreach (var use in new Func<Task>[]
        {
            () => client.SendAsync("W", 1),
            () => client.SetEventAsync("k", 1),
            () => client.WriteStreamAsync("s", 1),
            () => client.CloseStreamAsync("s"),
        })
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => use().Within(Bounded.Limit));
        }

        gate.Open();
        Assert.Equal(
            0,
            await Database.CountAsync(
                """
                SELECT (SELECT count(*) FROM notifications) + (SELECT count(*) FROM workflow_events)
                     + (SELECT count(*) FROM workflow_events_history) + (SELECT count(*) FROM streams)
                """));
    }
}
