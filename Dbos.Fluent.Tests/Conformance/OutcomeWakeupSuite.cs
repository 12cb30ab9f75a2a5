using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Lost wake-ups are hunted for those who await the end of a workflow that runs elsewhere.</summary>
public abstract class OutcomeWakeupSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Rarely = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Soon = Bounded.Limit;

    private readonly Probe gate = new();
    private readonly Probe held = new();

    public static TheoryData<string, string, bool> Moments { get; } = new(
        from moment in new[] { "before it looks", "after it looked", "while it waits" }
        from how in new[] { "its engine", "plain SQL" }
        from any in new[] { true, false }
        select (moment, how, any));

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task An_end_that_comes_at_any_moment_of_an_await_is_heard_at_once_or_by_the_poll(string moment, string how, bool any)
    {
        var awaited = Workflow.Define<Unit>("awaited").Step("gate", x => gate.PassAsync(x.CancellationToken)).End();
        var waiter = Workflow.Define<Unit, int>("waiter", Body);
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", awaited);
        await other.BeginAsync(awaited, default, "W");
        await gate.ReachedAsync();
        var announced = Database.PushesSignals && how == "its engine";
        var engine = await LaunchHoldingAsync(moment, announced ? Rarely : Often, waiter, awaited);
        var handle = await engine.BeginAsync(waiter, default, "R");
        await (moment == "while it waits"
            ? Eventually.TrueAsync(() => engine.Core.Wakeups.Outcomes.Count == 1, Bounded.Limit, "somebody waits")
            : held.ReachedAsync());

        if (how == "plain SQL")
        {
            // As another SDK would, which announces it to nobody.
            await Database.ExecuteAsync(
                "UPDATE workflow_status SET status = 'SUCCESS', owner_xid = NULL, completed_at = created_at WHERE workflow_uuid = 'W'");
        }
        else
        {
            gate.Open();
            await StateAsync(other, "W", WorkflowState.Success);
        }

        held.Open();

        Assert.Equal(7, await handle.GetResultAsync(Cancel).Within(Soon));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Start(awaited, default, new() { Id = "W" }).As(out var started);
            yield return any ? Step.AwaitAny([started.Result]) : Step.Await(started.Result);
            yield return 7;
        }
    }

    [Fact]
    public async Task One_that_cannot_be_read_does_not_keep_another_from_being_the_first()
    {
        var (open, looked) = (new Probe(), new TaskCompletionSource());
        Func<string, WorkflowHandle<int>> handleOf = null!;
        var elsewhere = Workflow.Define<Unit, int>("elsewhere").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(_ => 1);
        var here = Workflow.Define<Unit, int>("here").Step("open", x => open.PassAsync(x.CancellationToken)).Return(_ => 2);
        var waiter = Workflow.Define<Unit, int>("waiter", Body);
        var faults = new CallFaults
        {
            Before = (call, _) =>
            {
                if (call.Kind != StoreCallKind.ReadOutcomes)
                {
                    return Task.CompletedTask;
                }

                looked.TrySetResult();
                throw CallFaults.TimedOut();
            },
        };
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", elsewhere);
        await other.BeginAsync(elsewhere, default, "W");
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), here, waiter);
        handleOf = engine.Retrieve<int>;
        await engine.BeginAsync(here, default, "H");
        await open.ReachedAsync();
        var handle = await engine.BeginAsync(waiter, default, "R");
        await looked.Task.Within(Bounded.Limit);

        // It ends in this process, which needs no reading.
        open.Open();

        Assert.Equal(1, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        gate.Open();

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.AwaitAny([handleOf("W"), handleOf("H")]).As(out var first);
            yield return first.Result;
        }
    }

    // A run that has stored its end is told of once more when it is over. By then the workflow may have been rewound.
    [Fact]
    public async Task A_former_end_that_is_told_late_is_not_the_end_of_the_next_run()
    {
        var workflow = Workflow.Define<Unit, int>("workflow").Step("gate", x => gate.PassAsync(x.CancellationToken)).Return(_ => 7);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        var waiting = engine.Retrieve<int>("W").GetResultAsync(Cancel);
        await Eventually.TrueAsync(() => engine.Core.Wakeups.Outcomes.Count == 1, Bounded.Limit, "somebody waits");

        var former = new WorkflowOutcomeRow("W", WorkflowState.Success, new Payload("1", "portable_json"), default, false);
        engine.Running.Ended(engine.Running.Find("W")!.Work, new WorkflowOutcome(former));
        gate.Open();

        Assert.Equal(7, await waiting.Within(Soon));
    }

    private Task<WorkflowEngine> LaunchHoldingAsync(string moment, TimeSpan poll, params WorkflowDefinition[] definitions)
    {
        var faults = HeldLook.At(moment, held, call => call.Kind == StoreCallKind.ReadOutcomes);
        return LaunchAsync(
            options => (options.PollInterval, options.WrapStore) = (poll, store => new FaultingStore(store, faults)), definitions);
    }
}
