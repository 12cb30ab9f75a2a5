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

    private Task<WorkflowEngine> LaunchHoldingAsync(string moment, TimeSpan poll, params WorkflowDefinition[] definitions)
    {
        var faults = HeldLook.At(moment, held, call => call.Kind == StoreCallKind.ReadOutcomes);
        return LaunchAsync(
            options => (options.PollInterval, options.WrapStore) = (poll, store => new FaultingStore(store, faults)), definitions);
    }
}
