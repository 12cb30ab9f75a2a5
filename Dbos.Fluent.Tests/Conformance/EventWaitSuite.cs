using System.Diagnostics;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Waits for events: when they look, and what they leave behind. Scenarios EV-04, EV-05.</summary>
public abstract class EventWaitSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Rarely = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData("client")]
    [InlineData("workflow")]
    [InlineData("receive")]
    public async Task A_wait_looks_once_when_it_begins_and_again_when_its_time_is_over(string how)
    {
        var looks = 0;
        const int expected = 2;
        var timeout = TimeSpan.FromMilliseconds(300);
        var get = Flows.One("get", () => Step.GetEvent<int>("W", "k", timeout));
        var receive = Flows.One("receive", () => Step.Receive<int>(null, timeout));
        var engine = await LaunchCountingAsync(call => Count(call), get, receive);

        // The listener's connection looks, too, when it is made; the first wait may meet that.
        List<int> counted = [];
        while (!counted.Contains(expected) && counted.Count < 5)
        {
            looks = 0;
            Assert.False((await WaitAsync($"R{counted.Count}")).HasValue);
            counted.Add(looks);
        }

        Assert.Equal(expected, counted[^1]);

        Task<Optional<int>> WaitAsync(string id) => how == "client"
            ? engine.GetEventAsync<int>("W", "k", timeout, Cancel)
            : engine.RunAsync(how == "workflow" ? get : receive, default, id);

        void Count(StoreCall call)
        {
            if (call.Kind is StoreCallKind.ReadEvents or StoreCallKind.ReadUnread || call.Batch.Any(unit => unit is Storage.ReceiveUnit))
            {
                Interlocked.Increment(ref looks);
            }
        }
    }

    [Theory]
    [InlineData("event to a client")]
    [InlineData("event to a workflow")]
    [InlineData("stream to a client")]
    [InlineData("stream to a workflow")]
    [InlineData("message")]
    public async Task What_came_between_two_polls_came_in_time(string what)
    {
        var (time, hour, gate) = (new ManualTimeProvider(), TimeSpan.FromHours(1), new Probe());
        var get = Flows.One("get", () => Step.GetEvent<int>("W", "k", hour));
        var receive = Flows.One("receive", () => Step.Receive<int>(null, hour));
        var read = Workflow.Define<Unit, Optional<int>>("read", Read);
        var setter = Flows.Series(
            "setter", () => [Step.Run("wait", s => gate.PassAsync(s)), Step.SetEvent("k", 7), Step.WriteStream("s", 7)]);
        var engine = await LaunchAsync(
            options =>
            {
                (options.TimeProvider, options.PollInterval, options.Notifications) = (time, Rarely, false);
                options.UnloadAfter = Timeout.InfiniteTimeSpan;
            },
            get,
            receive,
            read);
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", setter);
        var setting = await other.BeginAsync(setter, default, "W");
        await gate.ReachedAsync();

        var waiting = WaitAsync();
        await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "it waits");
        gate.Open();
        await (what == "message" ? other.SendAsync("R", 7, cancellationToken: Cancel) : setting.ResultAsync());
        time.Advance(hour);

        Assert.Equal(7, (await waiting.Within(Bounded.Limit)).Value);

        Task<Optional<int>> WaitAsync() => what switch
        {
            "event to a client" => engine.GetEventAsync<int>("W", "k", hour, Cancel),
            "event to a workflow" => engine.RunAsync(get, default, "R"),
            "stream to a client" => ReadFirstAsync(),
            "stream to a workflow" => engine.RunAsync(read, default, "R"),
            _ => engine.RunAsync(receive, default, "R"),
        };

        async Task<Optional<int>> ReadFirstAsync() =>
            new(true, await engine.ReadStreamAsync<int>("W", "s", valueTimeout: hour, cancellationToken: Cancel).FirstAsync(Cancel));

        async IAsyncEnumerable<StepOr<Optional<int>>> Read(Unit input, WorkflowContext workflow)
        {
            yield return Step.ReadStream<int>("W", "s", 0, hour).As(out var value);
            yield return value.Result;
        }
    }

    [Fact]
    public async Task Many_waiters_look_together_and_return_together()
    {
        const int Waiters = 64;
        var looks = 0;
        var timeout = TimeSpan.FromMilliseconds(500);
        var engine = await LaunchCountingAsync(call => looks += call.Kind == StoreCallKind.ReadEvents ? 1 : 0);
        var watch = Stopwatch.StartNew();

        var ends = await Task.WhenAll(Enumerable.Range(0, Waiters).Select(async i =>
        {
            Assert.False((await engine.GetEventAsync<int>("W", $"k{i}", timeout, Cancel)).HasValue);
            return watch.Elapsed;
        })).Within(Bounded.Limit);

        Assert.All(ends, end => Assert.InRange(end, timeout * 0.9, Bounded.Limit));
        Assert.InRange(looks, 1, Waiters / 2);
        Assert.Equal(0, engine.Core.Wakeups.Events.Count);
    }

    [Theory]
    [InlineData("before")]
    [InlineData("after")]
    [InlineData("while it looks")]
    public async Task An_event_of_another_process_arrives_whenever_it_was_set(string when)
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1)]);
        var held = new Probe();
        var engine = await LaunchHoldingAsync(held, when == "while it looks");
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", setter);
        if (when == "before")
        {
            await other.RunAsync(setter, default, "W");
        }

        var waiting = engine.GetEventAsync<int>("W", "k", Long, Cancel);
        if (when == "while it looks")
        {
            await held.ReachedAsync();
        }
        else if (when == "after")
        {
            await Eventually.TrueAsync(() => engine.Core.Wakeups.Events.Count == 1, Bounded.Limit);
        }

        if (when != "before")
        {
            await other.RunAsync(setter, default, "W");
        }

        held.Open();

        Assert.Equal(1, (await waiting.Within(Bounded.Limit)).Value);
    }

    [Fact]
    public async Task A_waiter_in_the_same_process_is_told_directly()
    {
        var gate = new Probe();
        var setter = Flows.Series("setter", () => [Step.Run("wait", s => gate.PassAsync(s)), Step.SetEvent("k", 1)]);
        var engine = await LaunchAsync(options => (options.PollInterval, options.Notifications) = (Rarely, false), setter);
        await engine.BeginAsync(setter, default, "W");
        var waiting = engine.GetEventAsync<int>("W", "k", Long, Cancel);
        await Eventually.TrueAsync(() => engine.Core.Wakeups.Events.Count == 1, Bounded.Limit);

        gate.Open();

        Assert.Equal(1, (await waiting.Within(Bounded.Limit)).Value);
    }

    [Theory]
    [InlineData("client")]
    [InlineData("workflow")]
    [InlineData("parked workflow")]
    public async Task Whoever_waits_for_an_event_of_a_fork_is_told_when_it_is_made(string who)
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1), Step.Run("after", _ => Task.CompletedTask)]);
        var get = Flows.One("get", () => Step.GetEvent<int>("F", "k", Rarely));
        var engine = await LaunchAsync(
            options =>
            {
                (options.PollInterval, options.Notifications) = (Rarely, false);
                options.UnloadAfter = who == "parked workflow" ? TimeSpan.FromMilliseconds(30) : Rarely;
            },
            setter,
            get);
        await engine.RunAsync(setter, default, "W");
        var waiting = who == "client"
            ? engine.GetEventAsync<int>("F", "k", Rarely, Cancel)
            : (await engine.BeginAsync(get, default, "A")).GetResultAsync(Cancel);
        await (who == "parked workflow"
            ? Parkable.ParkedAsync(engine, "A")
            : Eventually.TrueAsync(() => engine.Core.Wakeups.Events.Count == 1, Bounded.Limit));

        await engine.ForkAsync("W", 1, new() { Id = "F" }, Cancel);

        Assert.Equal(1, (await waiting.Within(Long)).Value);
    }

    [Fact]
    public async Task Nobody_is_told_what_was_read_before_he_asked()
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1)]);
        var held = new Probe();
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", setter);
        await (await other.StartAsync(setter, default, new() { Id = "W", Format = PayloadFormat.PortableJson }, Cancel)).ResultAsync();
        var engine = await LaunchHoldingAsync(held, hold: true);
        var first = engine.GetEventAsync<int>("W", "k", Long, Cancel);
        await held.ReachedAsync();

        await Database.ExecuteAsync("UPDATE workflow_events SET value = '2'");
        var second = engine.GetEventAsync<int>("W", "k", Long, Cancel);
        held.Open();

        Assert.Equal((1, 2), ((await first.Within(Bounded.Limit)).Value, (await second.Within(Bounded.Limit)).Value));
        Assert.Equal(0, engine.Core.Wakeups.Events.Count);
    }

    [Fact]
    public async Task A_wait_that_is_given_up_leaves_nothing_behind()
    {
        var engine = await LaunchAsync();
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var waiting = engine.GetEventAsync<int>("W", "k", Timeout.InfiniteTimeSpan, giveUp.Token);
        await Eventually.TrueAsync(() => engine.Core.Wakeups.Events.Count == 1, Bounded.Limit);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Within(Bounded.Limit));
        Assert.Equal(0, engine.Core.Wakeups.Events.Count);
    }

    [Fact]
    public async Task A_wait_that_is_over_early_leaves_no_timer_behind()
    {
        var time = new ManualTimeProvider();
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1), Step.WriteStream("s", 1), Step.CloseStream("s")]);
        var engine = await LaunchAsync(options => options.TimeProvider = time, setter);
        await engine.RunAsync(setter, default, "W");
        var before = time.TimersPending;

        await engine.GetEventAsync<int>("W", "k", TimeSpan.FromHours(1), Cancel).Within(Bounded.Limit);
        await foreach (var value in engine.ReadStreamAsync<int>("W", "s", 0, TimeSpan.FromHours(1), Cancel))
        {
            Assert.Equal(1, value);
        }

        Assert.Equal(before, time.TimersPending);
    }

    // Without notifications a covering poll is the only look of another process's events; it stays as it is there.
    private Task<WorkflowEngine> LaunchHoldingAsync(Probe held, bool hold) => LaunchAsync(options =>
    {
        var once = hold ? 1 : 0;
        options.PollInterval = Database.PushesSignals ? Rarely : null;
        options.WrapStore = store => new FaultingStore(store, new CallFaults
        {
            After = (call, token) => call.Kind == StoreCallKind.ReadEvents && Interlocked.Exchange(ref once, 0) == 1
                ? held.PassAsync(token)
                : Task.CompletedTask,
        });
    });

    private Task<WorkflowEngine> LaunchCountingAsync(Action<StoreCall> count, params WorkflowDefinition[] definitions) => LaunchAsync(
        options =>
        {
            options.PollInterval = Rarely;
            options.WrapStore = store => new FaultingStore(store, new CallFaults
            {
                Before = (call, _) =>
                {
                    count(call);
                    return Task.CompletedTask;
                },
            });
        },
        definitions);
}
