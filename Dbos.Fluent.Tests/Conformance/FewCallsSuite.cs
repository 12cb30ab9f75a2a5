using System.Collections.Concurrent;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What is started or awaited by the thousand takes a few calls of the database, not one for each.</summary>
public abstract class FewCallsSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int Many = 1000;
    private const int CallsMax = 100;

    // What an engine asks from time to time whatever runs.
    private static readonly StoreCallKind[] Regular =
    [
        StoreCallKind.Renew, StoreCallKind.ReadExecutors, StoreCallKind.HandOn, StoreCallKind.HandOnOrphans, StoreCallKind.Expire,
        StoreCallKind.ReadLost, StoreCallKind.ReadOutlook, StoreCallKind.ReadParkedOutlook, StoreCallKind.ClaimParked,
        StoreCallKind.Claim, StoreCallKind.Versions, StoreCallKind.ReadSchedules, StoreCallKind.Announce,
    ];

    private readonly CallFaults faults = new();
    private readonly ConcurrentQueue<StoreCallKind> calls = new();
    private readonly WorkflowDefinition<int, int> child = Workflow.Define<int, int>("child").Return(x => x.Input * 2);

    // The children run elsewhere and have ended when they are awaited, so that whatever is read or written is their parent's.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_thousand_children_are_started_and_awaited_in_a_few_calls_of_the_database(bool registered)
    {
        var (before, gate) = (new Probe(), new Probe());
        var parent = Workflow.Define<Unit, int>("parent", Body);
        var engine = await LaunchCountingAsync(parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        await before.ReachedAsync();
        await (registered ? engine.Queues.RegisterAsync(new("elsewhere"), cancellationToken: Cancel) : Task.CompletedTask);
        calls.Clear();
        before.Open();
        await gate.ReachedAsync();
        AssertFew();

        await LaunchAsync(options => options.Add(new WorkflowQueue("elsewhere")).ExecutorId = "executor-2", child);
        await Eventually.TrueAsync(
            async () => await Database.WorkflowsAsync("status = 'SUCCESS' AND name = 'child'") == Many, Bounded.Limit, "all end");
        calls.Clear();
        gate.Open();

        Assert.Equal(Many * (Many - 1), await handle.ResultAsync());
        AssertFew();
        Assert.Equal((2 * Many) + 2, await CheckpointCountAsync("P"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("before", s => before.PassAsync(s));
            yield return Step.StartMany(child, [.. Enumerable.Range(0, Many)], _ => new() { Queue = "elsewhere" }).As(out var handles);
            yield return Step.Run("gate", s => gate.PassAsync(s));
            yield return Step.AwaitAll(handles.Result).As(out var results);
            yield return results.Result.Sum();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_thousand_workflows_are_started_from_outside_in_a_few_calls_of_the_database(bool registered)
    {
        var engine = await LaunchCountingAsync(child);
        await (registered ? engine.Queues.RegisterAsync(new("elsewhere"), cancellationToken: Cancel) : Task.CompletedTask);
        calls.Clear();

        await engine.StartManyAsync(
            child, Enumerable.Range(0, Many).Select(i => (i, (StartOptions?)new() { Queue = "elsewhere" })), Cancel).Within(Bounded.Limit);

        AssertFew();
        Assert.Equal(Many, await Database.WorkflowsAsync("name = 'child'"));
    }

    [Fact]
    public async Task A_start_that_is_given_up_takes_nothing_from_another_that_asks_about_the_same_queue()
    {
        var reading = new Probe();
        var engine = await LaunchCountingAsync(child);
        faults.Before = (call, token) => call.Kind == StoreCallKind.ReadQueues ? reading.PassAsync(token) : Task.CompletedTask;
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var given = engine.StartAsync(child, 1, new() { Id = "given up", Queue = "elsewhere" }, giveUp.Token);
        await reading.ReachedAsync();
        var other = engine.StartAsync(child, 1, new() { Id = "other", Queue = "elsewhere" }, Cancel);

        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given.Within(Bounded.Limit));
        reading.Open();
        await other.Within(Bounded.Limit);

        Assert.Equal("other", await Database.ScalarAsync("SELECT workflow_uuid FROM workflow_status"));
        Assert.Equal(1, calls.Count(call => call == StoreCallKind.ReadQueues));
    }

    private void AssertFew()
    {
        var counted = calls.Except(Regular).Sum(kind => calls.Count(call => call == kind));
        Assert.InRange(counted, 1, CallsMax);
    }

    private Task<WorkflowEngine> LaunchCountingAsync(params WorkflowDefinition[] definitions)
    {
        faults.After = NoteAsync;
        return LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), definitions);

        Task NoteAsync(StoreCall call, CancellationToken token)
        {
            calls.Enqueue(call.Kind);
            return Task.CompletedTask;
        }
    }
}
