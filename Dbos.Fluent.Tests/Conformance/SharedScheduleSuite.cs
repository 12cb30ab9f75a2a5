using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// A schedule that two engines follow, of which one stops, or which do not hear what has come of their moments. Scenarios SC.
/// </summary>
public abstract class SharedScheduleSuite(IDatabaseFixture fixture) : VirtualScheduleSuite(fixture)
{
    private const int TickFailed = 1405;
    private const string Other = "executor-2";

    private readonly Probe gate = new();

    [Fact]
    public async Task Each_moment_starts_and_runs_once_although_every_second_answer_about_it_is_lost()
    {
        const int ticks = 5;
        var workflow = Noted();
        Firing[] firings = [new(loses: true), new(loses: true)];
        await FollowAsync(Executor, workflow, firings[0], Overlap.Allow);
        await FollowAsync(Other, workflow, firings[1], Overlap.Allow);

        for (var minute = 1; minute <= ticks; minute++)
        {
            Time.Advance(TimeSpan.FromMinutes(1));
            await ArrivesForAsync(minute);
        }

        await ToldAsync(firings, ticks);
        await EachRanOnceAsync(ticks);
        Assert.DoesNotContain(Log.Entries, entry => entry.Id == TickFailed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_moment_that_waits_for_a_run_starts_once_in_the_engine_to_which_the_run_has_gone(bool thereBefore)
    {
        var workflow = Gated();
        Firing[] firings = [new(loses: false), new(loses: false)];
        var stopped = await FollowAsync(Executor, workflow, firings[0], Overlap.QueueOne);
        Time.Advance(TimeSpan.FromMinutes(1));
        await ArrivesForAsync(1);
        if (thereBefore)
        {
            await FollowAsync(Other, workflow, firings[1], Overlap.QueueOne);
        }

        Time.Advance(TimeSpan.FromMinutes(1));
        await FiredAsync(2);
        Assert.Equal($"{Start.AddMinutes(2).ToUnixTimeMilliseconds()}", await WaitingAsync());
        await stopped.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        if (!thereBefore)
        {
            await FollowAsync(Other, workflow, firings[1], Overlap.QueueOne);
        }

        // The run begins anew there, and the moment goes on waiting: that its engine has stopped does not end a run.
        await ArrivesForAsync(1);
        var told = firings[1].Told;
        await ToldAsync([firings[1]], told + 1);
        Assert.Equal(1, await Database.WorkflowsAsync());
        gate.Open();
        await ArrivesForAsync(2);
        Time.Advance(TimeSpan.FromMinutes(1));
        await ArrivesForAsync(3);

        await EachRanOnceAsync(3);
        Assert.Equal(3, await Database.WorkflowsAsync($"executor_id = '{Other}'"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_moment_for_which_two_engines_wait_starts_once(bool answersAreLost)
    {
        var workflow = Gated();
        Firing[] firings = [new(answersAreLost), new(answersAreLost)];
        await FollowAsync(Executor, workflow, firings[0], Overlap.QueueOne);
        await FollowAsync(Other, workflow, firings[1], Overlap.QueueOne);
        Time.Advance(TimeSpan.FromMinutes(1));
        await ArrivesForAsync(1);
        await ToldAsync(firings, 1);

        // Of the first moment once, of the second, and of the second again, as it waits.
        Time.Advance(TimeSpan.FromMinutes(1));
        await ToldAsync(firings, 3);
        Assert.Equal(
            (1, $"{Start.AddMinutes(2).ToUnixTimeMilliseconds()}"), (await Database.WorkflowsAsync(), await WaitingAsync()));
        gate.Open();
        await ArrivesForAsync(2);
        Time.Advance(TimeSpan.FromMinutes(1));
        await ArrivesForAsync(3);

        await EachRanOnceAsync(3);
        Assert.DoesNotContain(Log.Entries, entry => entry.Id == TickFailed);
    }

    private Task<WorkflowEngine> FollowAsync(
        string executor, WorkflowDefinition<ScheduledRun, Unit> workflow, Firing firing, Overlap overlap) =>
        LaunchVirtualAsync(options =>
        {
            options.ExecutorId = executor;
            options.WrapStore = store => new FaultingStore(store, firing);
            options.Schedule("tick", EachMinute, workflow, options: new() { Overlap = overlap });
        });

    private WorkflowDefinition<ScheduledRun, Unit> Gated() => Workflow.Define<ScheduledRun>("gated").Step("gate", async x =>
    {
        Arrivals.Writer.TryWrite(x.Input);
        await gate.PassAsync(x.CancellationToken);
    }).End();

    private async Task ArrivesForAsync(int minute) => Assert.Equal(Start.AddMinutes(minute), (await ArrivesAsync()).ScheduledAt);

    /// <summary>Waits until each engine has asked so often what comes of a moment, and has been told.</summary>
    private static Task ToldAsync(Firing[] firings, int times) => Eventually.TrueAsync(
        () => firings.All(firing => firing.Told >= times), Bounded.Limit, $"every engine has been told {times} times");

    private Task<string?> WaitingAsync() => Database.ScalarAsync("SELECT waiting_tick_ms FROM fluent_schedules");

    private async Task EachRanOnceAsync(int ticks)
    {
        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, "everything ends");
        await Eventually.TrueAsync(async () => await WaitingAsync() is null, Bounded.Limit, "nothing waits any more");
        Assert.Equal((ticks, ticks), (await Database.SucceededAsync(), await Database.WorkflowsAsync()));
        Assert.Equal(
            Enumerable.Range(1, ticks).Select(minute => $"sched-tick-2026-01-01T00:0{minute}:00.000Z"),
            (await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status ORDER BY workflow_uuid")).Select(row => row[0]));
        Assert.False(Arrivals.Reader.TryPeek(out _));
    }

    /// <summary>Counts what an engine is told about its moments; where answers are lost, it is told only when it asks again.</summary>
    private sealed class Firing(bool loses) : IStoreFaults
    {
        private int fired;

        public int Told => Volatile.Read(ref fired) / (loses ? 2 : 1);

        public Task BeforeAsync(StoreCall call, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task AfterAsync(StoreCall call, CancellationToken cancellationToken) =>
            call.Kind == StoreCallKind.Fire && Interlocked.Increment(ref fired) % 2 == 1 && loses
                ? throw CallFaults.Unavailable("The answer was lost.")
                : Task.CompletedTask;
    }
}
