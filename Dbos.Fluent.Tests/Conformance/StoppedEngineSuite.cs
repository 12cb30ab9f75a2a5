namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What is asked of an engine that has stopped, or is about to: an answer, or the exception that says so.</summary>
public abstract class StoppedEngineSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<Unit, Unit> Nothing =
        Workflow.Define<Unit>("nothing").Step("S", _ => Task.CompletedTask).End();

    [Fact]
    public async Task A_stopped_engine_says_so()
    {
        var engine = await LaunchAsync(Nothing);
        var handle = await engine.BeginAsync(Nothing, default, "A");
        await handle.ResultAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        foreach (var use in new Func<Task>[]
        {
            () => engine.BeginAsync(Nothing, default, "B"),
            () => handle.ResultAsync(),
            () => handle.GetStatusAsync(Cancel),
            () => engine.GetStatusAsync("A", Cancel),
            () => engine.GetHistoryAsync("A", Cancel),
            () => engine.CancelAsync("A", cancellationToken: Cancel),
        })
        {
            Assert.Equal("DBOS1004", (await Assert.ThrowsAsync<EngineNotRunningException>(use)).Code);
        }

        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Fact]
    public async Task Calls_that_a_stop_meets_half_way_are_answered_or_say_so()
    {
        var engine = await LaunchAsync(Nothing);
        await engine.RunAsync(Nothing, default, "A");
        var handle = engine.Retrieve<Unit>("A");
        Func<Task>[] calls =
        [
            () => engine.GetStatusAsync("A", Cancel),
            () => engine.GetHistoryAsync("A", Cancel),
            () => engine.CancelAsync("A", cancellationToken: Cancel),
            () => handle.GetStatusAsync(Cancel),
            () => handle.GetResultAsync(Cancel),
            () => engine.StartAsync(Nothing, default, cancellationToken: Cancel),
            () => engine.SendAsync("A", 1, "t", cancellationToken: Cancel),
        ];
        var callers = calls.Select(call => Task.Run(() => RepeatAsync(call))).ToArray();

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        await Task.WhenAll(callers).Within(Bounded.Limit);

        static async Task RepeatAsync(Func<Task> call)
        {
            try
            {
                while (true)
                {
                    await call();
                }
            }
            catch (EngineNotRunningException)
            {
                // The only exception that a stop may cause.
            }
        }
    }
}
