namespace Dbos.Fluent.Tests.Crash;

/// <summary>Several processes at full speed on one database. Scenario CC-09.</summary>
public abstract class ContentionSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private const int WorkflowCount = 20;
    private const int StepCount = 20;

    // Whatever the engine logs as a warning or worse would name one of these.
    private static readonly string[] Trouble =
    [
        "ClaimFailed", "RenewalFailed", "SweepFailed", "RecoveryPassFailed", "RunCrashed", "ListeningEnded",
        "WorkflowsHandedOn",
    ];

    [Fact]
    public async Task Three_processes_on_one_database_all_end_well()
    {
        var workers = new[] { StartLoad("a"), StartLoad("b") };
        var engine = await LaunchSuccessorAsync();
        foreach (var worker in workers)
        {
            await worker.ReachedAsync("race");
        }

        await Task.WhenAll(workers.Select(worker => worker.GoOnAsync("race")));
        var handles = await Task.WhenAll(Enumerable.Range(0, WorkflowCount)
            .Select(number => engine.StartAsync(Workflows.Chain, StepCount, new() { Id = $"t{number}" }, Cancel)));
        var lengths = await Task.WhenAll(handles.Select(handle => handle.GetResultAsync(Cancel))).Within(Bounded.Limit);
        foreach (var worker in workers)
        {
            Assert.Equal($"{WorkflowCount * StepCount}", await worker.ReachedAsync("done"));
            Assert.DoesNotContain(Trouble, word => worker.Output.Contains("log " + word, StringComparison.Ordinal));
        }

        Assert.Equal(WorkflowCount * StepCount, lengths.Sum());
        Assert.Equal(3 * WorkflowCount, await Database.SucceededAsync());
        var effects = Ledger.Read();
        Assert.Equal((3 * WorkflowCount * StepCount, 1), (effects.Count, effects.Values.Max()));
    }

    [Fact]
    public async Task A_worker_that_is_told_to_end_closes_the_database_and_exits()
    {
        var worker = StartLoad("a");
        await worker.ReachedAsync("race");
        await worker.GoOnAsync("race");
        await worker.ReachedAsync("done");
        await worker.GoOnAsync("end");

        Assert.Equal(0, await worker.ExitAsync());
        Assert.Equal(WorkflowCount, await Database.SucceededAsync());
    }

    private ChildProcess StartLoad(string prefix) => StartWorker(
        "load", ["race"], ("prefix", prefix), ("count", $"{WorkflowCount}"), ("input", $"{StepCount}"));
}
