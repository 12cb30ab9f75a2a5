using System.Diagnostics;
using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Durable sleeps. Scenarios SL.</summary>
public abstract class SleepSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int Sleepers = 1000;

    // Far above what a process needs, far below a thread for each sleeper.
    private const int ThreadsMax = 200;

    private readonly ManualTimeProvider time = new();

    [Fact]
    public async Task Nothing_and_parts_of_a_millisecond_are_slept_on_the_real_clock()
    {
        var workflow = Sleeping(TimeSpan.Zero, TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(1.5));
        var engine = await LaunchAsync(workflow);

        await engine.RunAsync(workflow, default, "A");

        var rows = await Database.QueryAsync(
            "SELECT function_name, serialization, output, started_at_epoch_ms, completed_at_epoch_ms "
            + "FROM operation_outputs ORDER BY function_id");
        Assert.Equal(3, rows.Count);
        Assert.All(rows, row => Assert.Equal(("DBOS.sleep", "portable_json", row[4]), (row[0], row[1], row[2])));
        var lengths = rows.Select(row => Number(row[4]) - Number(row[3])).ToArray();
        Assert.Equal(0, lengths[0]);
        Assert.InRange(lengths[1], 0, 1);
        Assert.InRange(lengths[2], 1, 2);
    }

    [Fact]
    public async Task A_sleep_ends_at_its_moment_and_not_before()
    {
        var duration = TimeSpan.FromDays(26);
        var workflow = Sleeping(duration);
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        var due = await WakeAtAsync();

        time.Advance(duration - TimeSpan.FromMilliseconds(1));
        Assert.False((await engine.GetStatusAsync("A", Cancel))!.CompletedAt.HasValue);
        time.Advance(TimeSpan.FromMilliseconds(1));

        await handle.ResultAsync();
        Assert.Equal(time.NowMs, due);
    }

    [Fact]
    public async Task A_sleep_of_a_hundred_years_neither_overflows_nor_outlives_a_cancel()
    {
        var start = time.NowMs;
        var workflow = Sleeping(TimeSpan.FromDays(36525));
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");

        Assert.Equal(start + (36525 * 86_400_000L), await WakeAtAsync());
        time.Advance(TimeSpan.FromDays(36524));
        Assert.False((await engine.GetStatusAsync("A", Cancel))!.CompletedAt.HasValue);

        await engine.CancelAsync("A", cancellationToken: Cancel);
        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
    }

    // The timers of the runtime take no more than 49.7 days; a manual clock would not tell.
    [Theory]
    [InlineData(26)]
    [InlineData(60)]
    [InlineData(36525)]
    public async Task Long_waits_that_stay_in_memory_are_waited_on_the_real_clock(int days)
    {
        var wait = TimeSpan.FromDays(days);
        var sleeping = Sleeping(wait);
        var receiving = Workflow.Define<Unit, string?>("receiving").Receive<string>(topic: "t", timeout: wait).As(out var text)
            .Return(x => x.Get(text).Value);
        var engine = await LaunchAsync(options => options.UnloadAfter = Timeout.InfiniteTimeSpan, sleeping, receiving);
        var asleep = await engine.BeginAsync(sleeping, default, "A");
        var receiver = await engine.BeginAsync(receiving, default, "R");
        var value = engine.GetEventAsync<int>("A", "never", wait, Cancel);
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM operation_outputs") >= 2, Bounded.Limit, "both waits are stored");

        await engine.SendAsync("R", "here", "t", cancellationToken: Cancel);
        Assert.Equal("here", await receiver.ResultAsync());
        Assert.False(value.IsCompleted);
        Assert.Equal(WorkflowState.Pending, await engine.StateOfAsync("A"));
        await engine.CancelAsync("A", cancellationToken: Cancel);
        Assert.Equal(CancellationReason.Cancelled, await asleep.CancellationAsync());
    }

    [Fact]
    public async Task A_sleep_beyond_the_last_moment_ends_with_it()
    {
        var workflow = Sleeping(TimeSpan.MaxValue - TimeSpan.FromTicks(1));
        var engine = await LaunchVirtualAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");

        Assert.Equal(DateTimeOffset.MaxValue.ToUnixTimeMilliseconds(), await WakeAtAsync());
    }

    [Fact]
    public void A_sleep_that_is_negative_or_endless_is_refused_where_it_is_made()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.Sleep(TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.Sleep(Timeout.InfiniteTimeSpan));
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.Sleep(TimeSpan.MinValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => Step.Sleep(TimeSpan.MaxValue));
    }

    [Fact]
    public async Task A_refused_sleep_in_a_body_fails_the_workflow_and_leaves_no_checkpoint()
    {
        var workflow = Workflow.Define<TimeSpan>("refused", Body);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, TimeSpan.FromSeconds(-1), "A")).FailureAsync();

        Assert.True(failure.Is<ArgumentOutOfRangeException>());
        Assert.Equal(0, await CheckpointCountAsync("A"));

        static async IAsyncEnumerable<Step> Body(TimeSpan input, WorkflowContext workflow)
        {
            yield return Step.Sleep(input);
        }
    }

    [Fact]
    public async Task A_sleep_until_a_moment_that_has_passed_ends_at_once()
    {
        var workflow = SleepingUntil();
        var engine = await LaunchVirtualAsync(workflow);

        await engine.RunAsync(workflow, time.GetUtcNow() - TimeSpan.FromDays(1000), "A");
        await engine.RunAsync(workflow, DateTimeOffset.MinValue, "B");

        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'"));
    }

    [Fact]
    public async Task A_sleep_until_a_moment_ends_then_rounded_up_to_a_millisecond()
    {
        var workflow = SleepingUntil();
        var engine = await LaunchVirtualAsync(workflow);
        var until = time.GetUtcNow() + TimeSpan.FromHours(3) + TimeSpan.FromTicks(1);
        var handle = await engine.BeginAsync(workflow, until, "A");

        Assert.Equal(until.ToUnixTimeMilliseconds() + 1, await WakeAtAsync());
        time.Advance(TimeSpan.FromHours(3) + TimeSpan.FromMilliseconds(1));

        await handle.ResultAsync();
    }

    [Fact]
    public async Task The_wake_up_moment_survives_a_relaunch()
    {
        var workflow = Sleeping(TimeSpan.FromHours(1));
        var engine = await LaunchVirtualAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        var due = await WakeAtAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        time.Advance(TimeSpan.FromMinutes(59));
        engine = await LaunchVirtualAsync(workflow);
        var handle = engine.Retrieve<DateTimeOffset>("A");
        Assert.False((await engine.GetStatusAsync("A", Cancel))!.CompletedAt.HasValue);
        time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(due, (await handle.ResultAsync()).ToUnixTimeMilliseconds());
        Assert.Equal((1, due), (await CheckpointCountAsync("A"), await WakeAtAsync()));
    }

    [Fact]
    public async Task A_sleep_that_ended_while_nobody_ran_it_goes_on_at_once()
    {
        var workflow = Sleeping(TimeSpan.FromHours(1));
        var engine = await LaunchVirtualAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await WakeAtAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        time.Advance(TimeSpan.FromDays(1));
        engine = await LaunchVirtualAsync(workflow);

        await engine.Retrieve<DateTimeOffset>("A").ResultAsync();
    }

    [Fact]
    public async Task A_thousand_sleepers_need_no_thread_each()
    {
        var workflow = Sleeping(TimeSpan.FromHours(1));
        var engine = await LaunchVirtualAsync(workflow);
        var handles = await Task.WhenAll(Enumerable.Range(0, Sleepers).Select(i => engine.BeginAsync(workflow, default, $"sleeper {i}")));
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM operation_outputs") == Sleepers, Bounded.Limit, "all sleep");

        using (var self = Process.GetCurrentProcess())
        {
            Assert.InRange(self.Threads.Count, 1, ThreadsMax);
        }

        Assert.NotNull(await engine.GetStatusAsync("sleeper 7", Cancel).Within(Bounded.Limit));
        time.Advance(TimeSpan.FromHours(1));
        await Task.WhenAll(handles.Select(handle => handle.ResultAsync()));
    }

    private Task<WorkflowEngine> LaunchVirtualAsync(WorkflowDefinition workflow) =>
        LaunchAsync(options => options.TimeProvider = time, workflow);

    // The moment at which the only sleeper of the database wakes up, as soon as it is stored.
    private async Task<long> WakeAtAsync()
    {
        string? output = null;
        await Eventually.TrueAsync(
            async () => (output = await Database.ScalarAsync("SELECT output FROM operation_outputs")) is not null,
            Bounded.Limit,
            "a sleep is stored");
        return Number(output);
    }

    private static long Number(string? text) => long.Parse(text!, CultureInfo.InvariantCulture);

    // Its row says when it would have ended. By the clock of a later replay it has.
    [Fact]
    public async Task A_sleep_beside_a_member_that_failed_has_not_ended_on_a_replay_either()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit, string>("failing", Body);
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "it sleeps");
        gate.Open();
        var first = await handle.ResultAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        time.Advance(TimeSpan.FromHours(2));
        engine = await LaunchAsync(options => options.TimeProvider = time, workflow);

        Assert.StartsWith("False ", first);
        Assert.Equal(first, await engine.ResultAsync<string>("A"));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var sleep = Step.Sleep(TimeSpan.FromHours(1));
            var failing = Step.Run("fail", async _ =>
            {
                await gate.PassAsync();
                throw new InvalidOperationException("This step fails.");
            });
            yield return Step.All([sleep, failing]).Try(out _);
            yield return $"{sleep.Succeeded} {workflow.UtcNow:O}";
        }
    }

    private static WorkflowDefinition<Unit, DateTimeOffset> Sleeping(params TimeSpan[] durations)
    {
        return Workflow.Define<Unit, DateTimeOffset>("sleeping", Body);

        async IAsyncEnumerable<StepOr<DateTimeOffset>> Body(Unit input, WorkflowContext workflow)
        {
            foreach (var duration in durations)
            {
                yield return Step.Sleep(duration);
            }

            yield return workflow.UtcNow;
        }
    }

    private static WorkflowDefinition<DateTimeOffset, Unit> SleepingUntil()
    {
        return Workflow.Define<DateTimeOffset>("sleeping until", Body);

        static async IAsyncEnumerable<Step> Body(DateTimeOffset until, WorkflowContext workflow)
        {
            yield return Step.SleepUntil(until);
        }
    }
}
