using System.Collections.Concurrent;
using System.Diagnostics;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>
/// Several engines on one database, started, stopped and failed at random: whatever happens, every workflow ends, and no step runs again
/// after its checkpoint.
/// </summary>
public abstract class RandomFaultSuite(IDatabaseFixture fixture) : FaultSuite(fixture)
{
    private const int EngineCount = 3;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(8);

    /// <summary>What a step noted before its checkpoint, by step: only the last of them may stand.</summary>
    private readonly ConcurrentDictionary<(string WorkflowId, int Sequence), ConcurrentQueue<string>> runs = new();

    [Fact]
    public async Task A_random_workload_under_random_faults_ends_well()
    {
        var random = Seeds.Next(out var seed);
        var child = Workflow.Define<int, int>("random child", Child);
        var workflow = Workflow.Define<int, int>("random", Body);
        var faults = new RandomFaults(seed, probability: 0.05);
        var engines = new List<WorkflowEngine>();
        for (var number = 0; number < EngineCount; number++)
        {
            engines.Add(await LaunchRandomAsync(faults, workflow, child));
        }

        var starts = new List<Task>();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Duration;)
        {
            for (var number = random.Next(20); number > 0; number--)
            {
                starts.Add(StartAsync(engines[random.Next(EngineCount)], workflow, random.Next(1, 6), $"w{starts.Count}"));
            }

            await random.MomentAsync(TimeSpan.FromMilliseconds(200));
            var victim = random.Next(EngineCount);
            if (random.Next(2) == 0)
            {
                await engines[victim].StopAsync(TimeSpan.FromMilliseconds(random.Next(2) * 50), Cancel).Within(Bounded.Limit);
                engines[victim] = await LaunchRandomAsync(faults, workflow, child);
            }
        }

        faults.Probability = 0;
        await Task.WhenAll(starts).Within(Bounded.Limit);
        await EverythingEndsAsync(seed, starts.Count);

        async IAsyncEnumerable<StepOr<int>> Body(int input, WorkflowContext context)
        {
            for (var number = 0; number < input; number++)
            {
                yield return Noted($"step {number}");
            }

            yield return Step.All(Enumerable.Range(0, input).Select(number => Noted($"member {number}")));
            yield return Step.Call(child, input).As(out var called);
            yield return called.Result;
        }

        async IAsyncEnumerable<StepOr<int>> Child(int input, WorkflowContext context)
        {
            yield return Noted("child");
            yield return input;
        }
    }

    private static async Task StartAsync(WorkflowEngine engine, WorkflowDefinition<int, int> workflow, int input, string id)
    {
        try
        {
            await engine.StartAsync(workflow, input, new() { Id = id }, Cancel).Within(Bounded.Limit);
        }
        catch (EngineNotRunningException)
        {
            // It was stopped meanwhile; the row may stand all the same.
        }
    }

    private async Task<WorkflowEngine> LaunchRandomAsync(RandomFaults faults, params WorkflowDefinition[] definitions)
    {
        while (true)
        {
            try
            {
                return await LaunchAsync(
                    options =>
                    {
                        options.ExecutorId = null;
                        options.Lease = TimeSpan.FromSeconds(1);
                        options.WrapStore = store => new FaultingStore(store, faults);
                    },
                    definitions);
            }
            catch (StoreUnavailableException)
            {
                // A launch reports an outage; its caller tries again.
            }
        }
    }

    // The result is new with each run of the body, so the checkpoint tells which run stands.
    private Step<string> Noted(string name) => Step.Run(name, async step =>
    {
        await Task.Yield();
        var run = Guid.CreateVersion7().ToString();
        runs.GetOrAdd((step.WorkflowId, step.Sequence), _ => new()).Enqueue(run);
        return run;
    });

    private async Task EverythingEndsAsync(int seed, int started)
    {
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status <> 'SUCCESS'") == 0,
            TimeSpan.FromSeconds(30),
            $"every workflow ends (seed {seed})");
        var reader = await LaunchAsync();
        var checkpoints = await Database.QueryAsync(
            "SELECT workflow_uuid, function_id FROM operation_outputs WHERE child_workflow_id IS NULL");
        var again = 0;
        foreach (var id in checkpoints.Select(row => row[0]!).Distinct())
        {
            foreach (var checkpoint in (await reader.GetHistoryAsync(id, Cancel)).Checkpoints.Where(step => step.ChildId is null))
            {
                // The run whose result stands is the last one: had the body run after its checkpoint, another would follow it.
                var noted = runs[(id, checkpoint.Sequence)].ToArray();
                Assert.True(
                    checkpoint.Output!.Contains(noted[^1], StringComparison.Ordinal),
                    $"seed {seed}: {id} step {checkpoint.Sequence} ran again");
                again += noted.Length - 1;
            }
        }

        Assert.Equal(runs.Count, checkpoints.Count);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"seed {seed}: {started} starts, {runs.Count} steps, of which {again} bodies ran again before their checkpoint");
    }
}
