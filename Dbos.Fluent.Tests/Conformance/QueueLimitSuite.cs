namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Limits of queues: of workers, of time, of partitions. Scenarios QC, QR, QX.</summary>
public abstract class QueueLimitSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly Probe gate = new();

    [Fact]
    public async Task Two_engines_keep_the_limit_of_each_and_of_both()
    {
        var (workflow, quick) = (Gated(), Workflow.Define<int, int>("quick").Return(x => x.Input));
        var queue = new WorkflowQueue("line") { Concurrency = 5, WorkerConcurrency = 3 };
        var one = await LaunchAsync(options => options.Add(queue, new("free")), workflow, quick);
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", workflow, quick);
        var handles = await StartAsync(one, workflow, 8, _ => new() { Queue = queue });
        for (var i = 0; i < 5; i++)
        {
            await gate.ReachedAsync();
        }

        // Every further claim has had its chance: the counts of the database are what the engines may not exceed.
        await one.StartAsync(workflow, 99, new() { Queue = queue }, Cancel);
        await HadTimeAsync(one, quick);
        await HadTimeAsync(other, quick);
        var running = await Database.QueryAsync(
            "SELECT executor_id, count(*) FROM workflow_status WHERE status = 'PENDING' GROUP BY executor_id ORDER BY executor_id");

        Assert.Equal(5, running.Sum(row => int.Parse(row[1]!, System.Globalization.CultureInfo.InvariantCulture)));
        Assert.All(running, row => Assert.InRange(int.Parse(row[1]!, System.Globalization.CultureInfo.InvariantCulture), 1, 3));
        gate.Open();
        foreach (var handle in handles)
        {
            await handle.ResultAsync();
        }
    }

    [Fact]
    public async Task No_span_of_time_holds_more_starts_than_its_limit()
    {
        var time = new ManualTimeProvider();
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var queue = new WorkflowQueue("line") { RateLimit = new(2, TimeSpan.FromSeconds(30)) };
        var engine = await LaunchAsync(
            options =>
            {
                options.TimeProvider = time;
                options.Add(queue);
            },
            workflow);
        var handles = await StartAsync(engine, workflow, 6, _ => new() { Queue = queue });
        await handles[1].ResultAsync();
        for (var window = 1; window < 3; window++)
        {
            time.Advance(TimeSpan.FromSeconds(29));
            Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(handles[2 * window].Id));
            time.Advance(TimeSpan.FromSeconds(1));
            await handles[(2 * window) + 1].ResultAsync();
        }

        var starts = await Database.QueryAsync(
            "SELECT started_at_epoch_ms FROM workflow_status WHERE queue_name = 'line' ORDER BY started_at_epoch_ms");
        var moments = starts.ConvertAll(row => long.Parse(row[0]!, System.Globalization.CultureInfo.InvariantCulture));
        Assert.All(Enumerable.Range(0, 4), i => Assert.True(moments[i + 2] - moments[i] >= 30_000, string.Join(' ', moments)));
    }

    [Fact]
    public async Task A_rate_limit_counts_what_started_before_a_relaunch_and_not_what_is_resumed()
    {
        var time = new ManualTimeProvider();
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var queue = new WorkflowQueue("line") { RateLimit = new(2, TimeSpan.FromMinutes(1)) };
        var engine = await LaunchAsync(Configure, workflow);
        foreach (var handle in await StartAsync(engine, workflow, 2, _ => new() { Queue = queue }))
        {
            await handle.ResultAsync();
        }

        await engine.StopAsync(TimeSpan.Zero, Cancel);
        var again = await LaunchAsync(Configure, workflow);
        var held = await StartAsync(again, workflow, 2, _ => new() { Queue = queue });
        await again.ResumeAsync(held[0].Id, cancellationToken: Cancel);

        // A window that counts nothing would have let it in too, but from its queue.
        Assert.Equal(0, await held[0].ResultAsync());
        Assert.Equal("_dbos_internal_queue", (await held[0].GetStatusAsync(Cancel)).Queue);
        await HadTimeAsync(again, workflow);
        Assert.Equal(WorkflowState.Enqueued, await again.StateOfAsync(held[1].Id));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await held[1].ResultAsync());

        void Configure(EngineOptions options)
        {
            options.TimeProvider = time;
            options.Add(queue, new("free"));
        }
    }

    // QR-03: a start counts however it ended, and what was pulled out of its queue has not started there.
    [Fact]
    public async Task A_rate_limit_counts_what_failed_and_not_what_passed_it_by()
    {
        var time = new ManualTimeProvider();
        var quick = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var failing = Workflow.Define<int, int>("failing")
            .Step("fail", _ => Task.FromException(new InvalidOperationException("no"))).Return(x => x.Input);
        var queue = new WorkflowQueue("line") { RateLimit = new(2, TimeSpan.FromMinutes(1)) };
        var engine = await LaunchAsync(options => options.Add(queue).TimeProvider = time, quick, failing);
        var failed = await engine.StartAsync(failing, 0, new() { Queue = queue }, Cancel);
        await Assert.ThrowsAsync<WorkflowFailedException>(() => failed.ResultAsync());
        await engine.Queues.PauseAsync("line", Cancel);
        var pulled = await engine.StartAsync(quick, 1, new() { Queue = queue }, Cancel);
        await engine.ResumeAsync(pulled.Id, cancellationToken: Cancel);
        Assert.Equal(1, await pulled.ResultAsync());

        await engine.Queues.ResumeAsync("line", Cancel);
        var last = await engine.StartAsync(quick, 2, new() { Queue = queue }, Cancel);
        Assert.Equal(2, await last.ResultAsync());
        var held = await engine.StartAsync(quick, 3, new() { Queue = queue }, Cancel);
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "the window's end is waited for");
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(held.Id));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(3, await held.ResultAsync());
    }

    [Fact]
    public async Task Partitions_do_not_wait_for_each_other()
    {
        var workflow = Gated();
        var free = Workflow.Define<int, int>("free").Return(x => x.Input);
        var queue = new WorkflowQueue("line") { PartitionConcurrency = 1 };
        var engine = await LaunchAsync(options => options.Add(queue), workflow, free);
        var blocked = await engine.StartAsync(workflow, 1, new() { Queue = queue, PartitionKey = "a" }, Cancel);
        await gate.ReachedAsync();
        var behind = await engine.StartAsync(free, 2, new() { Queue = queue, PartitionKey = "a" }, Cancel);
        var beside = await engine.StartAsync(free, 3, new() { Queue = queue, PartitionKey = "b" }, Cancel);

        Assert.Equal(3, await beside.ResultAsync());
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(behind.Id));
        gate.Open();

        Assert.Equal((1, 2), (await blocked.ResultAsync(), await behind.ResultAsync()));
        Assert.Equal("a", (await engine.GetStatusAsync(blocked.Id, Cancel))!.PartitionKey);
    }

    [Fact]
    public async Task A_start_names_its_partition_where_its_queue_has_them_and_nowhere_else()
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var partitioned = new WorkflowQueue("partitioned") { PartitionWorkerConcurrency = 1 };
        var engine = await LaunchAsync(options => options.Add(partitioned, new WorkflowQueue("plain")), workflow);

        var without = await Assert.ThrowsAsync<ArgumentException>(
            () => engine.StartAsync(workflow, 1, new() { Queue = partitioned }, Cancel));
        var with = await Assert.ThrowsAsync<ArgumentException>(
            () => engine.StartAsync(workflow, 1, new() { Queue = "plain", PartitionKey = "a" }, Cancel));

        StartOptions none = new() { Queue = partitioned };
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        await Assert.ThrowsAsync<ArgumentException>(() => client.StartAsync(workflow, 1, none, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.StartManyAsync(workflow, [(1, none), (2, none)], Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => engine
            .Debounce(workflow, queue: "partitioned").CallAsync("k", TimeSpan.FromSeconds(1), 1, cancellationToken: Cancel));

        Assert.Contains("StartOptions.PartitionKey", without.Message, StringComparison.Ordinal);
        Assert.Contains("PartitionConcurrency", with.Message, StringComparison.Ordinal);
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_workflow_that_waits_keeps_its_place_where_concurrency_is_limited(bool inPartition)
    {
        var (time, day) = (new ManualTimeProvider(), TimeSpan.FromDays(1));
        var sleeper = Workflow.Define<int, int>("sleeper").Sleep(day).Return(x => x.Input);
        var line = inPartition ? new WorkflowQueue("line") { PartitionConcurrency = 1 } : new("line") { Concurrency = 1 };
        var engine = await LaunchAsync(
            options => (options.TimeProvider, options.UnloadAfter, _) = (time, TimeSpan.Zero, options.Add(line, new("free"))), sleeper);
        StartOptions inLine = new() { Queue = line, PartitionKey = inPartition ? "a" : null };
        var handles = await StartAsync(engine, sleeper, 2, _ => inLine);
        foreach (var (number, handle) in handles.Index())
        {
            await Eventually.TrueAsync(
                async () => await CheckpointCountAsync(handle.Id) == 1, Bounded.Limit, $"number {number} sleeps");

            // Another one that begins to sleep later has left memory by now: so has had the chance of this one and of those behind it.
            var other = await engine.StartAsync(sleeper, 9, new() { Queue = "free" }, Cancel);
            await Parkable.ParkedAsync(engine, other.Id);
            var states = await Database.QueryAsync(
                "SELECT status, owner_xid IS NOT NULL FROM workflow_status WHERE queue_name = 'line' ORDER BY created_at, workflow_uuid");
            string[][] expected = [["PENDING", "True"], ["ENQUEUED", "False"]];
            Assert.Equal(number == 0 ? expected : [["SUCCESS", "False"], ["PENDING", "True"]], states.ConvertAll(Texts));
            Assert.Equal([[other.Id]], await Database.QueryAsync("SELECT workflow_uuid FROM fluent_waits"));
            time.Advance(day);
            Assert.Equal((number, 9), (await handle.ResultAsync(), await other.ResultAsync()));
        }

        static string[] Texts(string?[] row) => [row[0]!, row[1] is "1" or "True" ? "True" : "False"];
    }

    // CR-10
    [Fact]
    public async Task A_cancel_frees_the_place_and_the_key_at_once_although_the_body_runs_on()
    {
        var (deaf, counts) = (new Probe(), new Counts());
        var workflow = Workflow.Define<int, int>("deaf")
            .Step("wait", x => x.Input == 0 ? deaf.PassAsync() : Task.FromResult(counts.Add("ran")))
            .Return(x => x.Input);
        var queue = new WorkflowQueue("line") { Concurrency = 1, WorkerConcurrency = 1 };
        var engine = await LaunchAsync(options => options.Add(queue), workflow);
        await engine.StartAsync(workflow, 0, new() { Id = "A", Queue = queue, DeduplicationId = "d" }, Cancel);
        await deaf.ReachedAsync();
        var next = await engine.StartAsync(workflow, 1, new() { Id = "B", Queue = queue }, Cancel);

        await engine.CancelAsync("A", cancellationToken: Cancel);
        var same = await engine.StartAsync(workflow, 2, new() { Id = "C", Queue = queue, DeduplicationId = "d" }, Cancel);
        Assert.Equal((1, 2), (await next.ResultAsync(), await same.ResultAsync()));

        deaf.Open();
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal(
            [["A", "CANCELLED"], ["B", "SUCCESS"], ["C", "SUCCESS"]],
            await Database.QueryAsync("SELECT workflow_uuid, status FROM workflow_status ORDER BY 1"));
        Assert.Equal((2, 0), (counts["ran"], await CheckpointCountAsync("A")));
    }

    [Fact]
    public async Task Limits_that_cannot_be_are_refused_and_nothing_is_stored()
    {
        var engine = await LaunchAsync();
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkflowQueue("q") { Concurrency = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkflowQueue("q") { WorkerConcurrency = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkflowQueue("q") { PartitionConcurrency = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkflowQueue("q") { PartitionWorkerConcurrency = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new RateLimit(0, TimeSpan.FromSeconds(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RateLimit(1, TimeSpan.Zero));
        Assert.Throws<ArgumentException>(() => new WorkflowQueue(" "));
        Assert.Throws<ArgumentException>(() => new WorkflowQueue("_dbos_internal_queue"));
        WorkflowQueue[] impossible =
        [
            new("q") { Concurrency = 1, WorkerConcurrency = 2 },
            new("q") { Concurrency = 1, PartitionConcurrency = 2 },
            new("q") { PartitionConcurrency = 1, PartitionWorkerConcurrency = 2 },
            new("q") { RateLimit = new(1, TimeSpan.FromSeconds(1)), PartitionRateLimit = new(2, TimeSpan.FromSeconds(1)) },
        ];

        foreach (var queue in impossible)
        {
            await Assert.ThrowsAsync<ArgumentException>(() => engine.Queues.RegisterAsync(queue, cancellationToken: Cancel));
            Assert.Throws<ArgumentException>(() => new EngineOptions().Add(queue));
        }

        Assert.Empty(await engine.Queues.ListAsync(Cancel));
    }

    private WorkflowDefinition<int, int> Gated() =>
        Workflow.Define<int, int>("gated").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input);

    private static async Task<List<WorkflowHandle<int>>> StartAsync(
        WorkflowEngine engine, WorkflowDefinition<int, int> workflow, int count, Func<int, StartOptions> options)
    {
        var handles = new List<WorkflowHandle<int>>();
        for (var i = 0; i < count; i++)
        {
            handles.Add(await engine.StartAsync(workflow, i, options(i), Cancel));
        }

        return handles;
    }
}
