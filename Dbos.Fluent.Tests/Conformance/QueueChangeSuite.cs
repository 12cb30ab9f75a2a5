using System.Collections.Concurrent;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Queues whose limits and readers change while they are served. Scenarios QC-09, QM-01 to QM-03.</summary>
public abstract class QueueChangeSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<int, int> Quick = Workflow.Define<int, int>("quick").Return(x => x.Input);

    private readonly ConcurrentDictionary<int, Probe> gates = new();

    public static MatrixTheoryData<string, bool> Limits =>
        new(["concurrency", "worker", "rate", "partition", "partition worker", "partition rate"], [false, true]);

    [Theory]
    [MemberData(nameof(Limits))]
    public async Task A_limit_that_is_lifted_or_raised_lets_in_the_next_though_the_first_goes_on(string limit, bool inPlace)
    {
        var gated = Gated();
        var engine = await LaunchAsync(options => options.Add(LimitedTo(1, limit), new("free")), gated, Quick);
        var partition = limit.StartsWith("partition", StringComparison.Ordinal) ? "a" : null;
        var line = new StartOptions { Queue = "line", PartitionKey = partition };
        var first = await engine.StartAsync(gated, 1, line, Cancel);
        await Gate(1).ReachedAsync();
        var second = await engine.StartAsync(gated, 2, line, Cancel);
        await HadTimeAsync(engine, Quick);
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(second.Id));

        // In place, or by a limit of another kind.
        var raised = inPlace ? LimitedTo(2, limit)
            : partition is null ? new WorkflowQueue("line") { Concurrency = 5 } : new("line") { PartitionConcurrency = 5 };
        await engine.Queues.RegisterAsync(raised, cancellationToken: Cancel);

        await Gate(2).ReachedAsync();
        Assert.Equal(WorkflowState.Pending, await engine.StateOfAsync(first.Id));
        Gate(1).Open();
        Gate(2).Open();
        Assert.Equal((1, 2), (await first.ResultAsync(), await second.ResultAsync()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_limit_that_is_lowered_stops_nothing_and_holds_from_then_on(bool ofWorker)
    {
        var gated = Gated();
        var engine = await LaunchAsync(options => options.Add(Of(3), new("free")), gated, Quick);
        List<WorkflowHandle<int>> handles = [];
        for (var number = 0; number < 4; number++)
        {
            handles.Add(await engine.StartAsync(gated, number, new() { Queue = "line" }, Cancel));
        }

        for (var number = 0; number < 3; number++)
        {
            await Gate(number).ReachedAsync();
        }

        await engine.Queues.RegisterAsync(Of(1), cancellationToken: Cancel);
        for (var number = 0; number < 3; number++)
        {
            await HadTimeAsync(engine, Quick);
            Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(handles[3].Id));
            Assert.Equal(3 - number, (await engine.Queues.GetAsync("line", Cancel))!.Running);
            Gate(number).Open();
            Assert.Equal(number, await handles[number].ResultAsync());
        }

        await Gate(3).ReachedAsync();
        Gate(3).Open();
        Assert.Equal(3, await handles[3].ResultAsync());

        WorkflowQueue Of(int limit) =>
            ofWorker ? new WorkflowQueue("line") { WorkerConcurrency = limit } : new("line") { Concurrency = limit };
    }

    [Fact]
    public async Task A_pause_lets_what_runs_go_on_and_nothing_follow()
    {
        var gated = Gated();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }, new("free")), gated, Quick);
        var first = await engine.StartAsync(gated, 1, new() { Queue = "line" }, Cancel);
        await Gate(1).ReachedAsync();
        var second = await engine.StartAsync(gated, 2, new() { Queue = "line" }, Cancel);

        await engine.Queues.PauseAsync("line", Cancel);
        Gate(1).Open();
        Assert.Equal(1, await first.ResultAsync());
        await HadTimeAsync(engine, Quick);
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(second.Id));

        await engine.Queues.ResumeAsync("line", Cancel);
        Gate(2).Open();
        Assert.Equal(2, await second.ResultAsync());
    }

    [Fact]
    public async Task A_queue_that_is_made_again_counts_what_still_runs_of_the_former_one()
    {
        var gated = Gated();
        var line = new WorkflowQueue("line") { Concurrency = 1 };
        var engine = await LaunchAsync(options => options.Add(line, new("free")), gated, Quick);
        var blocker = await engine.StartAsync(gated, 1, new() { Queue = "line" }, Cancel);
        await Gate(1).ReachedAsync();
        var target = await engine.StartAsync(gated, 2, new() { Queue = "line" }, Cancel);

        await engine.Queues.DeleteAsync("line", Cancel);
        await HadTimeAsync(engine, Quick);
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(target.Id));
        await engine.Queues.RegisterAsync(line, OnConflict.NeverUpdate, Cancel);
        await HadTimeAsync(engine, Quick);
        Assert.Equal(new QueueStatus(line, false, 1, 1), await engine.Queues.GetAsync("line", Cancel));

        Gate(1).Open();
        Assert.Equal(1, await blocker.ResultAsync());
        Gate(2).Open();
        Assert.Equal(2, await target.ResultAsync());
    }

    // Nobody can give a back-off here; a clock that tells no time or refuses to wait is what comes nearest.
    [Theory]
    [InlineData(2, 0)]
    [InlineData(0, 1)]
    public async Task A_clock_that_throws_in_the_midst_of_dispatching_ends_nothing(int times, int waits)
    {
        var clock = new ThrowingClock();
        var window = new RateLimit(1, TimeSpan.FromSeconds(3));
        var engine = await LaunchAsync(
            options => options.Add(new WorkflowQueue("line") { RateLimit = window }, new("free")).TimeProvider = clock, Quick);
        Assert.Equal(1, await (await engine.StartAsync(Quick, 1, new() { Queue = "line" }, Cancel)).ResultAsync());

        clock.Arm(times, waits);
        var held = await engine.StartAsync(Quick, 2, new() { Queue = "line" }, Cancel);
        var delayed = await engine.StartAsync(Quick, 3, new() { Queue = "free", Delay = TimeSpan.FromMilliseconds(1) }, Cancel);
        await Eventually.TrueAsync(() => clock.IsSpent, Bounded.Limit, "times and waits were refused");

        Assert.Equal((2, 3), (await held.ResultAsync(), await delayed.ResultAsync()));
        Assert.Equal(4, await (await engine.StartAsync(Quick, 4, new() { Queue = "free" }, Cancel)).ResultAsync());
    }

    [Fact]
    public async Task What_is_resumed_forked_debounced_or_recovered_runs_whatever_the_engine_listens_to()
    {
        WorkflowQueue[] queues = [new("one"), new("two")];
        var engine = await LaunchAsync(options => options.Add(queues).ListenTo = ["one"], Quick);
        foreach (var (served, other) in (IEnumerable<(string, string)>)[("one", "two"), ("two", "one")])
        {
            var here = await engine.StartAsync(Quick, 1, new() { Queue = served }, Cancel);
            var left = await engine.StartAsync(Quick, 2, new() { Queue = other }, Cancel);
            var resumed = await engine.StartAsync(Quick, 3, new() { Queue = other }, Cancel);
            Assert.Equal(1, await here.ResultAsync());

            await engine.ResumeAsync(resumed.Id, cancellationToken: Cancel);
            var fork = await engine.ForkAsync(here.Id, 0, cancellationToken: Cancel);
            var debounced = await engine.Debounce(Quick).CallAsync("k", TimeSpan.FromMilliseconds(1), 4, cancellationToken: Cancel);
            Assert.Equal((3, 1, 4), (await resumed.ResultAsync(), await engine.ResultAsync<int>(fork), await debounced.ResultAsync()));
            Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(left.Id));
            var lost = await engine.StartAsync(Quick, 5, cancellationToken: Cancel);
            Assert.Equal(5, await lost.ResultAsync());

            await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
            await Database.FlipAsync(lost.Id);
            engine = await LaunchAsync(options => options.Add(queues).ListenTo = [other], Quick);
            Assert.Equal((2, 5), (await engine.ResultAsync<int>(left.Id), await engine.ResultAsync<int>(lost.Id)));
            Assert.Equal(2, (await engine.GetStatusAsync(lost.Id, Cancel))!.RecoveryAttempts);
        }
    }

    [Fact]
    public async Task A_process_claims_no_more_than_it_has_room_for()
    {
        const int count = 1_100, capacity = 1_000;
        var (largest, claimed) = (0, 0);
        var faults = new CallFaults
        {
            After = (call, _) =>
            {
                largest = Math.Max(largest, call.Claimed.Count);
                claimed += call.Claimed.Count;
                return Task.CompletedTask;
            },
        };
        var gated = Gated();
        var engine = await LaunchAsync(
            options => options.Add(new WorkflowQueue("line")).WrapStore = store => new FaultingStore(store, faults), gated, Quick);
        await engine.StartManyAsync(gated, Enumerable.Repeat((1, (StartOptions?)new() { Queue = "line" }), count), Cancel);
        for (var number = 0; number < capacity; number++)
        {
            await Gate(1).ReachedAsync();
        }

        // A start that needs no claim has been through, and nothing more has been claimed by then.
        Assert.Equal(2, await (await engine.StartAsync(Quick, 2, cancellationToken: Cancel)).ResultAsync());
        Assert.Equal((capacity, count - capacity), (
            await Database.WorkflowsAsync("status = 'PENDING'"), await Database.WorkflowsAsync("status = 'ENQUEUED'")));
        Assert.Equal(capacity, claimed);
        Assert.InRange(largest, 2, 250);
        Gate(1).Open();
        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, "all end");
    }

    [Fact]
    public async Task A_process_claims_no_more_than_it_has_room_for_from_many_queues_at_once()
    {
        const int each = 200, capacity = 1_000;
        WorkflowQueue[] queues =
            [.. Enumerable.Range(0, 10).Select(number => new WorkflowQueue($"line {number}") { WorkerConcurrency = each })];
        var gated = Gated();
        var starter = await LaunchAsync(options => (options.ExecutorId, options.ListenTo) = ("executor-2", []), gated);
        foreach (var queue in queues)
        {
            await starter.StartManyAsync(gated, Enumerable.Repeat((1, (StartOptions?)new() { Queue = queue.Name }), each), Cancel);
        }

        var claimed = 0;
        var faults = new CallFaults
        {
            After = (call, _) =>
            {
                Interlocked.Add(ref claimed, call.Claimed.Count);
                return Task.CompletedTask;
            },
        };
        var engine = await LaunchAsync(
            options => options.Add(queues).WrapStore = store => new FaultingStore(store, faults), gated, Quick);
        for (var number = 0; number < capacity; number++)
        {
            await Gate(1).ReachedAsync();
        }

        // What is under way when the process fills up may exceed the capacity by about one claim, and not by one for each queue.
        Assert.Equal(2, await (await engine.StartAsync(Quick, 2, cancellationToken: Cancel)).ResultAsync());
        Assert.InRange(claimed, capacity, capacity + 250);
        Gate(1).Open();
        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, "all end");
    }

    private static WorkflowQueue LimitedTo(int count, string limit) => limit switch
    {
        "concurrency" => new("line") { Concurrency = count },
        "worker" => new("line") { WorkerConcurrency = count },
        "rate" => new("line") { RateLimit = new(count, TimeSpan.FromHours(1)) },
        "partition" => new("line") { PartitionConcurrency = count },
        "partition worker" => new("line") { PartitionWorkerConcurrency = count },
        _ => new("line") { PartitionRateLimit = new(count, TimeSpan.FromHours(1)) },
    };

    private Probe Gate(int number) => gates.GetOrAdd(number, _ => new Probe());

    private WorkflowDefinition<int, int> Gated() => Workflow.Define<int, int>("gated")
        .Step("gate", x => Gate(x.Input).PassAsync(x.CancellationToken)).Return(x => x.Input);

    /// <summary>A clock that throws so many times: when queues with limits ask for the time, and when anybody wants to wait.</summary>
    private sealed class ThrowingClock : TimeProvider
    {
        private int times;
        private int waits;

        public bool IsSpent => Volatile.Read(ref times) <= 0 && Volatile.Read(ref waits) <= 0;

        public void Arm(int times, int waits)
        {
            Volatile.Write(ref this.waits, waits);
            Volatile.Write(ref this.times, times);
        }

        public override long GetTimestamp()
        {
            var asked = Volatile.Read(ref times) > 0 ? new System.Diagnostics.StackTrace().ToString() : "";
            if (asked.Contains("LimitedQueues", StringComparison.Ordinal))
            {
                ThrowIfLeft(ref times);
            }

            return base.GetTimestamp();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ThrowIfLeft(ref waits);
            return base.CreateTimer(callback, state, dueTime, period);
        }

        private static void ThrowIfLeft(ref int left)
        {
            if (Interlocked.Decrement(ref left) >= 0)
            {
                throw new InvalidOperationException("No time today.");
            }
        }
    }
}
