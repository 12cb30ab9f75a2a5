using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Wake-ups when the connection that listens is killed, and when announcements are lost.</summary>
public sealed class PostgresWakeupFaultTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    // A connection on which nothing came for a while asks whether it is still there.
    private const string Listeners =
        "FROM pg_stat_activity WHERE datname = current_database() AND (query LIKE 'LISTEN%' OR query = 'SELECT 1') AND state = 'idle'";

    private static readonly TimeSpan Soon = Bounded.Limit;
    private static readonly TimeSpan Rarely = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(300);

    private readonly WorkflowDefinition<Unit, int> waiter = Workflow.Define<Unit, int>("waiter", Wait);
    private readonly WorkflowDefinition<Unit, Unit> writer = Flows.Series("writer", () => [Step.SetEvent("k", 3), Step.Send("R", 4)]);

    // What another test's connections have asked last could look like a listener's question.
    protected override bool SharesDatabases => false;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_came_while_nobody_listened_is_found_when_the_listener_is_back(int kills)
    {
        var (engine, other) = (await LaunchWaiterAsync(Rarely), await LaunchWriterAsync(new CallFaults()));
        var handle = await engine.BeginAsync(waiter, default, "R");
        for (var i = 0; i < kills; i++)
        {
            await Eventually.TrueAsync(async () => await Database.CountAsync($"SELECT count(*) {Listeners}") == 2, Bounded.Limit);
            await Database.QueryAsync($"SELECT pg_terminate_backend(pid) {Listeners}");
        }

        await other.RunAsync(writer, default, "W");

        Assert.Equal(7, await handle.GetResultAsync(Cancel).Within(Soon));
    }

    [Fact]
    public async Task What_is_not_announced_arrives_with_the_covering_poll()
    {
        var announced = 0;
        var faults = new CallFaults
        {
            Before = (call, _) => call.Kind == StoreCallKind.Announce && Interlocked.Increment(ref announced) > 0
                ? throw CallFaults.Unavailable("Lost.")
                : Task.CompletedTask,
        };
        var (engine, other) = (await LaunchWaiterAsync(Often), await LaunchWriterAsync(faults));
        await Database.SilenceMessagesAsync();
        var handle = await engine.BeginAsync(waiter, default, "R");
        await Eventually.TrueAsync(() => engine.Core.Wakeups.Events.Count == 1, Bounded.Limit);

        await other.RunAsync(writer, default, "W");

        Assert.Equal(7, await handle.GetResultAsync(Cancel).Within(Soon));
        Assert.InRange(announced, 1, int.MaxValue);
    }

    private static async IAsyncEnumerable<StepOr<int>> Wait(Unit input, WorkflowContext workflow)
    {
        yield return Step.GetEvent<int>("W", "k", Rarely).As(out var set);
        yield return Step.Receive<int>(null, Rarely).As(out var message);
        yield return set.Result.Value + message.Result.Value;
    }

    private Task<WorkflowEngine> LaunchWaiterAsync(TimeSpan poll) => LaunchAsync(options => options.PollInterval = poll, waiter);

    private Task<WorkflowEngine> LaunchWriterAsync(CallFaults faults) => LaunchAsync(
        options => (options.ExecutorId, options.WrapStore) = ("executor-2", store => new FaultingStore(store, faults)), writer);
}
