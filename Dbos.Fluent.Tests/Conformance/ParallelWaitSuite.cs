namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Branches that wait and call children, and items, when a crash or a failure comes in the middle of them.</summary>
public abstract class ParallelWaitSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const string Steps = "0 DBOS.recv, 1 DBOS.recv, 2 DBOS.getEvent, 3 child, 4 DBOS.sleep, 5 quick, 7 DBOS.sleep, 8 DBOS.sleep, "
        + "9 DBOS.getResult, 10 slept, 12 took, 13 late";

    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();
    private readonly Probe gate = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_crash_among_waiting_branches_runs_only_what_has_not_ended(bool leavesMemory)
    {
        var child = Gated();
        var workflow = Waiting(child);
        var engine = await LaunchAsync(leavesMemory, workflow, child);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await engine.SendAsync("A", "hello", "t", cancellationToken: Cancel);
        await Eventually.TrueAsync(
            async () => (counts["took"], await StepsAsync(engine)) == (1, 7), Bounded.Limit, "one has its message, the others wait");

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        engine = await LaunchAsync(leavesMemory, workflow, child);
        await gate.ReachedAsync();
        gate.Open();
        time.Advance(TimeSpan.FromHours(1));
        await Eventually.TrueAsync(
            async () =>
            {
                // A timer that was about to be set when the clock moved is set for later.
                time.Advance(TimeSpan.FromSeconds(1));
                return await StepsAsync(engine) == 10;
            },
            Bounded.Limit,
            "all but one have ended");
        await engine.SendAsync("A", "late", "u", cancellationToken: Cancel);

        Assert.Equal("hello late False 7 True", await engine.ResultAsync<string>("A"));
        Assert.Equal((1, 1, 1, 1), (counts["quick"], counts["took"], counts["slept"], counts["late"]));
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
        Assert.Equal(Steps, await engine.StepsAsync("A"));
        Assert.Equal((2, 0), (await Database.MessagesAsync(), await Database.UnreadAsync()));

        async Task<long> StepsAsync(WorkflowEngine engine) => (await engine.GetHistoryAsync("A", Cancel)).Checkpoints.Count;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_failing_branch_ends_the_waits_of_the_others_and_leaves_messages_and_children_alone(bool leavesMemory)
    {
        var (child, fail) = (Gated(), new Probe());
        var workflow = Workflow.Define<Unit, int>("failing")
            .Parallel(
                ("receives", b => b.Receive<int>("t")),
                ("calls", b => b.Call(child, _ => default)),
                ("gets", b => b.GetEvent<int>(_ => "nobody", "k", TimeSpan.FromHours(1))),
                ("reads", b => b.Then(x => Step.ReadStream<int>(x.Workflow.WorkflowId, "s", 0))),
                ("sleeps", b => b.Sleep(TimeSpan.FromHours(1)).Step("after", _ => Task.FromResult(counts.Add("after")))),
                ("fails", b => b.Step<int>("fails", async x =>
                {
                    counts.Add("fails");
                    await fail.PassAsync(x.CancellationToken);
                    throw new TimeoutException("as asked");
                })))
            .Return(_ => 1);
        var engine = await LaunchAsync(leavesMemory, workflow, child);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await fail.ReachedAsync();
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 3, Bounded.Limit, "all others wait");
        fail.Open();

        Assert.Equal("as asked", (await handle.FailureAsync()).Message);
        const string Ended = "1 child, 4 DBOS.sleep, 5 fails failed, 8 DBOS.sleep";
        Assert.Equal(Ended, await engine.StepsAsync("A"));
        await engine.SendAsync("A", 1, "t", cancellationToken: Cancel);
        time.Advance(TimeSpan.FromDays(1));
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.FlipAsync("A");
        engine = await LaunchAsync(leavesMemory, workflow, child);
        Assert.Equal("as asked", (await engine.Retrieve<int>("A").FailureAsync()).Message);

        Assert.Equal((Ended, 1, 0), (await engine.StepsAsync("A"), counts["fails"], counts["after"]));
        Assert.Equal(1, await Database.UnreadAsync());
        gate.Open();
        Assert.Equal(7, await engine.ResultAsync<int>("A-1"));
    }

    [Fact]
    public async Task A_failing_item_cancels_and_awaits_its_neighbours_and_no_further_one_begins()
    {
        var (here, ended, began) = (new Meeting(1), 0, new System.Collections.Concurrent.ConcurrentQueue<int>());
        var workflow = Workflow.Define<Unit, string>("items")
            .ForEach(_ => Enumerable.Range(0, 6), "item", EachAsync, maxParallel: 2).Try(out var outcome)
            .Return(x => $"{x.Get(outcome).Error!.Message} {Volatile.Read(ref ended)}");
        var engine = await LaunchAsync(workflow);

        Assert.Equal("no 1 1", await engine.RunAsync(workflow, default, "A"));
        Assert.Equal([0, 1], began.Order());
        Assert.Equal("1 item failed", await engine.StepsAsync("A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("no 1 1", await engine.ResultAsync<string>("A"));
        Assert.Equal((2, "1 item failed"), (began.Count, await engine.StepsAsync("A")));

        async Task<int> EachAsync(int item, StepState<Unit> step)
        {
            began.Enqueue(item);
            if (item == 1)
            {
                await here.AllAreHere;
                throw new TimeoutException("no 1");
            }

            here.Arrive();
            await new TaskCompletionSource().Task.WaitAsync(step.CancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Interlocked.Increment(ref ended);
            throw new OperationCanceledException(step.CancellationToken);
        }
    }

    [Fact]
    public async Task A_crash_in_the_middle_of_items_runs_those_again_that_had_not_ended()
    {
        var workflow = Workflow.Define<Unit, string>("items")
            .ForEach(_ => Enumerable.Range(0, 5), "item", EachAsync, maxParallel: 2).As(out var items)
            .Return(x => string.Join(',', x.Get(items)));
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await gate.ReachedAsync();
        await Eventually.TrueAsync(async () => await CheckpointCountAsync("A") == 1, Bounded.Limit, "the first is stored");

        engine = await RelaunchAsync(engine, workflow);
        await gate.ReachedAsync();
        await gate.ReachedAsync();
        gate.Open();

        Assert.Equal("0,1,2,3,4", await engine.ResultAsync<string>("A"));
        Assert.Equal("1,2,2,1,1", string.Join(',', Enumerable.Range(0, 5).Select(item => counts[$"{item}"])));

        async Task<int> EachAsync(int item, StepState<Unit> step)
        {
            counts.Add($"{item}");
            await (item == 0 ? Task.CompletedTask : gate.PassAsync(step.CancellationToken));
            return item;
        }
    }

    private Task<WorkflowEngine> LaunchAsync(bool leavesMemory, params WorkflowDefinition[] definitions) => LaunchAsync(
        options => (options.TimeProvider, options.UnloadAfter) = (time, leavesMemory ? TimeSpan.Zero : Timeout.InfiniteTimeSpan),
        definitions);

    private WorkflowDefinition<Unit, int> Gated() => Workflow.Define<Unit, int>("child")
        .Step("wait", x => gate.PassAsync(x.CancellationToken)).Return(_ => 7);

    private WorkflowDefinition<Unit, string> Waiting(WorkflowDefinition<Unit, int> child)
    {
        ResultOf<string> first = null!;
        ResultOf<Optional<string>> second = null!;
        ResultOf<Optional<int>> none = null!;
        ResultOf<int> called = null!;
        ResultOf<bool> slept = null!;
        return Workflow.Define<Unit, string>("waiting")
            .Parallel(
                ("told", b => b.Receive<string>("t").As(out first).Step("took", _ => Counted("took"))),
                ("told late", b => b.Receive<string>("u", TimeSpan.FromDays(1)).As(out second).Step("late", _ => Counted("late"))),
                ("event", b => b.GetEvent<int>(_ => "nobody", "k", TimeSpan.FromHours(1)).As(out none)),
                ("child", b => b.Call(child, _ => default).As(out called)),
                ("sleep", b => b.Sleep(TimeSpan.FromHours(1)).Step("slept", _ => Counted("slept")).As(out slept)),
                ("quick", b => b.Step("quick", _ => Counted("quick"))))
            .Return(x => $"{x.Get(first)} {x.Get(second).Value} {x.Get(none).HasValue} {x.Get(called)} {x.Get(slept)}");
    }

    private Task<bool> Counted(string name) => Task.FromResult(counts.Add(name, true));
}
