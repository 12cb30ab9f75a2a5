namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Deadlines, cancels and resumes of what goes through queues. Scenarios TO-01, TO-02, CR-07, CR-10.</summary>
public abstract class CancelQueueSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();
    private readonly Probe gate = new();

    // The children sleep again and again, five hours in all; one of them waits behind a pause, one for the end of its delay.
    [Theory]
    [InlineData(Form.Iterator, true)]
    [InlineData(Form.Iterator, false)]
    [InlineData(Form.Fluent, true)]
    [InlineData(Form.Fluent, false)]
    public async Task Enqueued_children_end_with_the_time_of_an_enqueued_parent_unless_they_are_detached(Form form, bool leavesMemory)
    {
        var child = Napping();
        var parent = Parent(form, child);

        // Makes the tables and is gone: by the clock of this one the deadlines to come have passed.
        await (await LaunchAsync()).StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await EnqueueWithPauseAsync(parent);
        var engine = await LaunchVirtualAsync(leavesMemory, parent, child);
        foreach (var id in new[] { "P-0", "P-1", "P-4" })
        {
            await Eventually.TrueAsync(async () => await CheckpointCountAsync(id) == 1, Bounded.Limit, $"{id} naps");
        }

        // Its time runs from where it begins, by the clock of whoever runs it, and not from where it was enqueued.
        var deadline = time.GetUtcNow() + (Hour * 2);
        foreach (var id in new[] { "P", "P-0", "P-2", "P-3", "P-4" })
        {
            Assert.Equal((id, deadline), (id, (await engine.GetStatusAsync(id, Cancel))!.Deadline));
        }

        await AdvanceAsync(1);
        await AdvanceAsync(2);

        Assert.Equal(CancellationReason.DeadlineExceeded, await engine.Retrieve<Unit>("P").CancellationAsync());
        foreach (var id in new[] { "P-0", "P-2", "P-3", "P-4" })
        {
            Assert.Equal(CancellationReason.DeadlineExceeded, await engine.Retrieve<int>(id).CancellationAsync());
        }

        for (var nap = 3; nap <= 5; nap++)
        {
            await AdvanceAsync(nap);
        }

        await GoingOnAsync(async () => await engine.StateOfAsync("P-1") == WorkflowState.Success, "P-1 has napped");
        Assert.Equal(5, await engine.ResultAsync<int>("P-1"));
        Assert.Equal(
            [[null, null]],
            await Database.QueryAsync(
                "SELECT workflow_timeout_ms, workflow_deadline_epoch_ms FROM workflow_status WHERE workflow_uuid = 'P-1'"));
        await engine.Queues.ResumeAsync("paused", Cancel);
        Assert.Equal(0, await CheckpointCountAsync("P-2") + await CheckpointCountAsync("P-3"));

        async Task AdvanceAsync(int nap)
        {
            await GoingOnAsync(async () => await CheckpointCountAsync("P-1") == nap, $"P-1 naps for the {nap}. time");
            time.Advance(Hour);
        }
    }

    // CR-10: the first one's body goes on meanwhile, and what it returns in the end disturbs nobody.
    [Fact]
    public async Task A_cancel_frees_the_place_in_a_queue_and_the_deduplication_id_although_the_body_goes_on()
    {
        var (stubborn, other) = (new Probe(), new Probe());
        var workflow = Workflow.Define<string, string>("placed")
            .Step("run", x => x.Input == "A" ? stubborn.PassAsync(Cancel) : other.PassAsync(x.CancellationToken))
            .Step("after", x => Task.FromResult(counts.Add(x.Input)))
            .Return(x => x.Input);
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("line") { Concurrency = 1 }), workflow);
        var first = await engine.StartAsync(workflow, "A", new() { Id = "A", Queue = "line", DeduplicationId = "d" }, Cancel);
        await stubborn.ReachedAsync();
        var second = await engine.StartAsync(workflow, "B", new() { Id = "B", Queue = "line" }, Cancel);
        Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync("B"));

        await engine.CancelAsync("A", cancellationToken: Cancel);
        await other.ReachedAsync();
        var third = await engine.StartAsync(workflow, "C", new() { Id = "C", Queue = "line", DeduplicationId = "d" }, Cancel);
        Assert.Equal(CancellationReason.Cancelled, await first.CancellationAsync());
        Assert.Equal((WorkflowState.Pending, WorkflowState.Enqueued), (await engine.StateOfAsync("B"), await engine.StateOfAsync("C")));
        stubborn.Open();
        other.Open();

        Assert.Equal(("B", "C"), (await second.ResultAsync(), await third.ResultAsync()));
        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);
        Assert.Equal((0, 1, 1), (counts["A"], counts["B"], counts["C"]));
        Assert.Equal("CANCELLED", await Database.ScalarAsync("SELECT status FROM workflow_status WHERE workflow_uuid = 'A'"));
    }

    // CR-07
    [Fact]
    public async Task A_cancelled_workflow_is_resumed_into_the_queue_that_is_named_and_keeps_to_its_limit()
    {
        var workflow = Workflow.Define<Unit, int>("resumed").Step("one", _ => Task.FromResult(counts.Add("one")))
            .Step("wait", x => gate.PassAsync(x.CancellationToken)).Return(_ => 1);
        var held = new Probe();
        var blocker = Workflow.Define<Unit>("blocker").Step("hold", x => held.PassAsync(x.CancellationToken)).End();
        var engine = await LaunchAsync(options => options.Add(new WorkflowQueue("q") { Concurrency = 1 }), workflow, blocker);
        await engine.StartAsync(blocker, default, new() { Id = "in its place", Queue = "q" }, Cancel);
        await held.ReachedAsync();
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();
        await engine.CancelAsync("A", cancellationToken: Cancel);
        gate.Open();

        await engine.ResumeAsync("A", "q", Cancel);
        Assert.Equal(("q", WorkflowState.Enqueued), await PlaceAsync());
        held.Open();

        Assert.Equal(1, await engine.ResultAsync<int>("A"));
        Assert.Equal(("q", WorkflowState.Success), await PlaceAsync());
        Assert.Equal(1, counts["one"]);

        async Task<(string?, WorkflowState)> PlaceAsync() =>
            await engine.GetStatusAsync("A", Cancel) is { } status ? (status.Queue, status.State) : default;
    }

    private static WorkflowDefinition<Unit, int> Napping()
    {
        return Workflow.Define<Unit, int>("napping", Body);

        static async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            for (var nap = 0; nap < 5; nap++)
            {
                yield return Step.Sleep(Hour);
            }

            yield return 5;
        }
    }

    private static WorkflowDefinition<Unit, Unit> Parent(Form form, WorkflowDefinition<Unit, int> child)
    {
        StartOptions inherits = new() { Queue = "line" }, detached = new() { Queue = "line", Timeout = Timeout.InfiniteTimeSpan };
        StartOptions behind = new() { Queue = "paused" }, delayed = new() { Queue = "line", Delay = Hour * 3 };
        return form.Pick(
            Workflow.Define<Unit>("parent", Body),
            Workflow.Define<Unit>("parent")
                .Start(child, _ => default, _ => inherits).Start(child, _ => default, _ => detached)
                .Start(child, _ => default, _ => behind).Start(child, _ => default, _ => delayed)
                .Call(child, _ => default, _ => inherits).End());

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(child, default, inherits);
            yield return Step.Start(child, default, detached);
            yield return Step.Start(child, default, behind);
            yield return Step.Start(child, default, delayed);
            yield return Step.Call(child, default, inherits);
        }
    }

    private Task<WorkflowEngine> LaunchVirtualAsync(bool leavesMemory, params WorkflowDefinition[] definitions) => LaunchAsync(
        options =>
        {
            options.Add(new WorkflowQueue("line"), new("paused"));
            options.TimeProvider = time;
            options.UnloadAfter = leavesMemory ? TimeSpan.Zero : Timeout.InfiniteTimeSpan;
        },
        definitions);

    private async Task EnqueueWithPauseAsync(WorkflowDefinition<Unit, Unit> parent)
    {
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        await client.Queues.RegisterAsync(new("paused"), cancellationToken: Cancel);
        await client.Queues.PauseAsync("paused", Cancel);
        await client.StartAsync(parent, default, new() { Id = "P", Queue = "line", Timeout = Hour * 2 }, Cancel);
        Assert.Null((await client.GetStatusAsync("P", Cancel))!.Deadline);
    }

    // A timer that was about to be set when the clock moved is set for later, so the clock goes on a little.
    private Task GoingOnAsync(Func<Task<bool>> condition, string what) => Eventually.TrueAsync(
        () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return condition();
        },
        Bounded.Limit,
        what);
}
