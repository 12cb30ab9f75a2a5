using System.Diagnostics;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// Processes that are alive but silent, or dead on another host: their work goes on elsewhere when their lease has ended, and not before.
/// </summary>
public abstract class FailoverSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private const string LeaseMs = "1500";
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(1.5);

    [Fact]
    public async Task A_paused_process_loses_its_workflow_when_its_lease_has_ended_and_can_write_nothing_afterwards()
    {
        var former = StartRun(Workflows.Steps, 0, ["inside two"], ("lease", LeaseMs));
        await former.ReachedAsync("inside two");
        await Database.PauseAsync(former);

        var engine = await LaunchSuccessorAsync(options => options.Lease = Lease);
        var result = await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(Bounded.Limit);
        var rows = await CheckpointRowsAsync();
        await former.ContinueAsync();
        await former.GoOnAsync("inside two");
        await former.ReachedAsync("after effect two");
        var seen = await former.ReachedAsync("done");

        Assert.Equal($"{former.Id},{Environment.ProcessId},{Environment.ProcessId}", result);
        Assert.Equal(result, seen);
        Assert.Equal(rows, await CheckpointRowsAsync());
        await SucceededAsync("w1", attempts: 2);
        Assert.Equal((1, 2, 1), (Ledger.Count("w1", "one"), Ledger.Count("w1", "two"), Ledger.Count("w1", "three")));
    }

    [Fact]
    public async Task A_paused_process_that_wakes_up_between_two_steps_begins_no_step_that_another_has_begun()
    {
        var former = StartRun(Workflows.Steps, 0, ["before step two"], ("lease", LeaseMs));
        await former.ReachedAsync("before step two");
        await Database.PauseAsync(former);

        var engine = await LaunchSuccessorAsync(options => options.Lease = Lease);
        await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(Bounded.Limit);
        await former.GoOnAsync("before step two");
        await former.ContinueAsync();
        await former.ReachedAsync("done");

        Assert.All(Ledger.Read(), effect => Assert.Equal(1, effect.Value));
        await SucceededAsync("w1", attempts: 2);
    }

    [Fact]
    public async Task A_process_paused_for_less_than_its_lease_keeps_its_workflow()
    {
        var owner = StartRun(Workflows.Steps, 0, ["inside two"], ("lease", "20000"));
        await owner.ReachedAsync("inside two");
        await Database.PauseAsync(owner);

        var engine = await LaunchSuccessorAsync(options => options.Lease = TimeSpan.FromSeconds(0.5));
        await LooksTwiceAsync(engine);
        await owner.ContinueAsync();
        await owner.GoOnAsync("inside two");
        await owner.ReachedAsync("done");

        await SucceededAsync("w1", attempts: 1);
        Assert.All(Ledger.Read(), effect => Assert.Equal(1, effect.Value));
    }

    // Far more bodies than the pool has threads or makes soon: whatever is asynchronous in that process waits for seconds.
    [Fact]
    public async Task A_process_whose_bodies_block_all_threads_of_the_pool_keeps_its_lease()
    {
        const int count = 24;
        var worker = StartWorker("block", [], ("lease", "6000"), ("count", $"{count}"), ("ms", "6000"));
        await worker.ReachedAsync("launched");
        var done = worker.ReachedAsync("done");
        var expires = Database is SqliteTestDatabase ? "lease_expires_at" : "expires_at_ms";

        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!done.IsCompleted)
        {
            var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            Assert.InRange(await Database.CountAsync($"SELECT min({expires}) FROM fluent_executors"), now, long.MaxValue);
            await pause.WaitForNextTickAsync(Cancel);
        }

        await done;
        Assert.Equal(count, await Database.SucceededAsync(attempts: 1));
    }

    [Fact]
    public async Task A_process_killed_on_another_host_is_taken_over_soon_after_its_lease_has_ended()
    {
        var engine = await LaunchSuccessorAsync(options => options.Lease = Lease);
        var worker = StartRun(Workflows.Steps, 0, ["inside two"], ("lease", LeaseMs));
        await worker.ReachedAsync("inside two");
        await Database.ExecuteAsync($"UPDATE fluent_executors SET machine_id = 'elsewhere' WHERE executor_id <> '{engine.ExecutorId}'");
        await worker.KillAsync();
        var clock = Stopwatch.StartNew();

        await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(Bounded.Limit);

        TestContext.Current.TestOutputHelper?.WriteLine($"taken over after {clock.ElapsedMilliseconds} ms");
        await SucceededAsync("w1", attempts: 2);
        Assert.Equal((1, 1, 1), (Ledger.Count("w1", "one"), Ledger.Count("w1", "two"), Ledger.Count("w1", "three")));
    }

    [Fact]
    public async Task Two_processes_that_were_both_paused_take_nothing_from_each_other_when_they_wake_up()
    {
        var one = StartRun(Workflows.Steps, 0, ["inside two"], ("lease", "6000"));
        var other = StartWorker(
            "run", ["inside two"], ("workflow", Workflows.Steps.Name), ("input", "0"), ("id", "w2"), ("lease", "6000"));
        await one.ReachedAsync("inside two");
        await other.ReachedAsync("inside two");

        await Database.PauseAsync(one);
        await Database.PauseAsync(other);
        await LeasesEndAsync();
        await one.ContinueAsync();
        await other.ContinueAsync();
        foreach (var worker in new[] { one, other })
        {
            await worker.GoOnAsync("inside two");
            await worker.ReachedAsync("done");
        }

        await SucceededAsync("w1", attempts: 1);
        await SucceededAsync("w2", attempts: 1);
    }

    private async Task<string[]> CheckpointRowsAsync()
    {
        const string all = "SELECT function_id, function_name, output, started_at_epoch_ms FROM operation_outputs ORDER BY function_id";
        return [.. (await Database.QueryAsync(all)).Select(row => string.Join('|', row))];
    }

    // Two renewals of a short lease are at least two recovery passes of that engine.
    private async Task LooksTwiceAsync(WorkflowEngine engine)
    {
        for (var look = 0; look < 4; look++)
        {
            var lease = await LeaseAsync(engine.ExecutorId);
            await Eventually.TrueAsync(async () => await LeaseAsync(engine.ExecutorId) > lease, Bounded.Limit, "the lease is renewed");
        }
    }

    private Task<long> LeaseAsync(string executorId) =>
        Database.CountAsync($"SELECT {Database.LeaseColumn()} FROM fluent_executors WHERE executor_id = '{executorId}'");

    private Task LeasesEndAsync() => Eventually.TrueAsync(
        async () => await Database.LeasesEndedForAsync() > 0, Bounded.Limit, "every lease has ended");
}
