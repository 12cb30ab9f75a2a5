using System.Diagnostics;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>A long queue that several processes serve, of which one after the other is killed.</summary>
public abstract class QueueKillSuite(IDatabaseFixture fixture) : ServingSuite(fixture)
{
    private const int OfOneProcess = 200;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    /// <summary>How many workflows are worked off while processes are killed.</summary>
    protected abstract int WorkflowCount { get; }

    // Whoever is left finds the dead in a third of it.
    private protected override int Lease => 3000;

    [Fact]
    public async Task A_backlog_is_worked_off_although_one_process_after_the_other_is_killed()
    {
        var queue = new WorkflowQueue("backlog") { WorkerConcurrency = OfOneProcess };
        var engine = await LaunchEnqueuerAsync(queue);
        await ServeAsync();
        var (enqueued, amidWork) = (0, new bool[Servers]);
        await EnqueueAsync(WorkflowCount);
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var (progress, stored) = (Stopwatch.StartNew(), 0L);
        for (var number = 0; amidWork.Contains(false) || await Database.UnfinishedAsync() > 0; number = (number + 1) % Servers)
        {
            Assert.True(progress.Elapsed < Soon, $"{await Database.UnfinishedAsync()} of {enqueued} are unfinished");
            if (await Database.CountAsync("SELECT count(*) FROM operation_outputs") is var now && now > stored)
            {
                (progress, stored) = (Stopwatch.StartNew(), now);
            }

            await second.WaitForNextTickAsync(Cancel);
            if (!amidWork[number])
            {
                await Eventually.TrueAsync(() => IsAtWorkAsync(number), Bounded.Limit, $"process {number} is at work");
                amidWork[number] = true;
            }

            await KillAsync(number);

            // One that is killed before it has begun does nothing; on a busy machine that would be all of them.
            await ServesAsync(number);
        }

        Assert.Equal((enqueued, enqueued), (await Database.WorkflowsAsync(), await Database.WorkflowsAsync("status = 'SUCCESS'")));
        Assert.Equal(2 * enqueued, await Database.CountAsync("SELECT count(*) FROM operation_outputs"));
        Assert.Equal(2 * enqueued, Ledger.Read().Count);
        var repeated = await EachRunRepeatsOneAtMostAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{enqueued} enqueued, {Killed.Count} kills, {repeated} effects repeated");

        // A fast machine is through before each has been killed at its work: there is always more.
        async Task<bool> IsAtWorkAsync(int number)
        {
            if (await Database.UnfinishedAsync() < WorkflowCount / 5)
            {
                await EnqueueAsync(WorkflowCount / 5);
            }

            return await Database.WorkflowsAsync($"status = 'PENDING' AND executor_id = '{ExecutorOf(number)}'") > 0;
        }

        async Task EnqueueAsync(int count)
        {
            enqueued += count;
            await engine.StartManyAsync(
                Workflows.Chain, Enumerable.Repeat((2, (StartOptions?)new StartOptions { Queue = queue }), count), Cancel);
        }
    }
}
