using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>The looks of a wait that the database does not answer, or answers late. Scenario EV-04.</summary>
public abstract class WaitLookSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly ManualTimeProvider time = new();
    private readonly CallFaults faults = new();
    private readonly Probe begin = new();
    private readonly Probe set = new();
    private readonly Probe stay = new();
    private WorkflowDefinition<string, Optional<int>> waiting = null!;
    private TimeSpan length = Hour;

    public static TheoryData<string> Ways { get; } =
        ["event to a client", "event to a workflow", "stream to a client", "stream to a workflow", "message"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task The_look_that_begins_a_wait_is_made_again_where_it_fails(string way)
    {
        var failures = 2;
        FailWhile(() => Interlocked.Decrement(ref failures) >= 0);
        var (engine, setter) = await LaunchAsync();

        // Nobody tells of what is there already, no poll comes in time, and the clock stands still.
        var wait = await WaitAsync(engine, way, () => SetAsync(setter, way));

        Assert.Equal(7, (await wait.Within(Bounded.Limit)).Value);
        Assert.True(failures < 0);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_look_that_gets_no_answer_says_nothing_of_what_is_there(string way)
    {
        // As many as end a try: nobody waits any longer for this answer, and the look begins anew.
        var failures = StoreBackoff.TimeoutsMax;
        length = TimeSpan.Zero;
        faults.Before = (call, _) =>
            IsLook(call) && Interlocked.Decrement(ref failures) >= 0 ? throw CallFaults.TimedOut() : Task.CompletedTask;
        var (engine, setter) = await LaunchAsync();

        var wait = await WaitAsync(engine, way, () => SetAsync(setter, way));

        Assert.Equal(7, (await wait.Within(Bounded.Limit)).Value);
        Assert.True(failures < 0);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task The_look_that_begins_a_wait_counts_although_it_outlasts_the_wait(string way)
    {
        var (held, once) = (new Probe(), 1);
        faults.Before = (call, token) =>
            IsLook(call) && Interlocked.Exchange(ref once, 0) == 1 ? held.PassAsync(token) : Task.CompletedTask;
        var (engine, setter) = await LaunchAsync();
        var wait = await WaitAsync(engine, way, () => SetAsync(setter, way));
        await held.ReachedAsync();
        if (way.EndsWith("client", StringComparison.Ordinal))
        {
            await Eventually.TrueAsync(() => time.TimersPending > 0, Bounded.Limit, "its time runs");
        }

        time.Advance(Hour * 2);
        held.Open();

        Assert.Equal(7, (await wait.Within(Bounded.Limit)).Value);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task The_look_that_ends_a_wait_is_made_again_where_it_fails(string way)
    {
        var (failures, looks) = (0, 0);
        FailWhile(() => Interlocked.Decrement(ref failures) >= 0);
        faults.After = (call, _) => Task.FromResult(IsLook(call) ? Interlocked.Increment(ref looks) : 0);
        var (engine, setter) = await LaunchAsync(notifications: false);
        var wait = await WaitAsync(engine, way, () => Task.CompletedTask);
        await Eventually.TrueAsync(
            () => Volatile.Read(ref looks) > 0 && time.TimersPending > 0, Bounded.Limit, "it has looked, and waits");
        await SetAsync(setter, way);

        Volatile.Write(ref failures, 2);
        time.Advance(Hour);

        Assert.Equal(7, (await wait.Within(Bounded.Limit)).Value);
        Assert.True(Volatile.Read(ref failures) < 0);
    }

    private static bool IsLook(StoreCall call) => call.Kind is StoreCallKind.ReadEvents or StoreCallKind.ReadStreams
        || call.Batch.Any(unit => unit is ReceiveUnit);

    private void FailWhile(Func<bool> fails) => faults.Before = (call, _) =>
        IsLook(call) && fails() ? throw CallFaults.Unavailable("Not now.") : Task.CompletedTask;

    // The engine that waits has the faults and does not poll in time; the other sets, and its workflow goes on afterwards.
    private async Task<(WorkflowEngine Engine, WorkflowEngine Setter)> LaunchAsync(bool notifications = true)
    {
        var setter = Flows.Series(
            "setter",
            () =>
            [
                Step.Run("begin", s => set.PassAsync(s)),
                Step.SetEvent("k", 7),
                Step.WriteStream("s", 7),
                Step.Run("stay", s => stay.PassAsync(s)),
            ]);
        waiting = Waiting();
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", setter);
        var engine = await LaunchAsync(
            options =>
            {
                (options.TimeProvider, options.PollInterval) = (time, TimeSpan.FromMinutes(2));
                options.UnloadAfter = Timeout.InfiniteTimeSpan;
                options.Notifications &= notifications;
                options.WrapStore = store => new FaultingStore(store, faults);
            },
            waiting);
        await other.BeginAsync(setter, default, "W");
        await set.ReachedAsync();
        return (engine, other);
    }

    private async Task SetAsync(WorkflowEngine setter, string way)
    {
        if (way == "message")
        {
            await setter.SendAsync("R", 7, cancellationToken: Cancel);
            return;
        }

        set.Open();
        await stay.ReachedAsync();
    }

    /// <summary>Begins to wait, after something else has been done, and gives what it will have.</summary>
    private async Task<Task<Optional<int>>> WaitAsync(WorkflowEngine engine, string way, Func<Task> before)
    {
        if (way.EndsWith("client", StringComparison.Ordinal))
        {
            await before();
            return way == "event to a client" ? engine.GetEventAsync<int>("W", "k", length, Cancel) : ReadFirstAsync(engine);
        }

        var handle = await engine.BeginAsync(waiting, way, "R");
        await begin.ReachedAsync();
        await before();
        begin.Open();
        return handle.GetResultAsync(Cancel);
    }

    private async Task<Optional<int>> ReadFirstAsync(WorkflowEngine engine) =>
        new(true, await engine.ReadStreamAsync<int>("W", "s", valueTimeout: length, cancellationToken: Cancel).FirstAsync(Cancel));

    private WorkflowDefinition<string, Optional<int>> Waiting()
    {
        return Workflow.Define<string, Optional<int>>("waiting", Body);

        async IAsyncEnumerable<StepOr<Optional<int>>> Body(string way, WorkflowContext workflow)
        {
            yield return Step.Run("begin", s => begin.PassAsync(s));
            yield return (way switch
            {
                "event to a workflow" => Step.GetEvent<int>("W", "k", length),
                "stream to a workflow" => Step.ReadStream<int>("W", "s", 0, length),
                _ => Step.Receive<int>(null, length),
            }).As(out var value);
            yield return StepOr.Result(value.Result);
        }
    }
}
