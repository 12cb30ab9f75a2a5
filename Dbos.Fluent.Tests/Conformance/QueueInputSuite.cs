namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What users get wrong about queues, whichever way they go: each case has its exception, and leaves no row.</summary>
public abstract class QueueInputSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<int, int> Quick = Workflow.Define<int, int>("quick").Return(x => x.Input);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public async Task A_limit_of_zero_or_less_is_refused(int limit)
    {
        var engine = await LaunchAsync();
        (string Name, Func<WorkflowQueue> Make)[] impossible =
        [
            (nameof(WorkflowQueue.Concurrency), () => new("q") { Concurrency = limit }),
            (nameof(WorkflowQueue.WorkerConcurrency), () => new("q") { WorkerConcurrency = limit }),
            (nameof(WorkflowQueue.PartitionConcurrency), () => new("q") { PartitionConcurrency = limit }),
            (nameof(WorkflowQueue.PartitionWorkerConcurrency), () => new("q") { PartitionWorkerConcurrency = limit }),
            (nameof(RateLimit.Starts), () => new("q") { RateLimit = new(limit, Second) }),
            (nameof(RateLimit.Per), () => new("q") { PartitionRateLimit = new(1, TimeSpan.FromTicks(limit)) }),
        ];
        foreach (var (name, make) in impossible)
        {
            var refused = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
                () => engine.Queues.RegisterAsync(make(), cancellationToken: Cancel));
            Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM queues"));
    }

    [Fact]
    public async Task A_limit_above_one_that_holds_for_more_is_refused()
    {
        var engine = await LaunchAsync();
        (string Above, string Below, WorkflowQueue Queue)[] impossible =
        [
            ("WorkerConcurrency", "Concurrency", new("q") { WorkerConcurrency = 3, Concurrency = 2 }),
            ("PartitionConcurrency", "Concurrency", new("q") { PartitionConcurrency = 3, Concurrency = 2 }),
            ("PartitionWorkerConcurrency", "PartitionConcurrency", new("q") { PartitionWorkerConcurrency = 3, PartitionConcurrency = 2 }),
            ("PartitionWorkerConcurrency", "WorkerConcurrency", new("q") { PartitionWorkerConcurrency = 3, WorkerConcurrency = 2 }),
            ("PartitionWorkerConcurrency", "Concurrency", new("q") { PartitionWorkerConcurrency = 3, Concurrency = 2 }),
            ("PartitionRateLimit", "RateLimit", new("q") { PartitionRateLimit = new(3, Second), RateLimit = new(2, Second) }),
        ];
        foreach (var (above, below, queue) in impossible)
        {
            var refused = await Assert.ThrowsAsync<ArgumentException>(
                () => engine.Queues.RegisterAsync(queue, cancellationToken: Cancel));
            Assert.Contains($"{above} (3", refused.Message, StringComparison.Ordinal);
            Assert.Contains($"{below} (2", refused.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => new EngineOptions().Add(queue));
        }

        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM queues"));
    }

    [Fact]
    public async Task Whichever_way_it_is_enqueued_a_partitioned_queue_asks_for_a_key()
    {
        var queue = new WorkflowQueue("partitioned") { PartitionConcurrency = 1 };
        StartOptions keyless = new() { Queue = queue };
        var parent = Workflow.Define<string, string>("parent", Body);
        var engine = await LaunchAsync(options => options.Add(queue), Quick, parent);
        await using var connection = await Database.ConnectAsync();
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            await RefusedAsync(() => engine.StartInTransactionAsync(transaction, Quick, 1, keyless, Cancel));
            await transaction.CommitAsync(Cancel);
        }

        await RefusedAsync(() => engine.EnqueueAsync<int>("quick", [1], keyless, Cancel));
        await RefusedAsync(() => engine.StartManyAsync(Quick, [(1, keyless with { PartitionKey = "a" }), (2, keyless)], Cancel));
        Assert.Equal(0, await Database.WorkflowsAsync());

        foreach (var way in (string[])["start", "start many", "call", "debounce"])
        {
            Assert.Contains("PartitionKey", await engine.RunAsync(parent, way, way), StringComparison.Ordinal);
        }

        var id = await Assert.ThrowsAsync<ArgumentException>(
            () => engine.ForkAsync("start", 0, new() { Queue = "partitioned" }, Cancel));
        Assert.Contains("PartitionKey", id.Message, StringComparison.Ordinal);
        Assert.Equal(4, await Database.WorkflowsAsync());

        async IAsyncEnumerable<StepOr<string>> Body(string way, WorkflowContext workflow)
        {
            Step<WorkflowHandle<int>> one = way == "debounce"
                ? Step.Debounce(Quick, "k", Second, 1, options: keyless)
                : Step.Start(Quick, 1, keyless);
            if (way is "start" or "debounce")
            {
                yield return one.Try(out var started);
                yield return started.Error!.Message;
            }
            else if (way == "call")
            {
                yield return Step.Call(Quick, 1, keyless).Try(out var called);
                yield return called.Error!.Message;
            }
            else
            {
                yield return Step.StartMany(Quick, [1, 2], _ => keyless).Try(out var many);
                yield return many.Error!.Message;
            }
        }
    }

    [Fact]
    public async Task A_priority_out_of_range_and_a_held_deduplication_id_leave_no_row()
    {
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line")), Quick);
        await engine.Queues.PauseAsync("line", Cancel);
        StartOptions held = new() { Id = "holder", Queue = "line", DeduplicationId = "d" };
        await engine.StartAsync(Quick, 1, held, Cancel);

        foreach (var priority in (int[])[-1, int.MinValue])
        {
            var refused = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
                () => engine.StartAsync(Quick, 1, new() { Queue = "line", Priority = priority }, Cancel));
            Assert.Contains("Priority", refused.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.SetPriorityAsync("holder", priority, Cancel));
        }

        var other = held with { Id = "other" };
        await HeldAsync(() => engine.StartAsync(Quick, 2, other, Cancel));
        await HeldAsync(() => engine.EnqueueAsync<int>("quick", [2], other, Cancel));
        await HeldAsync(() => engine.StartManyAsync(Quick, [(2, new() { Queue = "line" }), (3, other)], Cancel));
        Assert.Equal([["holder", "0"]], await Database.QueryAsync("SELECT workflow_uuid, priority FROM workflow_status"));
    }

    private static async Task RefusedAsync(Func<Task> start)
    {
        var refused = await Assert.ThrowsAsync<ArgumentException>(start);
        Assert.Contains("PartitionKey", refused.Message, StringComparison.Ordinal);
        Assert.Contains("partitioned", refused.Message, StringComparison.Ordinal);
    }

    private static async Task HeldAsync(Func<Task> start)
    {
        var refused = await Assert.ThrowsAsync<QueueDeduplicatedException>(start);
        Assert.Equal(("line", "d", "holder"), (refused.Queue, refused.DeduplicationId, refused.HolderId));
    }
}
