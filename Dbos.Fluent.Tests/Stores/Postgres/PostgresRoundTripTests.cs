using Dbos.Fluent.Tests.Conformance;
using Npgsql;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>How often an engine asks the server, counted by the log of the driver.</summary>
public sealed class PostgresRoundTripTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private const int Many = 1000;

    // What an engine asks by itself for as long as a loaded machine may take is among them.
    private const int AskedMax = Many / 10;

    private readonly ManualLogger driver = new();
    private NpgsqlDataSource? source;

    protected override bool SharesDatabases => false;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await (source?.DisposeAsync() ?? default);
        driver.Dispose();
    }

    // The children run elsewhere and have ended when they are awaited: whatever is asked is for their parent.
    [Fact]
    public async Task A_thousand_children_are_started_and_awaited_in_a_few_round_trips()
    {
        var (before, gate) = (new Probe(), new Probe());
        var child = Workflow.Define<int, int>("child").Return(x => x.Input * 2);
        var parent = Workflow.Define<Unit, int>("parent", Body);
        source = new NpgsqlDataSourceBuilder(((PostgresTestDatabase)Database).ConnectionString).UseLoggerFactory(driver).Build();
        var engine = await LaunchAsync(options => options.UsePostgres(source), parent, child);
        var handle = await engine.BeginAsync(parent, default, "P");
        await before.ReachedAsync();

        var asked = Asked();
        before.Open();
        await gate.ReachedAsync();
        Assert.InRange(Asked() - asked, 1, AskedMax);

        await LaunchAsync(options => options.Add(new WorkflowQueue("elsewhere")).ExecutorId = "executor-2", child);
        await Eventually.TrueAsync(
            async () => await Database.WorkflowsAsync("status = 'SUCCESS' AND name = 'child'") == Many, Bounded.Limit, "all end");
        asked = Asked();
        gate.Open();

        Assert.Equal(Many * (Many - 1), await handle.ResultAsync());
        Assert.InRange(Asked() - asked, 1, AskedMax);
        Assert.Equal((2 * Many) + 2, await CheckpointCountAsync("P"));

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("before", s => before.PassAsync(s));
            yield return Step.StartMany(child, [.. Enumerable.Range(0, Many)], _ => new() { Queue = "elsewhere" }).As(out var handles);
            yield return Step.Run("gate", s => gate.PassAsync(s));
            yield return Step.AwaitAll(handles.Result).As(out var results);
            yield return results.Result.Sum();
        }
    }

    private int Asked() => driver.Entries.Count(entry => entry.Text.Contains("xecution completed", StringComparison.Ordinal));
}
