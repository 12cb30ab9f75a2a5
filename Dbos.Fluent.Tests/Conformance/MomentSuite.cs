namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What waits for a moment goes on when it has come, not a millisecond before, wherever it waits. Scenarios SL, TO, QY.</summary>
public abstract class MomentSuite : EngineSuite
{
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Whole = TimeSpan.FromHours(3);
    private static readonly string[] Kinds =
        ["sleep", "sleep until", "receive", "receive until", "event", "deadline", "delay", "delay until", "debounce"];

    // A moment between two milliseconds, the smallest unit of the tables: the later one counts.
    private static readonly TimeSpan Part = TimeSpan.FromMilliseconds(0.6);

    private readonly ManualTimeProvider time = new();
    private readonly DateTimeOffset start;
    private readonly WorkflowDefinition<Order, DateTimeOffset> workflow;

    protected MomentSuite(IDatabaseFixture fixture)
        : base(fixture) => (start, workflow) = (time.GetUtcNow(), Workflow.Define<Order, DateTimeOffset>("waiting", WaitAsync));

    [Theory]
    [InlineData("in memory")]
    [InlineData("out of memory")]
    [InlineData("taken over")]
    public async Task Nothing_goes_on_before_its_moment_and_everything_does_then(string where)
    {
        var leaves = where == "out of memory";
        var engine = await LaunchAsync(leaves);
        await BeginAllAsync(engine, "early", Whole - Instant);
        await BeginAllAsync(engine, "late", Whole);
        await engine.BeginAsync(workflow, new Order("receive", Whole), "told");
        await (leaves ? LeftAsync(13) : WaitingAsync(engine, sleeps: 11, inboxes: 7));
        if (where == "taken over")
        {
            await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        }

        time.Advance(Whole - Instant);
        engine = where == "taken over" ? await LaunchAsync(leaves) : engine;

        // What is due now goes the same ways as what is due in a millisecond: one claim, one look at deadlines, one release of delays.
        await AllEndAsync(engine, "early", Whole - Instant);
        Assert.Equal(Kinds.Length, await Database.CountAsync(
            "SELECT count(*) FROM workflow_status WHERE workflow_uuid LIKE 'late%' AND completed_at IS NULL"));
        Assert.Equal((WorkflowState.Delayed, null), await DelayedAsync(engine, "late delay"));
        await (leaves ? LeftAsync(7) : WaitingAsync(engine, sleeps: 11, inboxes: 4));
        await engine.SendAsync("told", 7, "t", cancellationToken: Cancel);
        Assert.Equal(start + Whole - Instant, await engine.ResultAsync<DateTimeOffset>("told"));

        time.Advance(Instant);
        await AllEndAsync(engine, "late", Whole);
    }

    private Task<WorkflowEngine> LaunchAsync(bool leaves) => LaunchAsync(
        options => (options.TimeProvider, options.UnloadAfter) = (time, leaves ? TimeSpan.Zero : Timeout.InfiniteTimeSpan), workflow);

    private async Task BeginAllAsync(WorkflowEngine engine, string which, TimeSpan length)
    {
        foreach (var kind in Kinds)
        {
            var (order, options) = (new Order(kind, length), new StartOptions { Id = $"{which} {kind}" });
            options = kind switch
            {
                "deadline" => options with { Timeout = length },
                "delay" => options with { Delay = length },
                "delay until" => options with { Delay = Whole * 2 },
                _ => options,
            };
            await (kind == "debounce"
                ? engine.Debounce(workflow).CallAsync(which, length, order, options, Cancel)
                : engine.StartAsync(workflow, order, options, Cancel)).Within(Bounded.Limit);
        }

        Assert.True(await engine.SetDelayAsync($"{which} delay until", start + length - Part, Cancel));
    }

    // Ends, and sees as its own time the moment at which it was to go on.
    private async Task AllEndAsync(WorkflowEngine engine, string which, TimeSpan length)
    {
        foreach (var kind in Kinds)
        {
            var handle = engine.Retrieve<DateTimeOffset>($"{which} {kind}");
            if (kind == "deadline")
            {
                Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());
            }
            else
            {
                Assert.Equal((kind, start + length), (kind, await handle.ResultAsync()));
            }

            Assert.Equal((kind, start + length), (kind, (await handle.GetStatusAsync(Cancel)).CompletedAt));
        }

        Assert.Equal((WorkflowState.Success, start + length), await DelayedAsync(engine, $"{which} delay"));
    }

    private static async Task<(WorkflowState State, DateTimeOffset? StartedAt)> DelayedAsync(WorkflowEngine engine, string id) =>
        await engine.GetStatusAsync(id, Cancel) is { } status ? (status.State, status.StartedAt) : default;

    private Task LeftAsync(int waits) => Eventually.TrueAsync(
        async () => await Database.CountAsync("SELECT count(*) FROM fluent_waits") == waits, Bounded.Limit, $"{waits} have left memory");

    private Task WaitingAsync(WorkflowEngine engine, int sleeps, int inboxes) => Eventually.TrueAsync(
        async () => (engine.Core.Wakeups.Inboxes.Count, engine.Core.Wakeups.Events.Count) == (inboxes, 1)
            && await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'") == sleeps,
        Bounded.Limit,
        $"{inboxes} receive and all others wait");

    private async IAsyncEnumerable<StepOr<DateTimeOffset>> WaitAsync(Order order, WorkflowContext context)
    {
        yield return order.Kind switch
        {
            "sleep" => Step.Sleep(order.Length),
            "sleep until" => Step.SleepUntil(start + order.Length - Part),
            "receive" => Step.Receive<int>("t", order.Length),
            "receive until" => Step.Receive<int>("t", start + order.Length - Part),
            "event" => Step.GetEvent<int>("nobody", "k", order.Length),
            "deadline" => Step.Receive<int>("t"),
            _ => Step.Run("at once", _ => Task.CompletedTask),
        };
        yield return context.UtcNow;
    }

    private sealed record Order(string Kind, TimeSpan Length);
}
