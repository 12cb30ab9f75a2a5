using System.Diagnostics;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// A worker is killed with SIGKILL at every point that matters; an engine with another executor id on the same host goes on at once, as the
/// dead process can be proven dead, and no step runs again after its checkpoint.
/// </summary>
public abstract class KillSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    [Theory]
    [InlineData("before checkpoint one", 0)]
    [InlineData("after checkpoint one", 1)]
    [InlineData("before step two", 1)]
    [InlineData("inside two", 1)]
    [InlineData("after effect two", 1)]
    [InlineData("before checkpoint two", 1)]
    [InlineData("after checkpoint two", 2)]
    [InlineData("before outcome w1", 3)]
    [InlineData("after start w1", 0)]
    public async Task A_killed_workflow_goes_on_from_its_last_checkpoint(string point, int checkpointsThen)
    {
        await KillAtAsync(StartRun(Workflows.Steps, 0, [point]), point);
        Assert.Equal(checkpointsThen, (await CheckpointsAsync("w1")).Length);

        await RecoversAsync(attempts: 2, "one", "two", "three");
    }

    [Fact]
    public async Task A_workflow_killed_before_its_row_was_committed_was_never_started()
    {
        await KillAtAsync(StartRun(Workflows.Steps, 0, ["before start w1"]), "before start w1");

        var engine = await LaunchSuccessorAsync();

        Assert.Null(await engine.GetStatusAsync("w1", Cancel));
        Assert.Empty(Ledger.Read());
    }

    [Fact]
    public async Task A_workflow_killed_after_its_outcome_was_committed_is_not_run_again()
    {
        await KillAtAsync(StartRun(Workflows.Steps, 0, ["after outcome w1"]), "after outcome w1");

        var engine = await LaunchSuccessorAsync();
        await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(Bounded.Limit);

        await SucceededAsync("w1", attempts: 1);
        Assert.All(Ledger.Read(), effect => Assert.Equal(1, effect.Value));
    }

    [Fact]
    public async Task A_step_killed_while_it_waits_for_its_next_attempt_runs_again_at_once()
    {
        var worker = StartRun(Workflows.Retrying, 0, []);
        await KillAtAsync(worker, "log StepRetried");

        await RecoversAsync(attempts: 2, "flaky");

        Assert.Equal(2, Ledger.Count("w1", "flaky"));
    }

    [Fact]
    public async Task A_workflow_killed_in_a_sleep_wakes_at_the_stored_moment()
    {
        await KillAtAsync(StartRun(Workflows.Sleeping, 6000, []), "after checkpoint DBOS.sleep");
        var stored = await Database.ScalarAsync(SleepRow);

        await RecoversAsync(attempts: 2, "one", "two");

        Assert.Equal(stored, await Database.ScalarAsync(SleepRow));
        var wakeAt = long.Parse(stored!, System.Globalization.CultureInfo.InvariantCulture);
        var woken = await Database.CountAsync("SELECT started_at_epoch_ms FROM operation_outputs WHERE function_name = 'two'");
        Assert.InRange(woken - wakeAt, -1, (long)Bounded.Limit.TotalMilliseconds);
    }

    [Fact]
    public async Task A_child_and_its_waiting_parent_that_are_killed_both_go_on()
    {
        await KillAtAsync(StartRun(Workflows.Parent, 0, ["inside child one"]), "inside child one");

        await RecoversAsync(attempts: 2, "one", "two");

        await SucceededAsync("w1-1", attempts: 2);
        Assert.Equal(1, Ledger.Count("w1-1", "child one"));
        Assert.Equal(2, await Database.WorkflowsAsync());
    }

    [Fact]
    public async Task Members_of_a_group_that_were_done_when_it_was_killed_do_not_run_again()
    {
        var worker = StartRun(Workflows.Group, 4, ["inside member 2", "inside member 3"]);
        foreach (var point in new[] { "after checkpoint member 0", "after checkpoint member 1", "inside member 2", "inside member 3" })
        {
            await worker.ReachedAsync(point);
        }

        await worker.KillAsync();

        await RecoversAsync(attempts: 2, "member 0", "member 1", "member 2", "member 3", "after");
        Assert.All(Ledger.Read(), effect => Assert.Equal(1, effect.Value));
    }

    [Theory]
    [InlineData("before continue w1", "effect 0")]
    [InlineData("after continue w1", null)]
    public async Task A_workflow_killed_while_it_continues_as_new_is_in_the_old_generation_or_the_new_one(string point, string? left)
    {
        await KillAtAsync(StartRun(Workflows.Again, 0, [point]), point);
        Assert.Equal(left is null ? [] : [left], await CheckpointsAsync("w1"));
        Assert.Equal(left is null ? 1 : 0, await Database.CountAsync("SELECT count(*) FROM fluent_generations"));

        await RecoversAsync(attempts: 1, "effect 0", "effect 1", "effect 2");

        Assert.All(Ledger.Read(), effect => Assert.Equal(1, effect.Value));
        Assert.Equal(["effect 2"], await CheckpointsAsync("w1"));
    }

    [Fact]
    public async Task A_workflow_killed_again_by_each_successor_still_goes_on_from_its_last_checkpoint()
    {
        await KillAtAsync(StartRun(Workflows.Steps, 0, ["after effect one"]), "after effect one");
        await KillAtAsync(StartWorker("serve", ["after claim w1"]), "after claim w1");
        await KillAtAsync(StartWorker("serve", ["after effect two"]), "after effect two");
        await KillAtAsync(StartWorker("serve", ["before outcome w1"]), "before outcome w1");

        await RecoversAsync(attempts: 5, "one", "two", "three");

        Assert.Equal((2, 2, 1), (Ledger.Count("w1", "one"), Ledger.Count("w1", "two"), Ledger.Count("w1", "three")));
    }

    [Fact]
    public async Task An_engine_that_runs_already_takes_up_the_work_of_a_process_killed_beside_it()
    {
        var engine = await LaunchSuccessorAsync(options => options.Lease = TimeSpan.FromSeconds(6));
        await KillAtAsync(StartRun(Workflows.Steps, 0, ["inside two"], ("lease", "60000")), "inside two");

        await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(AtOnce);

        await SucceededAsync("w1", attempts: 2);
    }

    [Fact]
    public async Task A_process_killed_long_ago_is_recovered_without_waiting_for_a_lease()
    {
        await KillAtAsync(StartRun(Workflows.Steps, 0, ["inside two"]), "inside two");
        await Database.ExecuteAsync($"UPDATE fluent_executors SET {Database.LeaseColumn()} = {Database.LeaseColumn()} - 3600000");

        await RecoversAsync(attempts: 2, "one", "two", "three");
    }

    private const string SleepRow = "SELECT output FROM operation_outputs WHERE function_name = 'DBOS.sleep'";

    /// <summary>
    /// Launches a successor, waits for the result of <c>w1</c>, and asserts what must hold of the steps of every workflow: each took
    /// effect, and none again after its checkpoint.
    /// </summary>
    private async Task RecoversAsync(int attempts, params string[] steps)
    {
        var done = await Database.QueryAsync("SELECT workflow_uuid, function_name FROM operation_outputs");
        var before = Ledger.Read();
        var clock = Stopwatch.StartNew();

        var engine = await LaunchSuccessorAsync();
        await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(AtOnce);

        TestContext.Current.TestOutputHelper?.WriteLine($"recovered in {clock.ElapsedMilliseconds} ms");
        await SucceededAsync("w1", attempts);
        var after = Ledger.Read();
        Assert.All(steps, step => Assert.InRange(after.GetValueOrDefault(("w1", step)), 1, int.MaxValue));
        Assert.All(
            done.Select(row => (row[0]!, row[1]!)).Where(before.ContainsKey),
            step => Assert.Equal(before[step], after[step]));
    }
}
