using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker;
using Dbos.Fluent.Tests.Worker.Workflows;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>Processes that are killed and started again under the executor id they had. Scenarios RC-01 and MX-03.</summary>
public abstract class RestartSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    // It adds a trigger.
    protected override bool SharesDatabases => false;

    private const int Servers = 4;
    private const int WorkflowCount = 100;

    // So few that they are there for several kills, as each pauses between its steps.
    private const int OfOneProcess = 4;

    // Where a restart takes longer than this there would be no end otherwise.
    private const int KillsMax = 8;

    private static readonly TimeSpan KillEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(2);

    private readonly ChildProcess[] servers = new ChildProcess[Servers];

    // RC-01
    [Theory]
    [InlineData("before step two")]
    [InlineData("inside two")]
    public async Task A_process_restarted_under_its_executor_id_finishes_what_it_was_killed_in_and_nothing_ever_failed(string point)
    {
        await Database.NoteChangesAsync();
        var former = StartRun(Workflows.Steps, 0, [point], ("executor", "same"));
        await KillAtAsync(former, point);
        Assert.Equal(["one"], await CheckpointsAsync("w1"));
        Assert.Equal((1, 0), (Ledger.Count("w1", "one"), Ledger.Count("w1", "two")));

        var restarted = StartWorker("serve", [], ("executor", "same"));
        Assert.Equal("same", await restarted.ReachedAsync("launched"));
        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, "it is finished");

        await SucceededAsync("w1", attempts: 2);
        Assert.Equal(["one", "two", "three"], await CheckpointsAsync("w1"));
        Assert.Equal((1, 1, 1), (Ledger.Count("w1", "one"), Ledger.Count("w1", "two"), Ledger.Count("w1", "three")));
        Assert.Equal("same", await Database.ScalarAsync("SELECT executor_id FROM workflow_status"));
        await using var client = await ConnectAsync();
        Assert.Equal($"{former.Id},{restarted.Id},{restarted.Id}", await client.ResultAsync<string>("w1"));

        // It was handed on, taken up, and ended: that its process died is no failure of its own.
        var seen = await Database.QueryAsync("SELECT status FROM noted_changes ORDER BY id");
        Assert.Equal(["ENQUEUED", "PENDING", "SUCCESS"], seen.Select(row => row[0]).Distinct());
    }

    // MX-03
    [Fact]
    public async Task A_hundred_workflows_end_well_although_one_of_four_processes_is_killed_and_restarted_every_two_seconds()
    {
        var random = Seeds.Next(out _);
        var queue = new WorkflowQueue("restarts") { WorkerConcurrency = OfOneProcess };
        await using var client = await ConnectAsync();
        await client.Queues.RegisterAsync(queue, cancellationToken: Cancel);
        await Database.NoteChangesAsync();
        await ServeAsync();
        await client.StartManyAsync(
            Workflows.Spaced,
            Enumerable.Range(0, WorkflowCount).Select(number => (number, (StartOptions?)new StartOptions
            {
                Id = $"w{number}",
                Queue = queue,
                DeduplicationId = $"d{number}",
            })),
            Cancel);

        var kills = await KillUntilDrainedAsync(random);

        // Sixteen at a time, and four more for each kill, none of which takes less than its pauses: no machine is through sooner.
        Assert.InRange(kills, 2, int.MaxValue);
        await EachEndedWellAsync(client);
        var effects = Ledger.Read();
        Assert.Equal(WorkflowCount * CrashWorkflows.SpacedSteps, effects.Count);
        var repeated = await EachRunRepeatsOneAtMostAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills, {repeated} effects repeated");
    }

    private async Task ServeAsync()
    {
        for (var number = 0; number < Servers; number++)
        {
            servers[number] = StartServer(number);
        }

        foreach (var server in servers)
        {
            await server.ReachedAsync("launched");
        }
    }

    private ChildProcess StartServer(int number) => StartWorker("serve", [], ("executor", $"server-{number}"), ("quick", "yes"));

    private async Task<int> KillUntilDrainedAsync(Random random)
    {
        using var turn = new PeriodicTimer(KillEvery);
        var kills = 0;
        for (; kills < KillsMax; kills++)
        {
            await turn.WaitForNextTickAsync(Cancel);
            if (await Database.UnfinishedAsync() == 0)
            {
                return kills;
            }

            // One that is killed before it has begun does nothing; on a busy machine that would be all of them.
            var number = random.Next(Servers);
            await servers[number].ReachedAsync("launched");
            await servers[number].KillAsync();
            servers[number] = StartServer(number);
        }

        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Soon, "everything is finished");
        return kills;
    }

    private async Task EachEndedWellAsync(WorkflowClient client)
    {
        Assert.Equal(WorkflowCount, await Database.WorkflowsAsync("status = 'SUCCESS' AND owner_xid IS NULL"));
        Assert.Equal(0, await Database.WorkflowsAsync("status IN ('ENQUEUED', 'DELAYED', 'PENDING')"));
        Assert.Equal(0, await Database.WorkflowsAsync("deduplication_id IS NOT NULL"));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM noted_changes WHERE status = 'ERROR'"));
        for (var number = 0; number < WorkflowCount; number++)
        {
            Assert.Equal(number * number, await client.ResultAsync<int>($"w{number}"));
        }

        // One checkpoint of each step, and of each pause between two.
        Assert.Equal(
            WorkflowCount * ((2 * CrashWorkflows.SpacedSteps) - 1), await Database.CountAsync("SELECT count(*) FROM operation_outputs"));
    }

    private Task<WorkflowClient> ConnectAsync() => WorkflowClient.ConnectAsync(
        options =>
        {
            Database.Use(options);
            options.ApplicationName = WorkerEngine.ApplicationName;
        },
        Cancel);
}
