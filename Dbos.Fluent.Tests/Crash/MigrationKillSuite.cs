namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// An empty database that several processes meet at once, or one that is killed while it makes the tables: the next one finds what is
/// there, or nothing, and makes the rest.
/// </summary>
public abstract class MigrationKillSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private static readonly TimeSpan MigrationTime = TimeSpan.FromMilliseconds(150);

    protected override bool StartsEmpty => true;

    [Fact]
    public async Task Ten_engines_that_launch_at_once_on_an_empty_database_all_run()
    {
        // Made here, before the launches ask for it at once.
        var chain = Workflows.Chain;
        var engines = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => LaunchSuccessorAsync(), Cancel)));

        var handles = new List<WorkflowHandle<int>>();
        foreach (var engine in engines)
        {
            handles.Add(await engine.StartAsync(chain, 1, cancellationToken: Cancel));
        }

        var results = await Task.WhenAll(handles.Select(handle => handle.GetResultAsync(Cancel))).Within(Bounded.Limit);

        Assert.Equal(10, results.Sum());
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM dbos_migrations"));
        Assert.Equal(10, await Database.CountAsync("SELECT count(*) FROM fluent_executors"));
    }

    [Theory]
    [InlineData("before migrate")]
    [InlineData("after migrate")]
    public async Task A_process_killed_beside_a_migration_leaves_a_database_that_the_next_one_can_use(string point)
    {
        var worker = StartWorker("serve", [point]);
        await worker.ReachedAsync(point);
        await worker.KillAsync();

        await RunsAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_process_killed_in_the_middle_of_a_migration_leaves_a_database_that_the_next_one_can_use(int round)
    {
        var random = Seeds.Next(out _);
        var worker = StartWorker("serve", []);
        await worker.ReachedAsync("before migrate");
        await random.MomentAsync(MigrationTime * (round / 4.0));
        await worker.KillAsync();

        await RunsAsync();
    }

    private async Task RunsAsync()
    {
        var engine = await LaunchSuccessorAsync();
        var handle = await engine.StartAsync(Workflows.Chain, 2, new() { Id = "w1" }, Cancel);

        Assert.Equal(2, await handle.GetResultAsync(Cancel).Within(Bounded.Limit));
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM dbos_migrations"));
    }
}
