using System.Diagnostics;
using System.Globalization;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>Queues that several processes serve, of which one after the other is killed.</summary>
public abstract class QueueKillSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private const int Lease = 3000;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly List<ChildProcess> serving = [];
    private int kills;

    /// <summary>How many workflows are worked off while processes are killed.</summary>
    protected abstract int WorkflowCount { get; }

    [Fact]
    public async Task A_backlog_is_worked_off_although_one_process_after_the_other_is_killed()
    {
        var queue = new WorkflowQueue("backlog") { WorkerConcurrency = 200 };
        var engine = await LaunchEnqueuerAsync(queue);
        await engine.StartManyAsync(
            Workflows.Chain, Enumerable.Repeat((2, (StartOptions?)new StartOptions { Queue = queue }), WorkflowCount), Cancel);
        await ServeAsync(3);
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (var limit = Stopwatch.StartNew(); await Database.UnfinishedAsync() > 0;)
        {
            Assert.True(limit.Elapsed < Soon, $"{await Database.UnfinishedAsync()} of {WorkflowCount} are unfinished");
            await second.WaitForNextTickAsync(Cancel);
            await KillOneAsync(kills % 3);

            // One that is killed before it has begun does nothing; on a busy machine that would be all of them.
            await serving[(kills - 1) % 3].ReachedAsync("launched");
        }

        Assert.True(kills > 0, "It was all done before anything was killed: more workflows are needed.");
        Assert.Equal(2 * WorkflowCount, await Database.CountAsync("SELECT count(*) FROM operation_outputs"));
        var effects = Ledger.Read();
        Assert.Equal(2 * WorkflowCount, effects.Count);

        // A step whose process died between its effect and its checkpoint runs again, and no other.
        Assert.InRange(effects.Values.Max(), 1, 1 + kills);
        Assert.InRange(effects.Values.Sum(times => times - 1), 0, kills * 200);
    }

    [Fact]
    public async Task No_limit_is_ever_exceeded_whatever_happens_at_random()
    {
        var random = Seeds.Next(out _);
        var rules = new QueueRules(Database);
        var engine = await LaunchEnqueuerAsync([.. rules.Queues]);
        await ServeAsync(3);
        var enqueued = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(12);)
        {
            switch (random.Next(12))
            {
                case < 5:
                    enqueued += await EnqueueAsync(engine, rules, random);
                    break;
                case < 6:
                    await KillOneAsync(random.Next(3));
                    break;
                case < 10:
                    await rules.ChangeAsync(engine.Queues, random);
                    break;
                default:
                    await random.MomentAsync(TimeSpan.FromMilliseconds(100));
                    break;
            }

            await rules.CheckAsync();
        }

        await rules.EndAsync(engine.Queues);
        await Eventually.TrueAsync(
            async () =>
            {
                await rules.CheckAsync();
                return await Database.UnfinishedAsync() == 0;
            },
            Soon,
            "everything ends");
        Assert.True(kills > 0, "Nothing was killed with this seed.");
        Assert.Equal(enqueued, await Database.WorkflowsAsync("status = 'SUCCESS'"));
        Assert.Equal(enqueued * 2, await Database.CountAsync("SELECT count(*) FROM operation_outputs"));
        await rules.CheckOrderAsync();
        await rules.CheckFairnessAsync();

        // A step whose process died between its effect and its checkpoint runs again, and no other: of each process no more than it ran.
        var effects = Ledger.Read();
        Assert.Equal(enqueued * 2, effects.Count);
        Assert.InRange(effects.Values.Sum(times => times - 1), 0, kills * QueueRules.RunningMax);
    }

    private Task<WorkflowEngine> LaunchEnqueuerAsync(params WorkflowQueue[] queues) => LaunchSuccessorAsync(options =>
    {
        options.Add(queues);
        options.ListenTo = [];
    });

    private async Task<int> EnqueueAsync(WorkflowEngine engine, QueueRules rules, Random random)
    {
        var starts = Enumerable.Range(0, random.Next(1, 30)).Select(_ => (2, (StartOptions?)rules.Start(random))).ToList();
        await engine.StartManyAsync(Workflows.Chain, starts, Cancel);
        return starts.Count;
    }

    private async Task ServeAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            serving.Add(StartServer());
        }

        foreach (var worker in serving)
        {
            await worker.ReachedAsync("launched");
        }
    }

    private async Task KillOneAsync(int number)
    {
        await serving[number].KillAsync();
        serving[number] = StartServer();
        kills++;
    }

    private ChildProcess StartServer() =>
        StartWorker("serve", [], ("lease", Lease.ToString(CultureInfo.InvariantCulture)), ("quick", "yes"));
}
