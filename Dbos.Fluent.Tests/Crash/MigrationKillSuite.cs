namespace Dbos.Fluent.Tests.Crash;

/// <summary>A process killed while it makes the tables: the next one finds what is there, or nothing, and makes the rest.</summary>
public abstract class MigrationKillSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private static readonly TimeSpan MigrationTime = TimeSpan.FromMilliseconds(150);

    protected override bool StartsEmpty => true;

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
