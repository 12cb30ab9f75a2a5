namespace Dbos.Fluent.Tests.Conformance;

/// <summary>An engine whose registration the database has lost, as after a restore from a backup: it registers anew and goes on.</summary>
public abstract class ForgottenExecutorSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int LeaseTaken = 1504;
    private const int RegisteredAnew = 1512;

    private static readonly WorkflowDefinition<int, int> Echo = Workflow.Define<int, int>("echo")
        .Step("echo", x => Task.FromResult(x.Input)).As(out var echo)
        .Return(x => x.Get(echo));

    [Fact]
    public async Task It_registers_anew_and_goes_on()
    {
        var engine = await LaunchAsync(options => options.Lease = TimeSpan.FromSeconds(2), Echo);

        await Database.ExecuteAsync("DELETE FROM fluent_executors");
        await RegisteredAsync("stopped = false");

        Assert.Equal(7, await (await engine.StartAsync(Echo, 7, new() { Id = "A" }, Cancel)).ResultAsync());
        Assert.Contains(Log.Entries, entry => entry.Id == RegisteredAnew);
        Assert.DoesNotContain(Log.Entries, entry => entry.Id == LeaseTaken);
    }

    [Fact]
    public async Task It_takes_its_id_back_from_one_that_is_gone_and_leaves_it_to_one_that_lives()
    {
        await LaunchAsync(options => options.Lease = TimeSpan.FromSeconds(2), Echo);

        await Database.ExecuteAsync($"UPDATE fluent_executors SET incarnation = 'living', {Expires} = {Expires} + 3600000");
        await Eventually.TrueAsync(() => Log.Entries.Any(entry => entry.Id == LeaseTaken), Bounded.Limit, "it says that its id is taken");
        await Database.ExecuteAsync($"UPDATE fluent_executors SET {Expires} = 0");

        await RegisteredAsync("incarnation <> 'living'");
    }

    private string Expires => Database is SqliteTestDatabase ? "lease_expires_at" : "expires_at_ms";

    private Task RegisteredAsync(string how) => Eventually.TrueAsync(
        async () => await Database.CountAsync($"SELECT count(*) FROM fluent_executors WHERE executor_id = '{Executor}' AND {how}") == 1,
        Bounded.Limit,
        "it is registered");
}
