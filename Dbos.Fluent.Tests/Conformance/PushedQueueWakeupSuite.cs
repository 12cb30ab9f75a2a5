using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What happens to a queue in one process moves it in another, without the look of each second.</summary>
public abstract class PushedQueueWakeupSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Soon = Bounded.Limit;

    private readonly Probe gate = new();
    private readonly Probe looks = new();
    private readonly Probe claims = new();

    public static TheoryData<string> Ways => [.. EnqueueWays.Plain, "trigger", "transaction"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Whatever_way_another_process_put_it_into_the_queue_it_is_begun_without_a_look(string way)
    {
        var one = await LaunchBlindAsync("executor-1", EnqueueWays.Definitions);
        await looks.ReachedAsync();
        var two = await LaunchAsync(
            options => (options.ExecutorId, options.ListenTo) = ("executor-2", []), EnqueueWays.Definitions);

        var id = await EnqueueWays.EnqueueAsync(two, Database, way).Within(Bounded.Limit);

        Assert.Equal(1, await one.Retrieve<int>(id).GetResultAsync(Cancel).Within(Soon));
        var status = (await one.GetStatusAsync(id, Cancel))!;
        Assert.Equal(("line", "executor-1"), (status.Queue, status.ExecutorId));
    }

    // The commit is the caller's, so that this process hears of it as any other does.
    [Fact]
    public async Task What_a_transaction_of_the_callers_own_put_into_the_queue_is_begun_without_a_look()
    {
        var engine = await LaunchBlindAsync("executor-1", EnqueueWays.Definitions);
        await looks.ReachedAsync();

        var id = await EnqueueWays.EnqueueAsync(engine, Database, "transaction").Within(Bounded.Limit);

        Assert.Equal(1, await engine.Retrieve<int>(id).GetResultAsync(Cancel).Within(Soon));
    }

    [Fact]
    public async Task An_enqueue_by_another_process_is_begun_without_a_look()
    {
        await LaunchBlindAsync("executor-1", Quick());
        await looks.ReachedAsync();
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel).Within(Bounded.Limit);

        var handle = await client.StartAsync(Quick(), 1, new() { Queue = "line" }, Cancel);

        Assert.Equal(1, await handle.GetResultAsync(Cancel).Within(Soon));
    }

    [Fact]
    public async Task What_a_client_enqueues_last_before_it_closes_is_begun_without_a_look()
    {
        var engine = await LaunchBlindAsync("executor-1", Quick());
        await looks.ReachedAsync();
        var announcing = new Probe();
        var faults = new CallFaults
        {
            Before = (call, token) => call.Kind == StoreCallKind.Announce ? announcing.PassAsync(token) : Task.CompletedTask,
        };
        var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                options.WrapStore = store => new FaultingStore(store, faults);
            },
            Cancel).Within(Bounded.Limit);
        var handle = await client.StartAsync(Quick(), 1, new() { Queue = "line" }, Cancel);
        await announcing.ReachedAsync();

        var closing = client.DisposeAsync().AsTask();
        var again = client.DisposeAsync().AsTask();
        Assert.False(again.IsCompleted);
        announcing.Open();
        await Task.WhenAll(closing, again).Within(Bounded.Limit);

        Assert.Equal(1, await engine.Retrieve<int>(handle.Id).GetResultAsync(Cancel).Within(Soon));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_place_that_becomes_free_in_one_process_is_taken_by_another_without_a_look(bool ofPartition)
    {
        var queue = ofPartition ? new WorkflowQueue("line") { PartitionConcurrency = 1 } : Line();
        var options = new StartOptions { Queue = "line", PartitionKey = ofPartition ? "a" : null };
        var (stopped, underWay) = (0, 0);
        var faults = new CallFaults
        {
            Before = async (call, token) =>
            {
                if (call.Kind == StoreCallKind.ClaimLimited)
                {
                    Interlocked.Increment(ref underWay);
                    if (Volatile.Read(ref stopped) > 0)
                    {
                        Interlocked.Decrement(ref underWay);
                        await claims.PassAsync(token);
                    }
                }
            },
            After = (call, _) =>
            {
                Interlocked.Add(ref underWay, call.Kind == StoreCallKind.ClaimLimited ? -1 : 0);
                return Task.CompletedTask;
            },
        };
        var one = await LaunchAsync(
            engine => engine.Add(queue).WrapStore = store => new FaultingStore(store, faults), Gated(), Quick());
        var first = await one.StartAsync(Gated(), 1, options, Cancel);
        await gate.ReachedAsync();

        // A claim that has begun before may take what comes later, on a connection that is only being opened.
        Interlocked.Increment(ref stopped);
        await Eventually.TrueAsync(() => Volatile.Read(ref underWay) == 0, Bounded.Limit, "the first engine claims no more");
        await LaunchBlindAsync("executor-2", queue, Gated(), Quick());
        await looks.ReachedAsync();
        var second = await one.StartAsync(Quick(), 2, options, Cancel);
        Assert.Equal(WorkflowState.Enqueued, await one.StateOfAsync(second.Id));

        gate.Open();

        Assert.Equal((1, 2), (await first.ResultAsync(), await second.GetResultAsync(Cancel).Within(Soon)));
        Assert.Equal("executor-2", (await one.GetStatusAsync(second.Id, Cancel))!.ExecutorId);
    }

    // Each engine that knows of the delay may end it: here one that serves no queue, as it may be one of another version or a full one.
    [Fact]
    public async Task What_another_process_lets_into_the_queue_when_its_delay_is_over_is_begun_without_a_look()
    {
        var one = await LaunchBlindAsync("executor-1", Quick());
        await looks.ReachedAsync();
        var passes = 0;
        var faults = new CallFaults
        {
            After = (call, _) =>
            {
                Interlocked.Add(ref passes, call.Kind == StoreCallKind.ReadExecutors ? 1 : 0);
                return Task.CompletedTask;
            },
        };
        var two = await LaunchAsync(
            options =>
            {
                (options.ExecutorId, options.ListenTo, options.Lease) = ("executor-2", [], TimeSpan.FromSeconds(3));
                options.WrapStore = store => new FaultingStore(store, faults);
            },
            Quick());
        await Eventually.TrueAsync(() => Volatile.Read(ref passes) >= 3, Bounded.Limit, "the second engine has seen the first");

        var handle = await two.StartAsync(Quick(), 1, new() { Queue = "line", Delay = TimeSpan.FromMilliseconds(50) }, Cancel);

        Assert.Equal(1, await handle.GetResultAsync(Cancel).Within(Soon));
        Assert.Equal("executor-1", (await one.GetStatusAsync(handle.Id, Cancel))!.ExecutorId);
    }

    private static WorkflowQueue Line() => new("line") { Concurrency = 1 };

    private static WorkflowDefinition<int, int> Quick() => Workflow.Define<int, int>("quick").Return(x => x.Input);

    private WorkflowDefinition<int, int> Gated() =>
        Workflow.Define<int, int>("gated").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input);

    /// <summary>An engine whose looks, once it has looked at all, never come back.</summary>
    private Task<WorkflowEngine> LaunchBlindAsync(string executor, params WorkflowDefinition[] definitions) =>
        LaunchBlindAsync(executor, Line(), definitions);

    private Task<WorkflowEngine> LaunchBlindAsync(string executor, WorkflowQueue queue, params WorkflowDefinition[] definitions)
    {
        var seen = 0;
        var faults = new CallFaults
        {
            Before = (call, token) => call.Kind == StoreCallKind.ReadOutlook && Interlocked.Increment(ref seen) > 1
                ? looks.PassAsync(token)
                : Task.CompletedTask,
        };
        return LaunchAsync(
            options =>
            {
                (options.ExecutorId, options.PollInterval) = (executor, TimeSpan.FromMinutes(1));
                options.WrapStore = store => new FaultingStore(store, faults);
                options.Add(queue);
            },
            definitions);
    }
}
