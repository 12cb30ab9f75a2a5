using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>
/// Every kind of waiter, when the connection that listens for it is killed at each moment of its beginning and nothing that is announced
/// reaches it: what comes is found by its own look, or by the look at everything when the listener is back, and else by the covering poll.
/// </summary>
public sealed class PostgresLostListenerTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private const string BeforeItRegisters = "before it registers";
    private const string BeforeItLooks = "before it looks";
    private const string AfterItLooked = "after it looked";
    private const string WhileItWaits = "while it waits";
    private const string Parked = "parked receive";

    // No poll comes within a test.
    private static readonly TimeSpan Rarely = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(300);

    // The listener is known by its connection's name and by what it asked last. What a former test has left of connections has another.
    private readonly string name = $"waiter {Guid.NewGuid():N}";
    private readonly Probe write = new();
    private readonly Probe busy = new();
    private readonly Probe held = new();
    private readonly Probe back = new();
    private readonly TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WorkflowDefinition<Unit, int>? waiting;
    private int looks;

    public static TheoryData<string> Waiters { get; } =
        [Parked, "receive", "event", "stream", "await", "client's event", "client's stream", "client's result"];

    public static TheoryData<string, string> Moments { get; } = new(
        from waiter in Waiters
        from moment in new[] { BeforeItRegisters, BeforeItLooks, AfterItLooked, WhileItWaits }
        select (waiter.Data, moment));

    // A connection on which nothing came for a while asks whether it is still there.
    private string KillListener =>
        $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{name}' "
        + "AND (query LIKE 'LISTEN%' OR query = 'SELECT 1') AND state = 'idle'";

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task What_comes_while_nobody_listens_is_found_by_the_first_look_or_when_the_listener_is_back(string waiter, string moment)
    {
        var other = await LaunchWriterAsync();
        var engine = await LaunchWaiterAsync(waiter, moment, Rarely);
        await (moment == BeforeItRegisters ? KillListenerAsync() : Task.CompletedTask);
        var result = await BeginAsync(engine, waiter);
        var holds = moment is BeforeItLooks or AfterItLooked;
        await (holds ? held.ReachedAsync() : looked.Task.Within(Bounded.Limit));
        await (moment == BeforeItRegisters ? Task.CompletedTask : KillListenerAsync());

        write.Open();
        await other.ResultAsync<int>("W");
        held.Open();
        if (moment == BeforeItLooks)
        {
            // It had registered and not looked yet: it needs no listener.
            Assert.Equal(7, await result.Within(Bounded.Limit));
            return;
        }

        back.Open();
        Assert.Equal(7, await result.Within(Bounded.Limit));
    }

    [Theory]
    [MemberData(nameof(Waiters))]
    public async Task What_is_announced_to_nobody_is_found_by_the_covering_poll(string waiter)
    {
        var other = await LaunchWriterAsync();
        var engine = await LaunchWaiterAsync(waiter, WhileItWaits, Often);
        var result = await BeginAsync(engine, waiter);
        await looked.Task.Within(Bounded.Limit);

        write.Open();
        await other.ResultAsync<int>("W");

        Assert.Equal(7, await result.Within(Bounded.Limit));
    }

    // The word that it is back stands still, so that nothing that comes until then is seen by it.
    private async Task KillListenerAsync()
    {
        await Eventually.TrueAsync(
            async () => (await Database.QueryAsync(KillListener)).Count == 1, Bounded.Limit, "the listener is killed");
        await back.ReachedAsync();
    }

    private WorkflowDefinition<Unit, int> Writer
    {
        get
        {
            return field ??= Workflow.Define<Unit, int>("writer", Body);

            async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
            {
                yield return Step.Run("write", s => write.PassAsync(s));
                yield return Step.SetEvent("k", 7);
                yield return Step.WriteStream("s", 7);
                yield return Step.Send("R", 7);
                yield return 7;
            }
        }
    }

    private async Task<WorkflowEngine> LaunchWriterAsync()
    {
        var engine = await LaunchAsync(options => options.ExecutorId = "executor-2", Writer);
        await engine.BeginAsync(Writer, default, "W");
        await write.ReachedAsync();
        return engine;
    }

    private Task<WorkflowEngine> LaunchWaiterAsync(string waiter, string moment, TimeSpan poll)
    {
        var faults = new CallFaults { Before = BeforeAsync, After = AfterAsync };
        return LaunchAsync(
            options =>
            {
                options.UsePostgres($"{((PostgresTestDatabase)Database).ConnectionString};Application Name={name}");
                (options.PollInterval, options.UnloadAfter) = (poll, waiter == Parked ? TimeSpan.Zero : Timeout.InfiniteTimeSpan);
                options.WrapStore = store => new DeafStore(new FaultingStore(store, faults), back);
            },
            Waiting(waiter),
            Writer);

        // The sweep of each second would look at what is awaited, too: it comes no further than to its first look at who was cancelled. No
        // sweep finds what a parked workflow waits for, and there the claim that takes it up may have to look at this as well.
        Task BeforeAsync(StoreCall call, CancellationToken token) => call.Kind == StoreCallKind.ReadLost && waiter != Parked
            ? new TaskCompletionSource().Task.WaitAsync(token)
            : moment == BeforeItLooks && IsFirst(call) ? held.PassAsync(token) : Task.CompletedTask;

        async Task AfterAsync(StoreCall call, CancellationToken token)
        {
            if (moment != BeforeItLooks && IsFirst(call))
            {
                await (moment == AfterItLooked ? held.PassAsync(token) : Task.CompletedTask);
                looked.TrySetResult();
            }
        }

        bool IsFirst(StoreCall call) => Looks(call, waiter) && Interlocked.Increment(ref looks) == 1;
    }

    private static bool Looks(StoreCall call, string waiter) => waiter switch
    {
        "receive" => call.Batch.Any(unit => unit is ReceiveUnit),
        Parked => call.Parked is ParkedScope.Among,
        "event" or "client's event" => call.Kind == StoreCallKind.ReadEvents,
        "stream" or "client's stream" => call.Kind == StoreCallKind.ReadStreams,
        _ => call.Kind == StoreCallKind.ReadOutcomes,
    };

    /// <summary>Begins the waiter, as the workflow R or beside it.</summary>
    private async Task<Task<int>> BeginAsync(WorkflowEngine engine, string waiter)
    {
        var handle = await engine.BeginAsync(Waiting(waiter), default, "R");
        switch (waiter)
        {
            case "client's event":
                await busy.ReachedAsync();
                return EventAsync();
            case "client's stream":
                await busy.ReachedAsync();
                return engine.ReadStreamAsync<int>("W", "s", cancellationToken: Cancel).FirstAsync(Cancel).AsTask();
            case "client's result":
                await busy.ReachedAsync();
                return engine.Retrieve<int>("W").GetResultAsync(Cancel);
            default:
                return handle.GetResultAsync(Cancel);
        }

        async Task<int> EventAsync() => (await engine.GetEventAsync<int>("W", "k", Rarely, Cancel)).Value;
    }

    private WorkflowDefinition<Unit, int> Waiting(string waiter)
    {
        return waiting ??= Workflow.Define<Unit, int>("waiter", Body);

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            var optional = waiter switch
            {
                "event" => Step.GetEvent<int>("W", "k", Rarely),
                "stream" => Step.ReadStream<int>("W", "s", 0),
                _ => null,
            };
            if (optional is not null)
            {
                yield return optional;
                yield return optional.Result.Value;
            }

            if (waiter == "await")
            {
                yield return Step.Start(Writer, default, new() { Id = "W" }).As(out var started);
                yield return Step.Await(started.Result).As(out var ended);
                yield return ended.Result;
            }

            if (waiter is Parked or "receive")
            {
                yield return Step.Receive<int>().As(out var message);
                yield return message.Result;
            }

            yield return Step.Run("busy", s => busy.PassAsync(s));
        }
    }
}
