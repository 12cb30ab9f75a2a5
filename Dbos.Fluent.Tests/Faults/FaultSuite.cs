using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker;
using Dbos.Fluent.Tests.Worker.Faults;
using Dbos.Fluent.Tests.Worker.Workflows;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>
/// Tests in one process, with a store that fails: before a call took effect, or after, so that only its acknowledgement is lost.
/// </summary>
public abstract class FaultSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly TempFolder folder = new();

    private protected Ledger Ledger => field ??= new Ledger(folder.Path) { Durable = false };

    private protected CrashWorkflows Workflows => field ??= new CrashWorkflows(Ledger);

    protected override bool RunsMayCrash => true;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Ledger.Dispose();
        folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Launches an engine, with an executor id of its own, whose store has these faults.</summary>
    private protected Task<WorkflowEngine> LaunchFaultyAsync(IStoreFaults faults, Action<EngineOptions>? configure = null) => LaunchAsync(
        options =>
        {
            options.ExecutorId = null;
            options.WrapStore = store => new FaultingStore(store, faults);
            configure?.Invoke(options);
        },
        Workflows.All);

    /// <summary>Asserts that every workflow ended well, and that no step took effect more than once.</summary>
    private protected async Task EverythingRanOnceAsync(int workflows, int attempts = 1)
    {
        Assert.Equal((workflows, workflows), (await Database.SucceededAsync(attempts), await Database.WorkflowsAsync()));
        Assert.All(Ledger.Read(), effect => Assert.Equal(1, effect.Value));
    }

    /// <summary>Runs workflows to their end, and makes them look as if their process had died right after their last checkpoint.</summary>
    private protected async Task RunAndFlipAsync(int count)
    {
        var engine = await LaunchAsync(Workflows.All);
        for (var number = 0; number < count; number++)
        {
            await engine.StartAsync(Workflows.Chain, 2, new() { Id = $"w{number}" }, Cancel);
        }

        await AllEndAsync(engine, count);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("UPDATE workflow_status SET status = 'PENDING', owner_xid = 'lost', completed_at = NULL");
    }

    private protected static Task<int[]> AllEndAsync(WorkflowEngine engine, int count) => Task.WhenAll(
        Enumerable.Range(0, count).Select(number => engine.Retrieve<int>($"w{number}").GetResultAsync(Cancel))).Within(Bounded.Limit);
}
