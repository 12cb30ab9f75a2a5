using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>
/// What is an engine's own and has not begun yet, because an answer is long in coming: the engine does not hand it on to itself, and does
/// not begin what is another's by then.
/// </summary>
public abstract class InHandFaultSuite(IDatabaseFixture fixture) : FaultSuite(fixture)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int passes;

    [Fact]
    public async Task A_claimed_workflow_whose_history_is_long_in_coming_is_nobodys_orphan()
    {
        await RunAndFlipAsync(count: 1);
        var engine = await LaunchCountedAsync(
            (call, token) => call.Kind == StoreCallKind.ReadHistories ? answered.Task.WaitAsync(token) : Task.CompletedTask);

        await OrphansWereLookedForAsync();
        answered.SetResult();
        await AllEndAsync(engine, count: 1);

        await EverythingRanOnceAsync(workflows: 1, attempts: 2);
    }

    [Fact]
    public async Task A_started_workflow_whose_answer_is_long_in_coming_is_nobodys_orphan()
    {
        var tries = 0;
        var engine = await LaunchCountedAsync(
            (call, token) => SecondTry(call, ref tries) ? answered.Task.WaitAsync(token) : Task.CompletedTask);

        var starting = engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0" }, Cancel);
        await OrphansWereLookedForAsync();
        answered.SetResult();
        await (await starting.Within(Bounded.Limit)).GetResultAsync(Cancel).Within(Bounded.Limit);

        await EverythingRanOnceAsync(workflows: 1);
    }

    [Theory]
    [InlineData("handed on, and ended")]
    [InlineData("cancelled")]
    public async Task A_started_workflow_that_has_moved_on_before_the_answer_came_does_not_begin_here(string how)
    {
        var (tries, died) = (0, false);
        var engine = await LaunchCountedAsync((call, token) =>
            call.Kind == StoreCallKind.Renew && Volatile.Read(ref died) ? throw CallFaults.Unavailable("Away.")
            : SecondTry(call, ref tries) ? answered.Task.WaitAsync(token)
            : Task.CompletedTask);
        var other = await LaunchCountedAsync((_, _) => Task.CompletedTask, executorId: "executor-2");

        var starting = engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0" }, Cancel);
        await Eventually.TrueAsync(async () => await Database.WorkflowsAsync() == 1, Bounded.Limit);
        if (how == "cancelled")
        {
            await other.CancelAsync("w0", cancellationToken: Cancel);
        }
        else
        {
            Volatile.Write(ref died, true);
            Assert.Equal(2, await other.Retrieve<int>("w0").GetResultAsync(Cancel).Within(Bounded.Limit));
            Volatile.Write(ref died, false);
        }

        answered.SetResult();
        await starting.Within(Bounded.Limit);
        Assert.Equal(0, engine.Core.Running!.Count);

        if (how == "cancelled")
        {
            Assert.Empty(Ledger.Read());
        }
        else
        {
            await EverythingRanOnceAsync(workflows: 1, attempts: 2);
        }
    }

    [Theory]
    [InlineData("line", nameof(StoreCallKind.Claim))]
    [InlineData("narrow", nameof(StoreCallKind.ClaimLimited))]
    public async Task A_claimed_workflow_is_nobodys_orphan_while_the_answer_is_long_in_coming(string queue, string kind)
    {
        var engine = await LaunchCountedAsync(
            (_, _) => Task.CompletedTask,
            after: (call, token) =>
                call.Kind.ToString() == kind && call.Claimed.Contains("w0") ? answered.Task.WaitAsync(token) : Task.CompletedTask);

        var handle = await engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0", Queue = queue }, Cancel);
        await Eventually.TrueAsync(async () => await Database.WorkflowsAsync("status = 'PENDING'") == 1, Bounded.Limit);
        await RunsOnceWhenAnsweredAsync(handle);
    }

    [Theory]
    [InlineData("line")]
    [InlineData("narrow")]
    public async Task A_claimed_workflow_whose_answer_outlasted_the_lease_is_handed_back_and_begins_by_another_claim(string queue)
    {
        var (away, handedBack, held) = (false, 0, 0);
        var engine = await LaunchCountedAsync(
            (call, _) =>
            {
                handedBack += call.Kind == StoreCallKind.HandBack ? 1 : 0;
                return call.Kind == StoreCallKind.Renew && Volatile.Read(ref away)
                    ? throw CallFaults.Unavailable("Away.")
                    : Task.CompletedTask;
            },
            after: (call, token) => call.Claimed.Contains("w0") && Interlocked.Exchange(ref held, 1) == 0
                ? answered.Task.WaitAsync(token)
                : Task.CompletedTask);
        var handle = await engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0", Queue = queue }, Cancel);
        await Eventually.TrueAsync(() => Volatile.Read(ref held) == 1, Bounded.Limit);
        Volatile.Write(ref away, true);
        await Eventually.TrueAsync(async () => await Database.LeasesEndedForAsync() > 100, Bounded.Limit);
        Volatile.Write(ref away, false);
        await Eventually.TrueAsync(async () => await Database.LeasesEndedForAsync() < 0, Bounded.Limit);
        Assert.Equal((0, 1), (Volatile.Read(ref handedBack), await Database.WorkflowsAsync("status = 'PENDING'")));

        answered.SetResult();

        Assert.Equal(2, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(1, handedBack);
        await EverythingRanOnceAsync(workflows: 1);
    }

    [Fact]
    public async Task A_next_generation_is_nobodys_orphan_while_the_answer_is_long_in_coming()
    {
        var continued = 0;
        var engine = await LaunchCountedAsync(
            (_, _) => Task.CompletedTask,
            after: (call, token) => call.Subjects.Contains("continue w0") && Interlocked.Exchange(ref continued, 1) == 0
                ? answered.Task.WaitAsync(token)
                : Task.CompletedTask);

        var handle = await engine.StartAsync(Workflows.Again, 0, new() { Id = "w0" }, Cancel);
        await Eventually.TrueAsync(() => Volatile.Read(ref continued) == 1, Bounded.Limit);
        await RunsOnceWhenAnsweredAsync(handle);
    }

    // The answer came late, over a connection that was cut off for longer than the lease, and not again: nothing was repeated.
    [Fact]
    public async Task A_start_whose_answer_outlasted_the_lease_does_not_begin_what_is_anothers_by_then()
    {
        var (died, late) = (false, 0);
        var engine = await LaunchCountedAsync(
            (call, _) => call.Kind == StoreCallKind.Renew && Volatile.Read(ref died)
                ? throw CallFaults.Unavailable("Away.")
                : Task.CompletedTask,
            after: (call, token) => call.Subjects.Contains("start w0") && Interlocked.Exchange(ref late, 1) == 0
                ? answered.Task.WaitAsync(token)
                : Task.CompletedTask);
        var other = await LaunchCountedAsync((_, _) => Task.CompletedTask, executorId: "executor-2");
        var lease = $"SELECT {Database.LeaseColumn()} FROM fluent_executors WHERE executor_id = '{Executor}'";

        Volatile.Write(ref died, true);
        var starting = engine.StartAsync(Workflows.Chain, 2, new() { Id = "w0" }, Cancel);
        await Eventually.TrueAsync(() => Volatile.Read(ref late) == 1, Bounded.Limit);
        Assert.Equal(2, await other.Retrieve<int>("w0").GetResultAsync(Cancel).Within(Bounded.Limit));
        var ended = await Database.CountAsync(lease);
        Volatile.Write(ref died, false);
        await Eventually.TrueAsync(async () => await Database.CountAsync(lease) > ended + 300, Bounded.Limit);
        answered.SetResult();
        await starting.Within(Bounded.Limit);

        Assert.Equal(0, engine.Core.Running!.Count);
        await EverythingRanOnceAsync(workflows: 1, attempts: 2);
    }

    [Fact]
    public async Task A_claimed_workflow_that_is_cancelled_while_its_history_is_read_does_not_begin()
    {
        await RunAndFlipAsync(count: 1);
        await Database.ExecuteAsync("DELETE FROM operation_outputs WHERE function_id = 1");
        var engine = await LaunchCountedAsync(
            (call, token) => call.Kind == StoreCallKind.ReadHistories ? answered.Task.WaitAsync(token) : Task.CompletedTask);
        await OrphansWereLookedForAsync();

        await engine.CancelAsync("w0", cancellationToken: Cancel);
        answered.SetResult();
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);

        Assert.Equal((1, 1), (Ledger.Count("w0", "0"), Ledger.Count("w0", "1")));
        Assert.Equal(1, await Database.WorkflowsAsync("status = 'CANCELLED'"));
    }

    // The first try takes effect, and its answer is lost; the second is kept waiting.
    private static bool SecondTry(StoreCall call, ref int tries) =>
        call.Subjects.Contains("start w0") && Interlocked.Increment(ref tries) == 2;

    // Without a fault of the test's own behind the calls, the answer to the start is lost once.
    private Task<WorkflowEngine> LaunchCountedAsync(
        Func<StoreCall, CancellationToken, Task> before,
        Func<StoreCall, CancellationToken, Task>? after = null,
        string executorId = Executor)
    {
        var lost = 0;
        after ??= (call, _) => call.Subjects.Contains("start w0") && Interlocked.Exchange(ref lost, 1) == 0
            ? throw CallFaults.Unavailable("The answer was lost.")
            : Task.CompletedTask;
        var faults = new CallFaults
        {
            Before = before,
            After = (call, token) =>
            {
                passes += call.Kind == StoreCallKind.HandOnOrphans ? 1 : 0;
                return after(call, token);
            },
        };
        return LaunchFaultyAsync(faults, options =>
        {
            (options.ExecutorId, options.Lease) = (executorId, Lease);
            options.Add(new WorkflowQueue("line"), new WorkflowQueue("narrow") { Concurrency = 1 });
        });
    }

    private async Task RunsOnceWhenAnsweredAsync<T>(WorkflowHandle<T> handle)
    {
        await OrphansWereLookedForAsync();
        answered.SetResult();
        await handle.GetResultAsync(Cancel).Within(Bounded.Limit);

        await EverythingRanOnceAsync(workflows: 1);
    }

    // Twice from when nothing has moved for longer than a lease.
    private async Task OrphansWereLookedForAsync()
    {
        await Eventually.TrueAsync(async () => await Database.UnmovedForAsync() > 3_000, Bounded.Limit);
        var before = Volatile.Read(ref passes);
        await Eventually.TrueAsync(() => Volatile.Read(ref passes) > before + 1, Bounded.Limit);
    }
}
