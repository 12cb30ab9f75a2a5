using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>A clock given to the engine moves the time of workflows, and nothing that keeps engines alive.</summary>
public abstract class VirtualTimeSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    private readonly ManualTimeProvider time = new();
    private readonly Probe gate = new();

    [Fact]
    public async Task Rows_and_checkpoints_carry_virtual_time()
    {
        var start = time.GetUtcNow();
        var workflow = Workflow.Define<Unit, DateTimeOffset>("clock", Body);
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        time.Advance(Year);
        gate.Open();

        Assert.Equal(start + Year, await handle.ResultAsync());
        var status = (await engine.GetStatusAsync("A", Cancel))!;
        Assert.Equal((start, start + Year), (status.CreatedAt, status.CompletedAt));
        var checkpoint = Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints);
        Assert.Equal((start, start + Year), (checkpoint.StartedAt, checkpoint.CompletedAt));

        async IAsyncEnumerable<StepOr<DateTimeOffset>> Body(Unit input, WorkflowContext workflow)
        {
            Assert.Equal(start, workflow.UtcNow);
            yield return Step.Run("gate", s => gate.PassAsync(s));
            yield return workflow.UtcNow;
        }
    }

    [Fact]
    public async Task A_lease_runs_on_the_real_clock()
    {
        time.Advance(Year * 100);
        var before = TimeProvider.System.GetUtcNow();
        await LaunchVirtualAsync(Gated());

        var end = DateTimeOffset.FromUnixTimeMilliseconds(await LeaseEndAsync());

        Assert.InRange(end, before, before + TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task No_lease_ends_because_virtual_time_jumps()
    {
        var workflow = Gated();
        var engine = await LaunchVirtualAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        time.Advance(Year);
        var other = await LaunchAsync(
            options =>
            {
                options.ExecutorId = "executor-2";
                options.TimeProvider = time;
            },
            workflow);

        // Both engines have swept at least once when a deadline that passes now is noticed.
        var late = await other.BeginAsync(workflow, default, "late", TimeSpan.FromDays(1));
        time.Advance(Year);
        Assert.Equal(CancellationReason.DeadlineExceeded, await late.CancellationAsync());
        Assert.Equal(
            [["executor-1", "1"]],
            await Database.QueryAsync("SELECT executor_id, recovery_attempts FROM workflow_status WHERE workflow_uuid = 'A'"));
        gate.Open();
        await handle.ResultAsync();
    }

    [Fact]
    public async Task A_clock_that_stands_still_stops_no_workflow_without_a_wait()
    {
        var child = Workflow.Define<int, int>("child", Child);
        var parent = Workflow.Define<int, int>("parent", Parent);
        var engine = await LaunchVirtualAsync(parent, child);

        Assert.Equal(6, await engine.RunAsync(parent, 3, "P"));

        async IAsyncEnumerable<StepOr<int>> Parent(int input, WorkflowContext workflow)
        {
            yield return Step.All(Enumerable.Range(1, input).Select(i => Step.Call(child, i))).As(out var numbers);
            yield return Step.Sleep(TimeSpan.Zero);
            yield return numbers.Result.Sum();
        }

        static async IAsyncEnumerable<StepOr<int>> Child(int input, WorkflowContext workflow)
        {
            yield return Step.Run("flaky", s => s.Attempt == 1 ? throw new IOException("again") : Task.FromResult(input))
                .Retry(delay: TimeSpan.Zero).As(out var flaky);
            yield return flaky.Result;
        }
    }

    [Fact]
    public async Task Two_engines_of_one_clock_agree_when_a_sleep_ends()
    {
        var workflow = Workflow.Define<Unit, DateTimeOffset>("sleeper", Body);
        var engine = await LaunchVirtualAsync(workflow);
        var start = time.GetUtcNow();
        await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 1, Bounded.Limit, "the sleep is stored");
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        time.Advance(Year - TimeSpan.FromMilliseconds(1));

        var other = await LaunchAsync(
            options =>
            {
                options.ExecutorId = "executor-2";
                options.TimeProvider = time;
            },
            workflow);
        await Eventually.TrueAsync(
            async () => (await other.GetStatusAsync("A", Cancel))!.RecoveryAttempts >= 1, Bounded.Limit, "it is taken up");
        Assert.Null((await other.GetStatusAsync("A", Cancel))!.CompletedAt);
        time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(start + Year, await other.ResultAsync<DateTimeOffset>("A"));

        async IAsyncEnumerable<StepOr<DateTimeOffset>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Sleep(Year);
            yield return workflow.UtcNow;
        }
    }

    private Task<WorkflowEngine> LaunchVirtualAsync(params WorkflowDefinition[] workflows) =>
        LaunchAsync(options => options.TimeProvider = time, workflows);

    private async Task<long> LeaseEndAsync()
    {
        var column = Database is PostgresTestDatabase ? "expires_at_ms" : "lease_expires_at";
        return long.Parse((await Database.ScalarAsync($"SELECT {column} FROM fluent_executors"))!, CultureInfo.InvariantCulture);
    }

    private WorkflowDefinition<Unit, Unit> Gated()
    {
        return Workflow.Define<Unit>("gated", Body);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("gate", s => gate.PassAsync(s));
        }
    }
}
