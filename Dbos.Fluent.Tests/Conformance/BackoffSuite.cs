namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows whose steps wait to be tried again: they stay in memory, and take up no room that others need.</summary>
public abstract class BackoffSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // As many as may be busy in one process.
    private const int WaitingCount = 1000;

    [Fact]
    public async Task A_thousand_that_wait_for_their_next_attempt_hold_up_no_queue()
    {
        var failing = Workflow.Define<int, int>("failing")
            .Step("call", _ => Task.FromException<int>(new TimeoutException("down"))).Retry(attempts: 3, delay: TimeSpan.FromDays(1))
            .Return(x => x.Input);
        var sound = Workflow.Define<int, int>("sound").Step("work", x => Task.FromResult(x.Input)).Return(x => x.Input + 1);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("work")), failing, sound);
        await engine.StartManyAsync(failing, Enumerable.Range(0, WaitingCount).Select(n => (n, (StartOptions?)null)), Cancel)
            .Within(Bounded.Limit);
        await Eventually.TrueAsync(
            () => Log.Entries.Count(entry => entry.Text.Contains("call", StringComparison.Ordinal)) >= WaitingCount,
            Bounded.Limit,
            "all wait for their second attempt");

        var handle = await engine.StartAsync(sound, 1, new() { Queue = "work" }, Cancel);

        Assert.Equal(2, await handle.ResultAsync());
    }
}
