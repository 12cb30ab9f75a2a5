using System.Diagnostics;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Events: set, overwritten, waited for, and recorded. Scenarios EV-01, EV-02, EV-04, EV-05.</summary>
public abstract class EventSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Rarely = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task The_latest_value_of_each_event_is_read_while_its_workflow_runs_and_after_it_has_ended()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit>("setter", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();

        Assert.Equal(("one", "two"), (await ReadAsync("k1"), await ReadAsync("k2")));
        gate.Open();
        await handle.ResultAsync();

        Assert.Equal(("one again", "two again"), (await ReadAsync("k1"), await ReadAsync("k2")));
        var all = await engine.GetAllEventsAsync<string>("W", Cancel);
        Assert.Equal(
            "k1 one again, k2 two again",
            string.Join(", ", all.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {pair.Value}")));
        Assert.Equal("0 DBOS.setEvent, 1 set, 2 wait, 3 DBOS.setEvent, 4 set", await engine.StepsAsync("W"));

        async Task<string?> ReadAsync(string key) => (await engine.GetEventAsync<string>("W", key, TimeSpan.Zero, Cancel)).Value;

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.SetEvent("k1", "one");
            yield return Step.Run("set", s => s.Client.SetEventAsync("k2", "two", s));
            yield return Step.Run("wait", s => gate.PassAsync(s));
            yield return Step.SetEvent("k1", "one again");
            yield return Step.Run("set", s => s.Client.SetEventAsync("k2", "two again", s));
        }
    }

    [Fact]
    public async Task Each_setting_leaves_its_value_as_of_its_step_and_a_replay_leaves_nothing()
    {
        var workflow = Flows.Series(
            "setter",
            () =>
            [
                Step.SetEvent("k", 1),
                Step.Run("set", async s =>
                {
                    await s.Client.SetEventAsync("k", 2, s);
                    await s.Client.SetEventAsync("k", 3, s);
                    await s.Client.SetEventAsync("other", 4, s);
                }),
                Step.SetEvent("k", 5),
            ]);
        var engine = await LaunchAsync(workflow);
        await (await engine.StartAsync(workflow, default, new() { Id = "W", Format = PayloadFormat.PortableJson }, Cancel)).ResultAsync();
        var stored = await Database.StoredStepsAsync("W");
        await Database.ExecuteAsync("UPDATE workflow_events SET value = '6' WHERE key = 'k'");

        engine = await FlipAndRelaunchAsync(engine, ["W"], workflow);
        await engine.ResultAsync<Unit>("W");

        Assert.Equal(
            ["0 k 1 portable_json", "1 k 3 portable_json", "1 other 4 portable_json", "2 k 5 portable_json"],
            await RowsAsync("function_id, key, value, serialization", "workflow_events_history"));
        Assert.Equal(["k 6 portable_json", "other 4 portable_json"], await RowsAsync("key, value, serialization", "workflow_events"));
        Assert.Equal(stored, await Database.StoredStepsAsync("W"));
        Assert.Equal(
            ["0 DBOS.setEvent - portable_json", "2 DBOS.setEvent - portable_json"],
            (await Database.StepRowsAsync("W")).Where(row => row.Contains("DBOS")));
    }

    [Fact]
    public async Task A_null_value_counts_as_set()
    {
        var workflow = Flows.Series("setter", () => [Step.SetEvent<string?>("k", null)]);
        var reader = Flows.One("reader", () => Step.GetEvent<string?>("W", "k", Long));
        var engine = await LaunchAsync(workflow, reader);
        await engine.RunAsync(workflow, default, "W");

        Assert.Equal(new Optional<string?>(true, null), await engine.GetEventAsync<string?>("W", "k", Long, Cancel).Within(Bounded.Limit));
        Assert.Equal(new Optional<string?>(true, null), await engine.RunAsync(reader, default, "R"));
        Assert.Null(Assert.Single(await engine.GetAllEventsAsync<string?>("W", Cancel)).Value);
    }

    [Fact]
    public async Task An_event_that_nobody_has_set_is_waited_for_and_inside_a_workflow_that_is_recorded()
    {
        var timeout = TimeSpan.FromMilliseconds(150);
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1)]);
        var reader = Workflow.Define<Unit, string>("reader", Body);
        var engine = await LaunchAsync(setter, reader);

        var watch = Stopwatch.StartNew();
        Assert.False((await engine.GetEventAsync<int>("W", "k", timeout, Cancel)).HasValue);
        Assert.False((await engine.GetEventAsync<int>("W", "k", timeout, Cancel)).HasValue);
        Assert.InRange(watch.Elapsed, timeout * 1.9, Bounded.Limit);
        Assert.Equal("none none", await engine.RunAsync(reader, default, "R"));
        await engine.RunAsync(setter, default, "W");
        var stored = await Database.StoredStepsAsync("R");
        engine = await FlipAndRelaunchAsync(engine, ["R"], setter, reader);

        Assert.Equal("none none", await engine.ResultAsync<string>("R"));
        Assert.Equal(stored, await Database.StoredStepsAsync("R"));
        Assert.Equal(1, (await engine.GetEventAsync<int>("W", "k", timeout, Cancel)).Value);
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.GetAllEventsAsync<int>("nope", Cancel));
        var rows = await Database.StepRowsAsync("R");
        Assert.Equal(("0 DBOS.getEvent - -", "2 DBOS.getEvent - -"), (rows[0], rows[2]));
        Assert.All([rows[1], rows[3]], row => Assert.Matches("^[13] DBOS.sleep [0-9]+ portable_json$", row));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.GetEvent<int>("W", "k", timeout).As(out var first);
            yield return Step.GetEvent<int>("W", "k", TimeSpan.Zero).As(out var second);
            yield return $"{(first.Result.HasValue ? "some" : "none")} {(second.Result.HasValue ? "some" : "none")}";
        }
    }

    [Fact]
    public async Task What_a_workflow_read_is_recorded_as_its_setter_wrote_it_and_stays_so_when_the_event_changes()
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1)]);
        var reader = Flows.One("reader", () => Step.GetEvent<int>("W", "k", Timeout.InfiniteTimeSpan));
        var engine = await LaunchAsync(setter, reader);
        await (await engine.StartAsync(setter, default, new() { Id = "W", Format = PayloadFormat.PortableJson }, Cancel)).ResultAsync();
        await engine.RunAsync(reader, default, "R");
        await Database.ExecuteAsync("UPDATE workflow_events SET value = '2'");

        engine = await FlipAndRelaunchAsync(engine, ["R"], setter, reader);

        Assert.Equal(new Optional<int>(true, 1), await engine.ResultAsync<Optional<int>>("R"));
        Assert.Equal("0 DBOS.getEvent 1 portable_json", (await Database.StepRowsAsync("R"))[0]);
    }

    [Fact]
    public async Task The_moment_at_which_a_wait_for_an_event_ends_survives_a_relaunch()
    {
        var time = new ManualTimeProvider();
        var reader = Flows.One("reader", () => Step.GetEvent<int>("W", "k", TimeSpan.FromHours(1)));
        var engine = await LaunchAsync(options => options.TimeProvider = time, reader);
        await engine.BeginAsync(reader, default, "R");
        await Eventually.TrueAsync(() => Database.HasStepAsync("R", 1), Bounded.Limit);
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMilliseconds(1));
        engine = await LaunchAsync(options => options.TimeProvider = time, reader);

        Assert.False((await engine.ResultAsync<Optional<int>>("R")).HasValue);
    }

    [Theory]
    [InlineData("client")]
    [InlineData("workflow")]
    [InlineData("receive")]
    public async Task A_wait_looks_once_when_it_begins_and_not_again_when_it_ends(string how)
    {
        var looks = 0;
        var timeout = TimeSpan.FromMilliseconds(300);
        var get = Flows.One("get", () => Step.GetEvent<int>("W", "k", timeout));
        var receive = Flows.One("receive", () => Step.Receive<int>(null, timeout));
        var engine = await LaunchCountingAsync(call => Count(call), get, receive);

        // The listener's connection looks, too, when it is made; the first wait may meet that.
        List<int> counted = [];
        while (!counted.Contains(1) && counted.Count < 5)
        {
            looks = 0;
            Assert.False((await WaitAsync($"R{counted.Count}")).HasValue);
            counted.Add(looks);
        }

        Assert.Equal(1, counted[^1]);

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

        Assert.All(ends, end => Assert.InRange(end, timeout * 0.9, timeout * 6));
        Assert.InRange(ends.Max() - ends.Min(), TimeSpan.Zero, timeout * 3);
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

        Assert.Equal(1, (await waiting.Within(TimeSpan.FromSeconds(10))).Value);
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

        Assert.Equal(1, (await waiting.Within(TimeSpan.FromSeconds(10))).Value);
    }

    [Fact]
    public async Task A_value_of_another_type_is_refused_to_its_reader_and_stays_for_others()
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", "text")]);
        var reader = Flows.One("reader", () => Step.GetEvent<int>("W", "k", Long));
        var engine = await LaunchAsync(setter, reader);
        await engine.RunAsync(setter, default, "W");

        await Assert.ThrowsAsync<SerializationFailedException>(() => engine.GetEventAsync<int>("W", "k", Long, Cancel));
        await Assert.ThrowsAsync<SerializationFailedException>(() => engine.GetAllEventsAsync<int>("W", Cancel));
        await Assert.ThrowsAnyAsync<DbosException>(() => engine.RunAsync(reader, default, "R"));

        Assert.Equal("text", (await engine.GetEventAsync<string>("W", "k", Long, Cancel)).Value);
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

    private async Task<string[]> RowsAsync(string columns, string table) =>
        [.. (await Database.QueryAsync($"SELECT {columns} FROM {table} ORDER BY {columns}")).Select(row => string.Join(' ', row))];
}
