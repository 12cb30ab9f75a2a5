using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What a wait is waited for by: a message, an event, a stream value.</summary>
public enum Waited
{
    /// <summary>A receive.</summary>
    Message,

    /// <summary>A wait for an event.</summary>
    Event,

    /// <summary>A read of a stream.</summary>
    Stream,
}

/// <summary>Lost wake-ups are hunted: values that come at each moment of the beginning of a wait, with a signal and without one.</summary>
public abstract class WakeupSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Rarely = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(300);

    // Far below two minutes, far above what a loaded machine needs for a poll.
    private static readonly TimeSpan Soon = Bounded.Limit;

    private readonly Probe write = new();
    private readonly Probe end = new();
    private readonly Probe held = new();

    public static TheoryData<Waited, string, string> Moments { get; } = new(
        from waited in Enum.GetValues<Waited>()
        from moment in new[] { "before it looks", "after it looked", "while it waits" }
        from how in new[] { "another engine", "plain SQL" }
        select (waited, moment, how));

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task A_value_that_comes_at_any_moment_of_a_wait_arrives_at_once_or_by_the_poll(Waited waited, string moment, string how)
    {
        var (waiter, writer) = (Waiter(waited), Writer(waited));
        var other = await LaunchOtherAsync(writer);
        await BeginWriterAsync(other, writer);
        var announced = Database.PushesSignals && (how == "another engine" || waited == Waited.Message);
        var engine = await LaunchHoldingAsync(moment, announced ? Rarely : Often, waiter);
        var handle = await engine.BeginAsync(waiter, default, "R");
        await (moment == "while it waits" ? WaitingAsync(engine, waited) : held.ReachedAsync());

        await (how == "plain SQL" ? InsertAsync(waited) : WriteAsync(other, waited));
        held.Open();

        Assert.Equal(7, await handle.GetResultAsync(Cancel).Within(Soon));
        Assert.Equal(7, await engine.ResultAsync<int>("R"));
    }

    [Theory]
    [InlineData(Waited.Message, "while it waits")]
    [InlineData(Waited.Event, "before it looks")]
    [InlineData(Waited.Event, "after it looked")]
    [InlineData(Waited.Event, "while it waits")]
    [InlineData(Waited.Stream, "before it looks")]
    [InlineData(Waited.Stream, "after it looked")]
    [InlineData(Waited.Stream, "while it waits")]
    public async Task A_value_of_the_same_process_needs_no_poll_and_no_signal(Waited waited, string moment)
    {
        var (waiter, writer) = (Waiter(waited), Writer(waited));
        var engine = await LaunchHoldingAsync(
            moment, Rarely, waiter, options => options.Add(writer).Notifications = false);
        await BeginWriterAsync(engine, writer);
        var handle = await engine.BeginAsync(waiter, default, "R");
        await (moment == "while it waits" ? WaitingAsync(engine, waited) : held.ReachedAsync());

        await WriteAsync(engine, waited);
        held.Open();

        Assert.Equal(7, await handle.GetResultAsync(Cancel).Within(Soon));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    public async Task Values_and_waiters_that_meet_at_random_never_miss_each_other(int unloadAfterMs)
    {
        const int Pairs = 60;
        var (waiters, writers) = (Pair(waits: true), Pair(waits: false));
        var engine = await LaunchAsync(
            options => (options.PollInterval, options.UnloadAfter) = (Often, TimeSpan.FromMilliseconds(unloadAfterMs)), waiters);
        var other = await LaunchOtherAsync(writers);

        // Neither side waits for the other, so each pair meets as the machine happens to run them.
        var results = await Task.WhenAll(Enumerable.Range(0, Pairs).Select(async i =>
        {
            var writing = other.BeginAsync(writers, $"waiter {i}", $"writer {i}");
            var waiting = await engine.BeginAsync(waiters, $"writer {i}", $"waiter {i}");
            await (await writing).ResultAsync();
            return await waiting.ResultAsync();
        })).Within(Bounded.Limit);

        Assert.All(results, result => Assert.Equal(21, result));
        Assert.Equal(0, await Database.UnreadAsync());
    }

    [Fact]
    public async Task A_wait_for_what_is_there_already_does_not_leave_memory()
    {
        var parks = 0;
        var faults = new CallFaults
        {
            Before = (call, _) =>
            {
                Interlocked.Add(ref parks, call.Batch.Count(unit => unit is ParkUnit));
                return Task.CompletedTask;
            },
        };
        var child = Workflow.Define<Unit, int>("child", Child);
        var parent = Workflow.Define<Unit, int>("parent", Parent);
        var engine = await LaunchAsync(
            options => (options.UnloadAfter, options.WrapStore) = (TimeSpan.Zero, store => new FaultingStore(store, faults)),
            child,
            parent);
        await engine.RunAsync(child, default, "C");

        Assert.Equal(14, await engine.RunAsync(parent, default, "P"));
        Assert.Equal(0, parks);

        static async IAsyncEnumerable<StepOr<int>> Child(Unit input, WorkflowContext workflow)
        {
            yield return Step.SetEvent("k", 7);
            yield return 7;
        }

        async IAsyncEnumerable<StepOr<int>> Parent(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(child, default, new() { Id = "C" }).As(out var started);
            yield return Step.GetEvent<int>("C", "k", Timeout.InfiniteTimeSpan).As(out var set);
            yield return Step.GetEvent<int>("C", "never", TimeSpan.Zero);
            yield return Step.Await(started.Result).As(out var ended);
            yield return Step.AwaitAny([started.Result]);
            yield return set.Result.Value + ended.Result;
        }
    }

    private static WorkflowDefinition<string, int> Pair(bool waits)
    {
        return Workflow.Define<string, int>(waits ? "waiters" : "writers", waits ? Wait : Write);

        static async IAsyncEnumerable<StepOr<int>> Wait(string writer, WorkflowContext workflow)
        {
            yield return Step.GetEvent<int>(writer, "k", Timeout.InfiniteTimeSpan).As(out var set);
            yield return Step.ReadStream<int>(writer, "s", 0).As(out var value);
            yield return Step.Send(writer, "ready");
            yield return Step.Receive<int>("t").As(out var message);
            yield return set.Result.Value + value.Result.Value + message.Result;
        }

        static async IAsyncEnumerable<StepOr<int>> Write(string waiter, WorkflowContext workflow)
        {
            yield return Step.WriteStream("s", 7);
            yield return Step.SetEvent("k", 7);
            yield return Step.Receive<string>();
            yield return Step.Send(waiter, 7, "t");
            yield return 0;
        }
    }

    private static WorkflowDefinition<Unit, int> Waiter(Waited waited)
    {
        return Workflow.Define<Unit, int>("waiter", Body);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            var wait = waited switch
            {
                Waited.Message => Step.Receive<int>(null, Rarely),
                Waited.Event => Step.GetEvent<int>("W", "k", Rarely),
                _ => Step.ReadStream<int>("W", "k", 0, Rarely),
            };
            yield return wait;
            yield return wait.Result.Value;
        }
    }

    // It goes on running afterwards, so that nothing but the value wakes a reader.
    private WorkflowDefinition<Unit, Unit> Writer(Waited waited) => Flows.Series(
        "writer",
        () =>
        [
            Step.Run("write", s => write.PassAsync(s)),
            waited switch
            {
                Waited.Message => Step.Send("R", 7),
                Waited.Event => Step.SetEvent("k", 7),
                _ => Step.WriteStream("k", 7),
            },
            Step.Run("end", s => end.PassAsync(s)),
        ]);

    private async Task BeginWriterAsync(WorkflowEngine engine, WorkflowDefinition<Unit, Unit> writer)
    {
        await engine.BeginAsync(writer, default, "W");
        await write.ReachedAsync();
    }

    private async Task WriteAsync(WorkflowEngine engine, Waited waited)
    {
        write.Open();
        await end.ReachedAsync();
        Assert.Equal(WorkflowState.Pending, await engine.StateOfAsync("W"));
        var step = waited switch
        {
            Waited.Message => "DBOS.send",
            Waited.Event => "DBOS.setEvent",
            _ => "DBOS.writeStream",
        };
        Assert.Equal($"0 write, 1 {step}", await engine.StepsAsync("W"));
    }

    private Task InsertAsync(Waited waited) => waited switch
    {
        Waited.Message => Database.InsertMessageAsync("R", "7"),
        Waited.Event => Database.InsertEventAsync("W", "k", "7"),
        _ => Database.InsertStreamValueAsync("W", "k", 0, "7"),
    };

    private static Task WaitingAsync(WorkflowEngine engine, Waited waited) => Eventually.TrueAsync(
        () => 1 == waited switch
        {
            Waited.Message => engine.Core.Wakeups.Inboxes.Count,
            Waited.Event => engine.Core.Wakeups.Events.Count,
            _ => engine.Core.Wakeups.Streams.Count,
        },
        Bounded.Limit,
        "somebody waits");

    private Task<WorkflowEngine> LaunchOtherAsync(params WorkflowDefinition[] definitions) =>
        LaunchAsync(options => options.ExecutorId = "executor-2", definitions);

    private Task<WorkflowEngine> LaunchHoldingAsync(
        string moment, TimeSpan poll, WorkflowDefinition waiter, Action<EngineOptions>? configure = null)
    {
        var faults = HeldLook.At(
            moment,
            held,
            call => call.Kind is StoreCallKind.ReadEvents or StoreCallKind.ReadStreams || call.Batch.Any(unit => unit is ReceiveUnit));
        return LaunchAsync(
            options =>
            {
                (options.PollInterval, options.WrapStore) = (poll, store => new FaultingStore(store, faults));
                configure?.Invoke(options);
            },
            waiter);
    }
}
