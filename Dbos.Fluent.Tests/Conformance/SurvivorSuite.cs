using System.Collections.Concurrent;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Several engines that go on where another one is gone. Scenarios RC and MX.</summary>
public abstract class SurvivorSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // More than one engine has room for.
    private const int LeftCount = 1500;

    // Fewer than one engine has room for.
    private const int LeftToBoth = 900;

    private const int LeftToOne = 2500;
    private const int BatchMax = 100;
    private const int Writers = 4;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(90);

    // Long enough to be kept while everything else is busy: a survivor that loses it is no survivor.
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(8);

    // After each batch, for each workflow of it.
    private static readonly TimeSpan RestForEach = TimeSpan.FromMilliseconds(0.2);

    [Fact]
    public async Task What_a_dead_engine_left_is_spread_over_the_survivors_and_other_applications_rows_stay_as_they_are()
    {
        var gate = new TaskCompletionSource();
        var workflow = Held(gate);
        var first = await LaunchAsync(workflow);
        await first.RunAsync(workflow, 1, "seed");
        await first.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await LeaveAsync("ours", "tests", LeftCount);
        await LeaveAsync("theirs", "another application", 10);

        var quick = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var one = await LaunchAsync(options => (options.ExecutorId, options.Lease) = ("one", Lease), workflow, quick);
        var other = await LaunchAsync(options => (options.ExecutorId, options.Lease) = ("other", Lease), workflow, quick);
        await Eventually.TrueAsync(
            async () => await TakenAsync("one") + await TakenAsync("other") == LeftCount, Bounded.Limit, "all are taken up");

        Assert.All([await TakenAsync("one"), await TakenAsync("other")], taken => Assert.InRange(taken, LeftCount / 4, LeftCount));

        // Full of what was left, each goes on with work of its own.
        Assert.Equal((3, 4), (await one.RunAsync(quick, 3, "new 1"), await other.RunAsync(quick, 4, "new 2")));
        gate.SetResult();
        await Eventually.TrueAsync(
            async () => await Database.SucceededAsync(attempts: 2) == LeftCount, Bounded.Limit, "all end");
        Assert.Equal(
            10,
            await Database.WorkflowsAsync(
                "application_name = 'another application' AND status = 'PENDING' AND owner_xid = 'lost' AND executor_id = 'dead' "
                + "AND recovery_attempts = 1 AND updated_at = 1"));
    }

    // One alone could take it all: nothing but its pace, small batches and a rest after each, leaves the other a share. Without
    // notifications the other hears of it when it looks, up to a second later, and all may be taken by then: no more than the pace holds.
    [Fact]
    public async Task What_one_survivor_has_room_for_is_taken_up_at_a_pace_that_leaves_the_other_a_share()
    {
        var gate = new TaskCompletionSource();
        var workflow = Held(gate);
        var (notes, otherNotes) = (new Notes(), new Notes());
        var one = await LaunchNotedAsync("one", notes, workflow);
        await LaunchNotedAsync("other", otherNotes, workflow);
        var (before, otherBefore) = (notes.LooksBegun, otherNotes.LooksBegun);
        await one.RunAsync(workflow, 1, "seed");
        await LeaveAsync("left", "tests", LeftToBoth);
        await Eventually.TrueAsync(
            () => notes.LooksEnded > before && otherNotes.LooksEnded > otherBefore, Bounded.Limit, "each has seen that the other is alive");

        await one.RecoverAsync(["dead"], Cancel).Within(Bounded.Limit);
        await Eventually.TrueAsync(() => notes.Taken + otherNotes.Taken >= LeftToBoth, Bounded.Limit, "all are taken up");

        var (taken, otherTaken) = (await TakenAsync("one"), await TakenAsync("other"));
        TestContext.Current.TestOutputHelper?.WriteLine($"{taken} and {otherTaken}");
        Assert.Equal((taken, otherTaken), (notes.Taken, otherNotes.Taken));
        Assert.All([notes, otherNotes], each => each.CheckPace());
        var hears = Database.PushesSignals || Database is SqliteTestDatabase;
        Assert.All([taken, otherTaken], share => Assert.InRange(share, hears ? BatchMax : 0, LeftToBoth));
        gate.SetResult();
        await Eventually.TrueAsync(
            async () => await Database.SucceededAsync(attempts: 2) == LeftToBoth, Bounded.Limit, "all end");
    }

    // Scenario RC with thousands: what was left must not keep back what the survivor does already, and goes on doing.
    [Fact]
    public async Task A_survivor_goes_on_with_its_own_work_while_it_takes_up_thousands_of_a_dead_engine()
    {
        var (begun, ended, during) = (0, 0, 0);
        var left = Workflow.Define<int, int>("left")
            .Step("one", x => Task.FromResult(x.Workflow.WorkflowId == "seed" ? 0 : Interlocked.Increment(ref begun)))
            .Step("two", x => Task.FromResult(x.Workflow.WorkflowId == "seed" ? 0 : Interlocked.Increment(ref ended)))
            .Return(x => x.Input);
        var own = Workflow.Define<int, int>("own")
            .Step("one", x => Task.FromResult(x.Input + 1)).As(out var one)
            .Step("two", x => Task.FromResult(x.Get(one) * 2)).As(out var two)
            .Return(x => x.Get(two));
        var survivor = await LaunchAsync(options => options.Lease = Lease, left, own);
        await survivor.RunAsync(left, 1, "seed");
        var working = Enumerable.Range(0, Writers).Select(WorkAsync).ToArray();
        await LeaveAsync("left", "tests", LeftToOne);

        var finished = await Task.WhenAll(working).Within(Soon);

        // Each of them was begun when something was taken up already, and had ended when something was still to be done.
        TestContext.Current.TestOutputHelper?.WriteLine($"{during} of {finished.Sum()} ended meanwhile");
        Assert.InRange(during, Writers, finished.Sum());
        await Eventually.TrueAsync(
            async () => await Database.SucceededAsync(attempts: 2) == LeftToOne, Bounded.Limit, "all that was left has ended");
        Assert.Equal((LeftToOne, LeftToOne), (begun, ended));
        Assert.Equal(finished.Sum(), await Database.WorkflowsAsync("name = 'own' AND status = 'SUCCESS' AND recovery_attempts = 1"));

        async Task<int> WorkAsync(int writer)
        {
            for (var number = 0; ; number++)
            {
                var before = Volatile.Read(ref begun);
                Assert.Equal(2 * (number + 1), await survivor.RunAsync(own, number, $"own {writer}, {number}"));
                if (Volatile.Read(ref ended) >= LeftToOne)
                {
                    return number + 1;
                }

                Interlocked.Add(ref during, before > 0 ? 1 : 0);
            }
        }
    }

    private static WorkflowDefinition<int, int> Held(TaskCompletionSource gate) => Workflow.Define<int, int>("held")
        .Step("wait", x => x.Workflow.WorkflowId == "seed" ? Task.CompletedTask : gate.Task.WaitAsync(x.CancellationToken))
        .Return(x => x.Input);

    // On SQLite an engine hears of the others by a poll, which must come within few batches.
    private Task<WorkflowEngine> LaunchNotedAsync(string executor, Notes notes, WorkflowDefinition workflow) => LaunchAsync(
        options =>
        {
            (options.ExecutorId, options.Lease, options.WrapStore) = (executor, Lease, store => new FaultingStore(store, notes));
            if (Database is SqliteTestDatabase)
            {
                options.PollInterval = TimeSpan.FromMilliseconds(20);
            }
        },
        workflow);

    private Task<long> TakenAsync(string executor) =>
        Database.WorkflowsAsync($"executor_id = '{executor}' AND status = 'PENDING' AND recovery_attempts = 2");

    // As an engine leaves them that was never seen to register, and that has not moved for long.
    private async Task LeaveAsync(string prefix, string application, int count)
    {
        var numbers = $"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})";
        await Database.ExecuteAsync(
            $"""
            {numbers}
            INSERT INTO workflow_input (workflow_uuid, inputs)
            SELECT '{prefix}-' || n, inputs FROM workflow_input, numbers WHERE workflow_uuid = 'seed'
            """);
        await Database.ExecuteAsync(
            $"""
            {numbers}
            INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, owner_xid, application_name, application_version,
                   serialization, priority, recovery_attempts, created_at, updated_at)
            SELECT '{prefix}-' || n, 'PENDING', name, 'dead', 'lost', '{application}', application_version,
                   serialization, priority, 1, created_at, 1
              FROM workflow_status, numbers WHERE workflow_uuid = 'seed'
            """);
    }

    /// <summary>An engine's looks at who is alive, and its claims, of which each engine makes one after the other.</summary>
    private sealed class Notes : IStoreFaults
    {
        private readonly ConcurrentQueue<(long Asked, long Answered, int Count)> claims = new();
        private int begun;
        private int ended;
        private long asked;

        public int LooksBegun => Volatile.Read(ref begun);

        public int LooksEnded => Volatile.Read(ref ended);

        public long Taken => claims.Sum(claim => claim.Count);

        public Task BeforeAsync(StoreCall call, CancellationToken cancellationToken)
        {
            Interlocked.Add(ref begun, call.Kind == StoreCallKind.ReadExecutors ? 1 : 0);
            if (call.Kind == StoreCallKind.Claim)
            {
                asked = TimeProvider.System.GetTimestamp();
            }

            return Task.CompletedTask;
        }

        public Task AfterAsync(StoreCall call, CancellationToken cancellationToken)
        {
            Interlocked.Add(ref ended, call.Kind == StoreCallKind.ReadExecutors ? 1 : 0);
            if (call.Kind == StoreCallKind.Claim)
            {
                claims.Enqueue((asked, TimeProvider.System.GetTimestamp(), call.Claimed.Count));
            }

            return Task.CompletedTask;
        }

        /// <summary>Asserts that no batch was too large, and that a rest followed each.</summary>
        public void CheckPace()
        {
            var all = claims.ToList();
            Assert.All(all, claim => Assert.InRange(claim.Count, 0, BatchMax));
            Assert.All(
                all.Zip(all.Skip(1)),
                pair => Assert.InRange(
                    TimeProvider.System.GetElapsedTime(pair.First.Answered, pair.Second.Asked),
                    pair.First.Count * RestForEach,
                    TimeSpan.MaxValue));
        }
    }
}
