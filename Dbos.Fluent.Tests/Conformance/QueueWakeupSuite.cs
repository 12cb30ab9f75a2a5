using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// What happens to a queue in this process moves the queue, without the look of each second that covers what nobody tells of.
/// </summary>
public abstract class QueueWakeupSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // Far above what a loaded machine needs; the look that would cover for a lost word never comes.
    private static readonly TimeSpan Soon = Bounded.Limit;

    private readonly Probe gate = new();
    private readonly Probe looks = new();
    private readonly CallFaults faults = new();

    public static TheoryData<string> Ways => [.. EnqueueWays.Plain];

    [Fact]
    public async Task An_enqueue_is_begun_without_a_look()
    {
        var engine = await LaunchBlindAsync(new WorkflowQueue("line"), Quick());

        Assert.Equal(1, await StartAsync(engine, Quick(), 1).Within(Soon));
        Assert.Equal(2, await StartAsync(engine, Quick(), 2).Within(Soon));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Whatever_way_it_came_into_the_queue_it_is_begun_without_a_look(string way)
    {
        var engine = await LaunchBlindAsync(EnqueueWays.Line, EnqueueWays.Definitions);

        var id = await EnqueueWays.EnqueueAsync(engine, Database, way).Within(Bounded.Limit);

        Assert.Equal(1, await engine.Retrieve<int>(id).GetResultAsync(Cancel).Within(Soon));
        Assert.Equal("line", (await engine.GetStatusAsync(id, Cancel))!.Queue);
    }

    [Theory]
    [InlineData("concurrency")]
    [InlineData("worker concurrency")]
    [InlineData("partition concurrency")]
    [InlineData("partition worker concurrency")]
    public async Task The_end_of_one_begins_the_next_without_a_look(string limit)
    {
        var queue = limit switch
        {
            "concurrency" => new WorkflowQueue("line") { Concurrency = 1 },
            "worker concurrency" => new("line") { WorkerConcurrency = 1 },
            "partition concurrency" => new("line") { PartitionConcurrency = 1 },
            _ => new("line") { PartitionWorkerConcurrency = 1 },
        };
        var engine = await LaunchBlindAsync(queue, Gated(), Quick());
        var partition = queue.IsPartitioned ? "a" : null;
        var first = StartAsync(engine, Gated(), 1, partition);
        await gate.ReachedAsync();
        var second = await engine.StartAsync(Quick(), 2, new() { Queue = "line", PartitionKey = partition }, Cancel);
        if (queue.IsPartitioned)
        {
            Assert.Equal(3, await StartAsync(engine, Quick(), 3, "b").Within(Soon));
        }

        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(second.Id));
        gate.Open();

        Assert.Equal((1, 2), (await first.Within(Soon), await second.GetResultAsync(Cancel).Within(Soon)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_cancel_of_one_begins_the_next_though_its_body_goes_on(bool ofWorker)
    {
        var queue = ofWorker ? new WorkflowQueue("line") { WorkerConcurrency = 1 } : new("line") { Concurrency = 1 };
        var deaf = Workflow.Define<int, int>("deaf").Step("wait", _ => gate.PassAsync()).Return(x => x.Input);
        var engine = await LaunchBlindAsync(queue, deaf, Quick());
        var first = await engine.StartAsync(deaf, 1, new() { Id = "A", Queue = "line", DeduplicationId = "d" }, Cancel);
        await gate.ReachedAsync();
        var second = StartAsync(engine, Quick(), 2);

        await engine.CancelAsync("A", cancellationToken: Cancel);

        Assert.Equal(2, await second.Within(Soon));
        var third = await engine.StartAsync(Quick(), 3, new() { Queue = "line", DeduplicationId = "d" }, Cancel);
        Assert.Equal(3, await third.GetResultAsync(Cancel).Within(Soon));
        gate.Open();
        Assert.Equal(CancellationReason.Cancelled, await first.CancellationAsync());
        Assert.Equal(4, await StartAsync(engine, Quick(), 4).Within(Soon));
        Assert.Equal(WorkflowState.Cancelled, await engine.StateOfAsync("A"));
    }

    [Theory]
    [InlineData("here")]
    [InlineData("elsewhere")]
    [InlineData("elsewhere, without a queue")]
    public async Task The_resume_of_one_frees_its_place_though_its_first_body_goes_on(string where)
    {
        var runs = 0;
        var deaf = Workflow.Define<int, int>("deaf")
            .Step("wait", _ => Interlocked.Increment(ref runs) == 1 ? gate.PassAsync() : Task.CompletedTask)
            .Return(x => x.Input);
        var held = new Probe();
        var holder = Workflow.Define<int, int>("holder").Step("hold", x => held.PassAsync(x.CancellationToken)).Return(x => x.Input);
        var engine = await LaunchBlindAsync(new WorkflowQueue("line") { WorkerConcurrency = 1 }, deaf, Quick(), holder);
        await engine.StartAsync(deaf, 1, new() { Id = "A", Queue = "line" }, Cancel);
        await gate.ReachedAsync();
        var second = StartAsync(engine, Quick(), 2);

        await using var other = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        var queue = where.EndsWith("queue", StringComparison.Ordinal) ? null : "line";
        await (where == "here" ? engine : other).ResumeAsync("A", queue, Cancel);

        Assert.Equal(2, await second.Within(Soon));
        if (where == "here")
        {
            Assert.Equal(1, await engine.ResultAsync<int>("A").Within(Soon));
        }

        // Its end gives up nothing a second time: the place of another is taken for as long as that one runs.
        var third = StartAsync(engine, holder, 3);
        await held.ReachedAsync();
        gate.Open();
        await Eventually.TrueAsync(() => engine.Core.Running!.Count == 1, Soon, "the first body has ended");
        Assert.Equal(1, engine.Core.Running!.Load.Of("line", "").RunningHere);
        var fourth = await engine.StartAsync(Quick(), 4, new() { Queue = "line" }, Cancel);
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(fourth.Id));
        held.Open();
        Assert.Equal((3, 4), (await third.Within(Soon), await fourth.GetResultAsync(Cancel).Within(Soon)));
    }

    [Fact]
    public async Task A_workflow_keeps_its_place_from_generation_to_generation()
    {
        var early = 0;
        WorkflowHandle<int>? second = null;
        WorkflowEngine? engine = null;
        var loop = Workflow.Define<int, int>("loop")
            .If(x => x.Input < 100, again => again.ContinueAsNew(x => x.Input + 1))
            .Step("look", async _ =>
            {
                await gate.PassAsync(Cancel);
                early = await engine!.StateOfAsync(second!.Id) == WorkflowState.Enqueued ? 0 : 1;
            })
            .Return(x => x.Input);
        var first = new Probe();
        var entry = Workflow.Define<int, int>("entry").Step("hold", x => first.PassAsync(x.CancellationToken)).Return(x => x.Input);
        engine = await LaunchBlindAsync(new WorkflowQueue("line") { WorkerConcurrency = 1 }, loop, entry, Quick());
        var head = StartAsync(engine, entry, 0);
        await first.ReachedAsync();
        var looping = await engine.StartAsync(loop, 1, new() { Queue = "line" }, Cancel);
        second = await engine.StartAsync(Quick(), 2, new() { Queue = "line" }, Cancel);

        first.Open();
        await gate.ReachedAsync();
        gate.Open();

        Assert.Equal((0, 100), (await head.Within(Soon), await looping.GetResultAsync(Cancel).Within(Soon)));
        Assert.Equal(2, await second.GetResultAsync(Cancel).Within(Soon));
        Assert.Equal(0, early);
    }

    [Fact]
    public async Task A_workflow_keeps_its_place_though_a_sweep_sees_its_next_generation_first()
    {
        var (first, answer) = (new Probe(), new Probe());
        faults.After = (call, token) => call.Subjects.Contains("continue L") ? answer.PassAsync(token) : Task.CompletedTask;
        var loop = Workflow.Define<int, int>("loop")
            .If(x => x.Input == 0, again => again
                .Step("first", x => first.PassAsync(x.CancellationToken))
                .ContinueAsNew(_ => 1))
            .Step("gate", x => gate.PassAsync(x.CancellationToken))
            .Return(x => x.Input);
        var engine = await LaunchBlindAsync(
            options => options.Add(new WorkflowQueue("line") { WorkerConcurrency = 1 }, new("other") { WorkerConcurrency = 1 }),
            loop,
            Quick());
        var looping = await engine.StartAsync(loop, 0, new() { Id = "L", Queue = "line" }, Cancel);
        await first.ReachedAsync();
        var second = await engine.StartAsync(Quick(), 2, new() { Queue = "line" }, Cancel);
        first.Open();
        await answer.ReachedAsync();

        await Eventually.TrueAsync(() => !engine.Core.Running!.Contains("L"), Soon, "a sweep has found another token");
        answer.Open();
        await gate.ReachedAsync();

        // The time that a claim takes.
        Assert.Equal(3, await (await engine.StartAsync(Quick(), 3, new() { Queue = "other" }, Cancel)).GetResultAsync(Cancel).Within(Soon));
        Assert.Equal(1, engine.Core.Running!.Load.Of("line", "").RunningHere);
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(second.Id));
        gate.Open();
        Assert.Equal((1, 2), (await looping.GetResultAsync(Cancel).Within(Soon), await second.GetResultAsync(Cancel).Within(Soon)));
    }

    [Fact]
    public async Task A_place_is_free_when_a_write_finds_the_workflow_cancelled_though_another_step_goes_on()
    {
        var deaf = new Probe();
        var workflow = Workflow.Define<int, int>("two at once", Body);
        var engine = await LaunchBlindAsync(new WorkflowQueue("line") { WorkerConcurrency = 1 }, workflow, Quick());
        await engine.StartAsync(workflow, 1, new() { Id = "A", Queue = "line" }, Cancel);
        await gate.ReachedAsync();
        await deaf.ReachedAsync();
        var second = StartAsync(engine, Quick(), 2);

        // As another SDK would, which announces it to nobody.
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET status = 'CANCELLED', owner_xid = NULL, completed_at = created_at WHERE workflow_uuid = 'A'");
        gate.Open();

        Assert.Equal(2, await second.Within(Soon));
        deaf.Open();
        Assert.Equal(3, await StartAsync(engine, Quick(), 3).Within(Soon));

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext context)
        {
            yield return Step.All([Step.Run("a", _ => gate.PassAsync()), Step.Run("b", _ => deaf.PassAsync())]);
            yield return input;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_window_opens_without_a_look(bool ofPartition)
    {
        var time = new ManualTimeProvider();
        var rate = new RateLimit(1, TimeSpan.FromSeconds(30));
        var queue = ofPartition ? new WorkflowQueue("line") { PartitionRateLimit = rate } : new("line") { RateLimit = rate };
        var partition = ofPartition ? "a" : null;
        var engine = await LaunchBlindAsync(options => options.Add(queue).TimeProvider = time, Quick());
        Assert.Equal(1, await StartAsync(engine, Quick(), 1, partition).Within(Soon));
        var second = await engine.StartAsync(Quick(), 2, new() { Queue = "line", PartitionKey = partition }, Cancel);
        if (ofPartition)
        {
            Assert.Equal(3, await StartAsync(engine, Quick(), 3, "b").Within(Soon));
        }

        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "the window's end is waited for");
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(second.Id));
        time.Advance(TimeSpan.FromSeconds(30));

        // A claim that was under way meanwhile tries again a moment later, and on this clock there is none by itself.
        var result = second.GetResultAsync(Cancel);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return result.IsCompleted;
            },
            Soon,
            "the window has opened");
        Assert.Equal(2, await result);
    }

    [Theory]
    [InlineData("delayed")]
    [InlineData("delayed less")]
    [InlineData("debounced")]
    public async Task A_delay_ends_on_time_without_a_further_look(string how)
    {
        var (time, blind) = (new ManualTimeProvider(), false);
        faults.Before = (call, token) =>
            call.Kind == StoreCallKind.ReadOutlook && Volatile.Read(ref blind) ? looks.PassAsync(token) : Task.CompletedTask;
        var engine = await LaunchAsync(
            options =>
            {
                options.WrapStore = store => new FaultingStore(store, faults);
                options.Add(new WorkflowQueue("line")).TimeProvider = time;
            },
            Quick());
        var (delay, sooner) = (TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(20));
        var handle = how == "debounced"
            ? await engine.Debounce(Quick(), queue: "line").CallAsync("k", delay, 1, cancellationToken: Cancel)
            : await engine.StartAsync(Quick(), 1, new() { Queue = "line", Delay = delay }, Cancel);
        if (how == "delayed less")
        {
            await engine.SetDelayAsync(handle.Id, sooner, Cancel);
        }

        var left = how == "delayed less" ? sooner : delay;
        while (await time.NextTimerAsync() != left)
        {
            // Another timer, or that of the longer delay.
        }

        Volatile.Write(ref blind, true);
        await looks.ReachedAsync();
        time.Advance(sooner - TimeSpan.FromSeconds(1));
        Assert.Equal(WorkflowState.Delayed, await engine.StateOfAsync(handle.Id));
        time.Advance(left - sooner + TimeSpan.FromSeconds(1));

        Assert.Equal(1, await handle.GetResultAsync(Cancel).Within(Soon));
    }

    private static WorkflowDefinition<int, int> Quick() => Workflow.Define<int, int>("quick").Return(x => x.Input);

    private static async Task<int> StartAsync(
        WorkflowEngine engine, WorkflowDefinition<int, int> workflow, int input, string? partition = null) =>
        await (await engine.StartAsync(workflow, input, new() { Queue = "line", PartitionKey = partition }, Cancel)).GetResultAsync(Cancel);

    private WorkflowDefinition<int, int> Gated() =>
        Workflow.Define<int, int>("gated").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(x => x.Input);

    private Task<WorkflowEngine> LaunchBlindAsync(WorkflowQueue queue, params WorkflowDefinition[] definitions) =>
        LaunchBlindAsync(options => options.Add(queue), definitions);

    /// <summary>An engine whose looks, once it has looked at all, never come back; it hears of nothing but its own doings.</summary>
    private async Task<WorkflowEngine> LaunchBlindAsync(Action<EngineOptions> configure, params WorkflowDefinition[] definitions)
    {
        var seen = 0;
        faults.Before = (call, token) =>
            call.Kind == StoreCallKind.ReadOutlook && Interlocked.Increment(ref seen) > 1 ? looks.PassAsync(token) : Task.CompletedTask;
        var engine = await LaunchAsync(
            options =>
            {
                (options.Notifications, options.PollInterval) = (false, TimeSpan.FromMinutes(1));
                options.WrapStore = store => new FaultingStore(store, faults);
                configure(options);
            },
            definitions);
        await looks.ReachedAsync();
        return engine;
    }
}
