using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>How soon the work of an engine that has fallen silent goes on elsewhere. Scenario RC.</summary>
public abstract class TakeoverSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // In milliseconds. A third of the lease is longer than both together.
    private const long LateMax = 2000;
    private const long Shortly = 500;

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(9);

    // A look at each third of a lease, and no sooner look at what was owned for too short a time when the lease ended, would each come
    // later than this after what was left is due. The silent engine's lease ends shortly after a third since the survivor looked last.
    [Fact]
    public async Task What_a_silent_engine_left_goes_on_within_two_seconds_of_the_end_of_its_lease()
    {
        var (gate, silent, looked) = (new Probe(), false, new TaskCompletionSource());
        var workflow = Workflow.Define<int, int>("held").Step("hold", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input);
        var survivor = await LaunchLeasedAsync("survivor", LookNoted(looked), workflow);
        var dying = await LaunchLeasedAsync(
            "silent",
            new CallFaults
            {
                Before = (_, _) => Volatile.Read(ref silent) ? throw CallFaults.Unavailable("Away.") : Task.CompletedTask,
            },
            workflow);
        await dying.BeginAsync(workflow, 1, "idle");
        await dying.BeginAsync(workflow, 2, "late");
        await gate.ReachedAsync();
        await gate.ReachedAsync();
        Volatile.Write(ref silent, true);
        await looked.Task.Within(Bounded.Limit);
        var ended = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + (long)(Lease / 3).TotalMilliseconds + Shortly;
        await Database.ExecuteAsync($"UPDATE fluent_executors SET {Database.LeaseColumn()} = {ended} WHERE executor_id = 'silent'");

        // The one has not moved for long; the other was taken so late that a lease has passed since then only after the executor's own.
        var due = ended + Shortly;
        await MovedAtAsync("idle", ended - 60_000);
        await MovedAtAsync("late", due - (long)Lease.TotalMilliseconds);
        var slowest = await SlowestLookUntilAsync(async () => await Database.WorkflowsAsync("recovery_attempts = 2") == 2);

        var taken = await Database.QueryAsync(
            "SELECT executor_id, started_at_epoch_ms FROM workflow_status ORDER BY workflow_uuid");
        Assert.All(taken, row => Assert.Equal("survivor", row[0]));
        var moments = taken.ConvertAll(row => long.Parse(row[1]!, System.Globalization.CultureInfo.InvariantCulture));
        TestContext.Current.TestOutputHelper?.WriteLine($"{moments[0] - ended} and {moments[1] - due} ms, slowest look {slowest} ms");
        Assert.InRange(moments[0], ended, ended + LateMax + slowest);
        Assert.InRange(moments[1], due, due + LateMax + slowest);
        Volatile.Write(ref silent, false);
        gate.Open();
        Assert.Equal((1, 2), (await survivor.ResultAsync<int>("idle"), await survivor.ResultAsync<int>("late")));
    }

    /// <summary>
    /// Notes the last look at who is alive but one before the engine has been in contact for a whole lease, as before nobody is declared
    /// dead: the first look is part of the launch, and the others follow at thirds.
    /// </summary>
    private static CallFaults LookNoted(TaskCompletionSource looked)
    {
        var count = 0;
        return new CallFaults
        {
            After = (call, _) =>
            {
                if (call.Kind == StoreCallKind.ReadExecutors && Interlocked.Increment(ref count) == 3)
                {
                    looked.SetResult();
                }

                return Task.CompletedTask;
            },
        };
    }

    private Task<WorkflowEngine> LaunchLeasedAsync(string executor, CallFaults faults, WorkflowDefinition workflow) => LaunchAsync(
        options => (options.ExecutorId, options.Lease, options.WrapStore) =
            (executor, Lease, store => new FaultingStore(store, faults)),
        workflow);

    private Task<int> MovedAtAsync(string id, long moment) => Database.ExecuteAsync(
        $"""
        UPDATE workflow_status SET created_at = {moment}, started_at_epoch_ms = {moment}, updated_at = {moment}
         WHERE workflow_uuid = '{id}'
        """);

    /// <summary>
    /// Looks until it is so, and returns how many milliseconds the slowest look took: as much later may anything come on a busy machine.
    /// </summary>
    private static async Task<long> SlowestLookUntilAsync(Func<Task<bool>> condition)
    {
        var (last, slowest) = (TimeProvider.System.GetTimestamp(), TimeSpan.Zero);
        await Eventually.TrueAsync(
            async () =>
            {
                var isSo = await condition();
                var elapsed = TimeProvider.System.GetElapsedTime(last);
                (last, slowest) = (TimeProvider.System.GetTimestamp(), elapsed > slowest ? elapsed : slowest);
                return isSo;
            },
            Bounded.Limit,
            "it is so");
        return (long)slowest.TotalMilliseconds;
    }
}
