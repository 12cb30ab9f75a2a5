using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;
using static Dbos.Fluent.Tests.Conformance.Parkable;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// Answers and wake-ups that come late, twice or out of order: nobody is told what is no longer so, and nobody is forgotten.
/// </summary>
public abstract class LateWordSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int ParkingFailed = 1107;

    // No poll comes within a test.
    private static readonly TimeSpan Rarely = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(30);

    private readonly CallFaults faults = new();

    [Fact]
    public async Task An_outlook_that_a_later_one_has_overtaken_forgets_nothing_that_was_parked_meanwhile()
    {
        var (time, counts) = (new ManualTimeProvider(), new Counts());
        var (first, next, part, looks) = (new Probe(), new Probe(), new TaskCompletionSource(), 0);
        faults.Before = (call, token) =>
            call.Kind == StoreCallKind.ReadOutlook && Volatile.Read(ref looks) > 0 ? next.PassAsync(token) : Task.CompletedTask;
        faults.After = AnsweredAsync;
        var (receiving, sleeping) = (Receiving(), Sleeping(counts, TimeSpan.FromDays(1)));
        var engine = await LaunchAsync(
            options =>
            {
                (options.TimeProvider, options.UnloadAfter, options.PollInterval) = (time, Soon, Rarely);
                options.WrapStore = store => new FaultingStore(store, faults);
            },
            receiving,
            sleeping);
        await first.ReachedAsync();
        await engine.BeginAsync(receiving, default, "A");
        await engine.BeginAsync(sleeping, default, "B");
        await ParkedAsync(engine, "A");
        await ParkedAsync(engine, "B");

        // What is due is claimed, and looked at with the rest, while the first answer, which knows of nothing parked, is on its way.
        time.Advance(TimeSpan.FromDays(1));
        await part.Task.Within(Bounded.Limit);
        Assert.Equal(1, await engine.ResultAsync<int>("B"));
        first.Open();
        await next.ReachedAsync();
        await engine.SendAsync("A", 7, "t", cancellationToken: Cancel);

        Assert.Equal(7, await engine.ResultAsync<int>("A"));

        async Task AnsweredAsync(StoreCall call, CancellationToken token)
        {
            if (call.Kind == StoreCallKind.ReadParkedOutlook)
            {
                part.TrySetResult();
            }

            if (call.Kind == StoreCallKind.ReadOutlook && Interlocked.Increment(ref looks) == 1)
            {
                await first.PassAsync(token);
            }
        }
    }

    [Fact]
    public async Task An_event_that_stands_is_told_although_its_run_has_lost_the_workflow()
    {
        var (looked, once) = (new TaskCompletionSource(), 1);
        faults.After = LoseAsync;
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 7)]);
        var engine = await LaunchSilentAsync(setter);
        var waiting = engine.GetEventAsync<int>("W", "k", Timeout.InfiniteTimeSpan, Cancel);
        await looked.Task.Within(Bounded.Limit);

        await engine.BeginAsync(setter, default, "W");

        Assert.Equal(7, (await waiting.Within(Bounded.Limit)).Value);

        async Task LoseAsync(StoreCall call, CancellationToken token)
        {
            if (call.Kind == StoreCallKind.ReadEvents)
            {
                looked.TrySetResult();
            }

            if (call.Batch.Any(unit => unit is EventUnit) && Interlocked.Exchange(ref once, 0) == 1)
            {
                await Database.ExecuteAsync("UPDATE workflow_status SET owner_xid = 'another' WHERE workflow_uuid = 'W'");
                throw CallFaults.Unavailable("The answer was lost.");
            }
        }
    }

    [Fact]
    public async Task A_value_that_is_told_late_is_not_for_whoever_asks_after_a_newer_one()
    {
        var held = new Probe();
        faults.Before = (call, token) => call.Kind == StoreCallKind.ReadEvents ? held.PassAsync(token) : Task.CompletedTask;
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1), Step.SetEvent("k", 2)]);
        var engine = await LaunchSilentAsync(setter);
        await engine.RunAsync(setter, default, "W");
        var waiting = engine.GetEventAsync<int>("W", "k", Rarely, Cancel);
        await held.ReachedAsync();

        engine.Core.Signals.Written(new EventUnit(new Ownership("W", "token"), 0, "k", new Payload("1", "portable_json"), []));
        held.Open();

        Assert.Equal(2, (await waiting.Within(Bounded.Limit)).Value);
    }

    [Fact]
    public async Task A_run_that_could_not_leave_memory_leaves_in_a_later_wait()
    {
        var refuses = true;
        faults.Before = (call, _) => Volatile.Read(ref refuses) && call.Batch.Any(unit => unit is ParkUnit)
            ? throw new InvalidOperationException("It is refused.")
            : Task.CompletedTask;
        var workflow = Workflow.Define<Unit, int>("workflow")
            .Receive<int>("one", Rarely).As(out _)
            .Receive<int>("two", Rarely).As(out var two)
            .Return(x => x.Get(two).Value);
        var engine = await LaunchSilentAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(() => Log.Entries.Any(entry => entry.Id == ParkingFailed), Bounded.Limit, "it could not leave");

        Volatile.Write(ref refuses, false);
        await engine.SendAsync("A", 1, "one", cancellationToken: Cancel);
        await ParkedAsync(engine, "A");
        await engine.SendAsync("A", 2, "two", cancellationToken: Cancel);

        Assert.Equal(2, await engine.ResultAsync<int>("A"));
    }

    private Task<WorkflowEngine> LaunchSilentAsync(params WorkflowDefinition[] definitions) => LaunchAsync(
        options =>
        {
            (options.PollInterval, options.Notifications, options.UnloadAfter) = (Rarely, false, Soon);
            options.WrapStore = store => new FaultingStore(store, faults);
        },
        definitions);
}
