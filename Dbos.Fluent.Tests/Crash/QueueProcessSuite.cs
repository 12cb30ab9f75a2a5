using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>Limits of a queue that several processes serve, none of which is the one that fills it. Scenario QC-02.</summary>
public abstract class QueueProcessSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private const string Inside = "inside one";
    private static readonly WorkflowQueue Line = new("line") { Concurrency = 10, WorkerConcurrency = 5 };
    private static readonly WorkflowQueue Free = new("free");

    [Fact]
    public async Task Two_processes_keep_the_limit_of_each_and_of_both_together()
    {
        var engine = await LaunchSuccessorAsync(options => options.Add(Line, Free).ListenTo = []);
        ChildProcess[] workers = [StartWorker("serve", [Inside]), StartWorker("serve", [Inside])];
        foreach (var worker in workers)
        {
            await worker.ReachedAsync("launched");
        }

        await EnqueueAsync(engine, 5);
        await RunningAsync(5);
        await EnqueueAsync(engine, 4);
        await RunningAsync(9);
        await EnqueueAsync(engine, 2);
        await RunningAsync(10);

        // Each process is asked for more, and has had time for many claims when it has done that.
        foreach (var _ in workers)
        {
            await (await engine.StartAsync(Workflows.Chain, 1, new() { Queue = Free }, Cancel)).ResultAsync();
        }

        await RunningAsync(10);
        Assert.Equal(1, await Database.WorkflowsAsync("status = 'ENQUEUED'"));
        Assert.Equal(
            [["5"], ["5"]],
            await Database.QueryAsync("SELECT count(*) FROM workflow_status WHERE status = 'PENDING' GROUP BY executor_id"));
        foreach (var worker in workers)
        {
            await worker.GoOnAsync(Inside);
        }

        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, "everything ends");
        Assert.Equal(13, await Database.SucceededAsync());
        Assert.All(Ledger.Read(), effect => Assert.Equal(1, effect.Value));
    }

    private async Task EnqueueAsync(WorkflowEngine engine, int count) => await engine.StartManyAsync(
        Workflows.Steps, Enumerable.Repeat((0, (StartOptions?)new() { Queue = Line }), count), Cancel);

    // Nobody ever runs more than five.
    private async Task RunningAsync(int count)
    {
        await Eventually.TrueAsync(
            async () => await Database.WorkflowsAsync("status = 'PENDING' AND name = 'steps'") == count, Bounded.Limit, $"{count} run");
        var each = await Database.QueryAsync(
            "SELECT count(*) FROM workflow_status WHERE status = 'PENDING' AND name = 'steps' GROUP BY executor_id");
        Assert.All(each, row => Assert.InRange(int.Parse(row[0]!, System.Globalization.CultureInfo.InvariantCulture), 1, 5));
    }
}
