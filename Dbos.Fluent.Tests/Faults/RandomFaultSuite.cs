using System.Collections.Concurrent;
using System.Diagnostics;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Faults;

/// <summary>
/// Several engines on one database, started, stopped and failed at random: whatever happens, every workflow ends, and no step runs again
/// after its checkpoint.
/// </summary>
public abstract class RandomFaultSuite : FaultSuite
{
    // What was given up may still write.
    protected override bool SharesDatabases => false;

    private const int EngineCount = 3;
    private const int StartsMax = 20;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>What each run of a step's body noted: only the last of them may stand.</summary>
    private readonly ConcurrentDictionary<(string WorkflowId, int Sequence), ConcurrentQueue<string>> runs = new();
    private readonly List<WorkflowEngine> engines = [];
    private readonly List<Task> starts = [];
    private readonly WorkflowDefinition<int, int> workflow;
    private readonly WorkflowDefinition<int, int> child;

    protected RandomFaultSuite(IDatabaseFixture fixture)
        : base(fixture)
    {
        child = Workflow.Define<int, int>("random child", RunChild);
        workflow = Workflow.Define<int, int>("random", Run);
    }

    [Fact]
    public async Task A_random_workload_under_random_faults_ends_well()
    {
        var random = Seeds.Next(out var seed);
        var faults = new RandomFaults(seed, probability: 0.05);
        for (var number = 0; number < EngineCount; number++)
        {
            engines.Add(await LaunchRandomAsync(faults));
        }

        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Duration;)
        {
            for (var number = random.Next(StartsMax); number > 0; number--)
            {
                starts.Add(StartAsync(engines[random.Next(EngineCount)], $"w{starts.Count}", random.Next(1, 6)));
            }

            await random.MomentAsync(Interval);
            await ReplaceOneAsync(random, faults);
        }

        faults.Probability = 0;
        await Task.WhenAll(starts).Within(Bounded.Limit);
        await EverythingEndsAsync(seed);
    }

    private async Task ReplaceOneAsync(Random random, RandomFaults faults)
    {
        var victim = random.Next(EngineCount);
        if (random.Next(2) == 0)
        {
            await engines[victim].StopAsync(Interval * random.Next(2), Cancel).Within(Bounded.Limit);
            engines[victim] = await LaunchRandomAsync(faults);
        }
    }

    private async Task<WorkflowEngine> LaunchRandomAsync(RandomFaults faults)
    {
        while (true)
        {
            try
            {
                return await LaunchFaultyAsync(faults, options => options.Add(workflow, child).Lease = TimeSpan.FromSeconds(1));
            }
            catch (StoreUnavailableException)
            {
                // A launch reports an outage; its caller tries again.
            }
        }
    }

    private async Task StartAsync(WorkflowEngine engine, string id, int input)
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

    private async IAsyncEnumerable<StepOr<int>> Run(int input, WorkflowContext context)
    {
        for (var number = 0; number < input; number++)
        {
            yield return Noted($"step {number}");
        }

        yield return Step.All(Enumerable.Range(0, input).Select(number => Noted($"member {number}")));
        yield return Step.Call(child, input).As(out var called);
        yield return called.Result;
    }

    private async IAsyncEnumerable<StepOr<int>> RunChild(int input, WorkflowContext context)
    {
        yield return Noted("child");
        yield return input;
    }

    // The result is new with each run of the body, so the checkpoint tells which run stands. Noted where the body begins: one that was
    // under way when its workflow went elsewhere may go on for as long as it likes.
    private Step<string> Noted(string name) => Step.Run(name, async step =>
    {
        var run = Guid.CreateVersion7().ToString();
        runs.GetOrAdd((step.WorkflowId, step.Sequence), _ => new()).Enqueue(run);
        await Task.Yield();
        return run;
    });

    private async Task EverythingEndsAsync(int seed)
    {
        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, $"every workflow ends (seed {seed})");
        var reader = await LaunchAsync();
        var (stored, again) = (0, 0);
        foreach (var id in await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status"))
        {
            var history = await reader.GetHistoryAsync(id[0]!, Cancel);
            foreach (var checkpoint in history.Checkpoints.Where(checkpoint => checkpoint.ChildId is null))
            {
                // The run whose result stands is the last one: had the body run after its checkpoint, another would follow it.
                var noted = runs[(id[0]!, checkpoint.Sequence)].ToArray();
                var stands = checkpoint.Output!.Contains(noted[^1], StringComparison.Ordinal);
                Assert.True(stands, $"seed {seed}: {id[0]} step {checkpoint.Sequence} ran again:\n{history}");
                (stored, again) = (stored + 1, again + noted.Length - 1);
            }
        }

        Assert.Equal(runs.Count, stored);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{starts.Count} starts, {stored} steps, of which {again} bodies ran again before their checkpoint");
    }
}
