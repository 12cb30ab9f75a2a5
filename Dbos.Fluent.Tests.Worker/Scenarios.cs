using System.Globalization;
using Dbos.Fluent.Tests.Worker.Chaos;
using Dbos.Fluent.Tests.Worker.Workflows;

namespace Dbos.Fluent.Tests.Worker;

/// <summary>What a worker can be asked to do, by name.</summary>
internal static class Scenarios
{
    public static IReadOnlyDictionary<string, Func<WorkerContext, Task>> All { get; } = new Dictionary<string, Func<WorkerContext, Task>>
    {
        ["count"] = CountAsync,
        ["serve"] = ServeAsync,
        ["run"] = RunAsync,
        ["race"] = RaceAsync,
        ["load"] = LoadAsync,
        ["version"] = VersionAsync,
        ["block"] = BlockAsync,
        ["chaos"] = ChaosEngine.ServeAsync,
    };

    /// <summary>Reaches the points 1 to <c>to</c>, and nothing else: it shows that the machinery works.</summary>
    private static async Task CountAsync(WorkerContext worker)
    {
        for (var number = 1; number <= worker.Number("to"); number++)
        {
            await worker.Points.ReachAsync($"{number}", $"number {number}");
        }
    }

    /// <summary>Launches an engine and does what comes, until <c>end</c> is released.</summary>
    private static async Task ServeAsync(WorkerContext worker)
    {
        using var ledger = new Ledger(worker.Text("ledger")) { Durable = worker.Settings.GetValueOrDefault("quick") is null };
        var workflows = new CrashWorkflows(ledger, point => worker.Points.ReachAsync(point));
        await using var engine = await WorkerEngine.LaunchAsync(worker, workflows);
        await worker.Points.ReachAsync("launched", engine.ExecutorId);
        await worker.Points.ReachAsync("end");
    }

    /// <summary>
    /// Launches engines in an environment that names a version, an empty one and none, and reports the version of what each runs. The
    /// environment is the whole process's, so that only a process of its own may change it.
    /// </summary>
    private static async Task VersionAsync(WorkerContext worker)
    {
        foreach (var (point, variable, chosen) in new[]
        {
            ("named", worker.Text("version"), null),
            ("chosen", worker.Text("version"), "of the options"),
            ("empty", "", null),
            ("none", null, (string?)null),
        })
        {
            Environment.SetEnvironmentVariable("DBOS__APPVERSION", variable);
            await worker.Points.ReachAsync(point, await WorkerEngine.VersionAsync(worker, chosen, point));
        }
    }

    /// <summary>Launches an engine, runs one workflow, and reports its result.</summary>
    private static async Task RunAsync(WorkerContext worker)
    {
        using var ledger = new Ledger(worker.Text("ledger"));
        var workflows = new CrashWorkflows(ledger, point => worker.Points.ReachAsync(point));
        await using var engine = await WorkerEngine.LaunchAsync(worker, workflows);
        await worker.Points.ReachAsync("launched", engine.ExecutorId);
        var workflow = workflows.Named(worker.Text("workflow"));
        var handle = await engine.StartAsync(workflow, worker.Number("input"), new() { Id = worker.Text("id") });
        await worker.Points.ReachAsync("started");
        await worker.Points.ReachAsync("done", await handle.GetResultAsync());
        await worker.Points.ReachAsync("end");
    }

    /// <summary>
    /// Starts the ids <c>0</c> to <c>count</c>, which another worker starts at the same moment, a few at once, and reports all results.
    /// </summary>
    private static async Task RaceAsync(WorkerContext worker)
    {
        using var ledger = new Ledger(worker.Text("ledger")) { Durable = false };
        var workflows = new CrashWorkflows(ledger);
        await using var engine = await WorkerEngine.LaunchAsync(worker, workflows);
        await worker.Points.ReachAsync("launched");
        await worker.Points.ReachAsync("race");
        var workflow = workflows.Named(worker.Text("workflow"));
        var results = new string[worker.Number("count")];
        var options = new ParallelOptions { MaxDegreeOfParallelism = worker.Number("parallel") };
        await Parallel.ForAsync(0, results.Length, options, async (number, token) =>
        {
            var id = worker.Text("prefix") + number.ToString(CultureInfo.InvariantCulture);
            var handle = await engine.StartAsync(workflow, worker.Number("input"), new() { Id = id }, token);
            results[number] = await handle.GetResultAsync(token);
        });
        await worker.Points.ReachAsync("done", string.Join(';', results));
        await worker.Points.ReachAsync("end");
    }

    /// <summary>
    /// Runs <c>count</c> chains of <c>input</c> steps at once, under ids with a prefix of its own, and reports how many steps they had.
    /// </summary>
    private static async Task LoadAsync(WorkerContext worker)
    {
        using var ledger = new Ledger(worker.Text("ledger")) { Durable = false };
        var workflows = new CrashWorkflows(ledger);
        await using var engine = await WorkerEngine.LaunchAsync(worker, workflows);
        await worker.Points.ReachAsync("launched");
        await worker.Points.ReachAsync("race");
        var runs = Enumerable.Range(0, worker.Number("count")).Select(async number =>
        {
            var id = worker.Text("prefix") + number.ToString(CultureInfo.InvariantCulture);
            var handle = await engine.StartAsync(workflows.Chain, worker.Number("input"), new() { Id = id });
            return await handle.GetResultAsync();
        });
        var lengths = await Task.WhenAll(runs);
        await worker.Points.ReachAsync("done", lengths.Sum().ToString(CultureInfo.InvariantCulture));
        await worker.Points.ReachAsync("end");
    }

    /// <summary>Runs <c>count</c> workflows at once, each of which blocks a thread of the pool for <c>ms</c>.</summary>
    private static async Task BlockAsync(WorkerContext worker)
    {
        using var never = new ManualResetEventSlim();
        var blocking = Workflow.Define<int, int>("blocking")
            .Step("block", x => Task.FromResult(never.Wait(x.Input) ? 1 : 0)).As(out var block)
            .Return(x => x.Get(block));
        await using var engine = await WorkerEngine.LaunchAsync(worker, blocking);
        var inputs = Enumerable.Repeat((worker.Number("ms"), (StartOptions?)null), worker.Number("count"));
        await worker.Points.ReachAsync("launched");
        var handles = await engine.StartManyAsync(blocking, inputs);
        await Task.WhenAll(handles.Select(handle => handle.GetResultAsync()));
        await worker.Points.ReachAsync("done");
        await worker.Points.ReachAsync("end");
    }
}
