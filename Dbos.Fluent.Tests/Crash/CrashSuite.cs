using System.Globalization;
using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker;
using Dbos.Fluent.Tests.Worker.Workflows;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// Tests with real processes: workers are killed or paused, and what they leave is judged by the database and the ledger alone.
/// </summary>
public abstract class CrashSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    /// <summary>Recovery that waits for nothing must be done well within the lease of a worker's run, also on a busy machine.</summary>
    private protected static readonly TimeSpan AtOnce = Bounded.Limit;

    private const string LongLeaseMs = "120000";

    private readonly TempFolder folder = new();
    private Ledger? ledger;
    private CrashWorkflows? workflows;
    private readonly List<ChildProcess> workers = [];

    // Engines may be launched side by side: all must see one and the same.
    private protected Ledger Ledger =>
        LazyInitializer.EnsureInitialized(ref ledger, () => new Ledger(folder.Path) { Durable = false });

    private protected CrashWorkflows Workflows => LazyInitializer.EnsureInitialized(ref workflows, () => new CrashWorkflows(Ledger));

    public override async ValueTask DisposeAsync()
    {
        foreach (var worker in workers)
        {
            await worker.DisposeAsync();
        }

        await base.DisposeAsync();
        Ledger.Dispose();
        folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts a worker on this test's database; its point <c>end</c> is held, so that it stays until it is killed.</summary>
    private protected ChildProcess StartWorker(string scenario, IEnumerable<string> hold, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(Database.WorkerSettings) { ["ledger"] = folder.Path };
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        var worker = ChildProcess.Start(scenario, [.. hold, "end"], all);
        workers.Add(worker);
        return worker;
    }

    /// <summary>Starts a worker that runs the workflow <c>w1</c>; its lease is long unless it is set.</summary>
    private protected ChildProcess StartRun(
        WorkflowDefinition workflow, int input, IEnumerable<string> hold, params (string Key, string Value)[] settings) => StartWorker(
        "run",
        hold,
        [
            ("workflow", workflow.Name),
            ("input", input.ToString(CultureInfo.InvariantCulture)),
            ("id", "w1"),
            ("lease", LongLeaseMs),
            .. settings,
        ]);

    /// <summary>Launches an engine with a new executor id in this process.</summary>
    private protected Task<WorkflowEngine> LaunchSuccessorAsync(Action<EngineOptions>? configure = null) => LaunchAsync(
        options =>
        {
            options.ExecutorId = null;
            configure?.Invoke(options);
        },
        Workflows.All);

    /// <summary>Kills a worker when it is at a point.</summary>
    private protected static async Task KillAtAsync(ChildProcess worker, string point)
    {
        await worker.ReachedAsync(point);
        await worker.KillAsync();
    }

    /// <summary>What stands in the database of a workflow: the names of its checkpoints, by sequence.</summary>
    private protected async Task<string[]> CheckpointsAsync(string id)
    {
        var rows = await Database.QueryAsync(
            $"SELECT function_name FROM operation_outputs WHERE workflow_uuid = '{id}' ORDER BY function_id");
        return [.. rows.Select(row => row[0]!)];
    }

    /// <summary>
    /// Asserts that no workflow, whose steps follow one another, repeated more effects than it has runs beyond the first: only the step in
    /// whose midst a run died runs again.
    /// </summary>
    /// <returns>How many effects were repeated.</returns>
    private protected async Task<int> EachRunRepeatsOneAtMostAsync()
    {
        var rows = await Database.QueryAsync("SELECT workflow_uuid, recovery_attempts FROM workflow_status");
        var attempts = rows.ToDictionary(row => row[0]!, row => int.Parse(row[1]!, CultureInfo.InvariantCulture));
        var repeated = Ledger.Read().GroupBy(effect => effect.Key.WorkflowId, effect => effect.Value - 1)
            .ToDictionary(effects => effects.Key, effects => effects.Sum());
        Assert.All(repeated, one => Assert.InRange(one.Value, 0, attempts[one.Key] - 1));
        return repeated.Values.Sum();
    }

    /// <summary>Asserts that a workflow ended well after so many attempts.</summary>
    private protected async Task SucceededAsync(string id, int attempts)
    {
        var rows = await Database.QueryAsync(
            $"SELECT status, recovery_attempts, owner_xid FROM workflow_status WHERE workflow_uuid = '{id}'");
        var row = Assert.Single(rows);
        Assert.Equal(("SUCCESS", attempts.ToString(CultureInfo.InvariantCulture), null), (row[0], row[1], row[2]));
    }
}
