using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>
/// What is an engine's own and has not begun yet, because an answer is long in coming: the engine does not hand it on to itself, and does not
/// begin what is another's by then.
/// </summary>
public abstract class InHandFaultSuite(IDatabaseFixture fixture) : FaultSuite(fixture)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(0.6);

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
        var engine = await LaunchCountedAsync((call, token) => SecondTry(call, ref tries) ? answered.Task.WaitAsync(token) : Task.CompletedTask);

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

    // The first try takes effect, and its answer is lost; the second is kept waiting.
    private static bool SecondTry(StoreCall call, ref int tries) =>
        call.Subjects.Contains("start w0") && Interlocked.Increment(ref tries) == 2;

    private Task<WorkflowEngine> LaunchCountedAsync(Func<StoreCall, CancellationToken, Task> before, string executorId = Executor)
    {
        var lost = 0;
        var faults = new CallFaults
        {
            Before = before,
            After = (call, _) =>
            {
                passes += call.Kind == StoreCallKind.HandOnOrphans ? 1 : 0;
                return call.Subjects.Contains("start w0") && Interlocked.Exchange(ref lost, 1) == 0
                    ? throw CallFaults.Unavailable("The answer was lost.")
                    : Task.CompletedTask;
            },
        };
        return LaunchFaultyAsync(faults, options => (options.ExecutorId, options.Lease) = (executorId, Lease));
    }

    // Twice from when nothing has moved for longer than a lease.
    private async Task OrphansWereLookedForAsync()
    {
        await Eventually.TrueAsync(async () => await Database.UnmovedForAsync() > 1_000, Bounded.Limit);
        var before = Volatile.Read(ref passes);
        await Eventually.TrueAsync(() => Volatile.Read(ref passes) > before + 1, Bounded.Limit);
    }
}
