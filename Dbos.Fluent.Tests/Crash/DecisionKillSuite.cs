using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// A worker is killed with SIGKILL in the midst of undoing, of branches, of a race, of taking a message, and while it is parked: what was
/// decided stands, and nothing that was done is done again.
/// </summary>
public abstract class DecisionKillSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    [Theory]
    [InlineData("before checkpoint Dbos.Fluent.compensating", 2, 0)]
    [InlineData("after checkpoint Dbos.Fluent.compensating", 3, 0)]
    [InlineData("after effect undo two", 3, 1)]
    [InlineData("after checkpoint two.compensate", 4, 0)]
    [InlineData("inside undo one", 4, 0)]
    [InlineData("before outcome w1", 5, 0)]
    public async Task Undoing_that_is_killed_goes_on_with_the_next_undo(string point, int checkpointsThen, int twice)
    {
        await KillAtAsync(StartRun(Workflows.Saga, 0, [point]), point);
        Assert.Equal(checkpointsThen, (await CheckpointsAsync("w1")).Length);

        var engine = await LaunchSuccessorAsync();
        var awaited = await Assert.ThrowsAsync<WorkflowFailedException>(
            () => engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(AtOnce));

        Assert.Equal("Nothing came of it.", awaited.Failure.Message);
        Assert.Equal(
            ["one", "two", "Dbos.Fluent.compensating", "two.compensate", "one.compensate"], await CheckpointsAsync("w1"));
        Assert.Equal((1, 1, 1 + twice, 1), (Count("one"), Count("two"), Count("undo two"), Count("undo one")));
    }

    [Fact]
    public async Task Branches_that_are_killed_go_on_each_from_its_last_checkpoint()
    {
        var worker = StartRun(Workflows.Branches, 0, ["inside left 1", "after effect right 0"]);
        foreach (var point in (string[])["after checkpoint left 0", "inside left 1", "after effect right 0"])
        {
            await worker.ReachedAsync(point);
        }

        await worker.KillAsync();
        await ResultAsync();

        await SucceededAsync("w1", attempts: 2);
        Assert.Equal(["left 0", "right 0", "left 1", "right 1", "after"], await CheckpointsAsync("w1"));
        Assert.Equal((1, 1, 2, 1), (Count("left 0"), Count("left 1"), Count("right 0"), Count("right 1")));
    }

    [Theory]
    [InlineData("inside tell", 2)]
    [InlineData("after checkpoint tell", 1)]
    public async Task A_reader_goes_on_with_the_next_writer_when_the_first_is_killed(string point, int told)
    {
        var engine = await LaunchSuccessorAsync(options => options.Lease = TimeSpan.FromSeconds(6));
        var worker = StartRun(Workflows.Streaming, 0, [point], ("lease", "60000"));
        await worker.ReachedAsync(point);
        var reader = engine.ReadAllAsync<string>("w1", "s");
        await Eventually.TrueAsync(() => engine.Core.Wakeups.Streams.Count == 1, Bounded.Limit, "the reader waits");
        await worker.KillAsync();

        Assert.Equal(["one", "two", .. Enumerable.Repeat("told", told), "three"], await reader);

        await engine.ResultAsync<string>("w1");
        await SucceededAsync("w1", attempts: 2);
    }

    [Theory]
    [InlineData("before checkpoint winner", 2)]
    [InlineData("after checkpoint winner", 1)]
    [InlineData("after checkpoint Dbos.Fluent.any", 1)]
    [InlineData("inside after", 1)]
    public async Task A_race_that_is_killed_keeps_the_winner_it_has_stored(string point, int times)
    {
        await KillAtAsync(StartRun(Workflows.Race, 0, [point]), point);

        Assert.Equal("the winner", await ResultAsync());

        Assert.Equal((times, 1), (Count("winner"), Count("after")));
        Assert.Equal(["winner", "Dbos.Fluent.any", "after"], await CheckpointsAsync("w1"));
    }

    [Theory]
    [InlineData("before checkpoint DBOS.recv")]
    [InlineData("after checkpoint DBOS.recv")]
    public async Task A_message_is_taken_once_although_whoever_took_it_is_killed(string point)
    {
        var engine = await LaunchSuccessorAsync(options => options.Lease = TimeSpan.FromSeconds(6));
        var worker = StartRun(Workflows.Receiving, 0, ["inside one", point], ("lease", "60000"));
        await worker.ReachedAsync("inside one");
        await engine.SendAsync("w1", "first", "t", cancellationToken: Cancel).Within(Bounded.Limit);
        await engine.SendAsync("w1", "second", "t", cancellationToken: Cancel).Within(Bounded.Limit);
        await worker.GoOnAsync("inside one");
        await KillAtAsync(worker, point);

        Assert.Equal("first second", await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(AtOnce));

        Assert.Equal((1, 1), (Count("one"), Count("two")));
        Assert.Equal(2, (await engine.GetMessagesAsync("w1", Cancel)).Count(message => message.Consumed));
    }

    [Fact]
    public async Task A_parked_workflow_outlives_the_process_that_parked_it_and_takes_its_messages_elsewhere()
    {
        await KillAtAsync(StartRun(Workflows.Receiving, 0, ["after park w1"], ("unload", "0")), "after park w1");
        var engine = await LaunchSuccessorAsync(options => options.UnloadAfter = TimeSpan.Zero);
        Assert.Equal(WorkflowState.Delayed, (await engine.GetStatusAsync("w1", Cancel))!.State);

        await engine.SendAsync("w1", "first", "t", cancellationToken: Cancel).Within(Bounded.Limit);
        await engine.SendAsync("w1", "second", "t", cancellationToken: Cancel).Within(Bounded.Limit);

        Assert.Equal("first second", await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(AtOnce));
        Assert.Equal((1, 1), (Count("one"), Count("two")));
        Assert.Equal("1", await Database.ScalarAsync("SELECT recovery_attempts FROM workflow_status"));
    }

    [Theory]
    [InlineData("before park w1")]
    [InlineData("after park w1")]
    public async Task A_workflow_that_is_killed_as_it_parks_for_a_time_wakes_at_it(string point)
    {
        await KillAtAsync(StartRun(Workflows.Sleeping, 1500, [point], ("unload", "0")), point);

        await ResultAsync();

        Assert.Equal((1, 1), (Count("one"), Count("two")));
    }

    private int Count(string step) => Ledger.Count("w1", step);

    private async Task<string> ResultAsync()
    {
        var engine = await LaunchSuccessorAsync();
        return await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(AtOnce);
    }
}
