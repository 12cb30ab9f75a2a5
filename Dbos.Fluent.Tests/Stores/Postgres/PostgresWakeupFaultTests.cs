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

    // CC-06. No poll comes within the test. What only a lost connection refuses is said again; what is wrong in itself is not.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_announcement_that_fails_keeps_none_that_follows_from_being_heard(bool unavailable)
    {
        var (failed, gate) = (0, new Probe());
        var faults = new CallFaults
        {
            Before = (call, _) => call.Kind != StoreCallKind.Announce || Interlocked.Increment(ref failed) > 1 ? Task.CompletedTask
                : throw (unavailable ? CallFaults.Unavailable("Lost.") : new InvalidOperationException("Poison.")),
        };
        var setter = Flows.Series(
            "setter", () => [Step.SetEvent("poison", 1), Step.Run("gate", s => gate.PassAsync(s)), Step.SetEvent("good", 2)]);
        await using var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                options.PollInterval = Rarely;
            },
            Cancel);
        var other = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), setter);
        var poison = client.GetEventAsync<int>("W", "poison", Rarely * 2, Cancel);
        var good = client.GetEventAsync<int>("W", "good", Rarely * 2, Cancel);
        await Eventually.TrueAsync(() => client.Core.Wakeups.Events.Count == 2, Bounded.Limit, "both are waited for");

        await other.BeginAsync(setter, default, "W");
        await gate.ReachedAsync();
        await Eventually.TrueAsync(() => Volatile.Read(ref failed) > 0, Bounded.Limit, "one announcement has failed");
        gate.Open();

        Assert.Equal(2, (await good.Within(Soon)).Value);
        if (unavailable)
        {
            Assert.Equal(1, (await poison.Within(Soon)).Value);
        }
        else
        {
            Assert.False(poison.IsCompleted);
            Assert.Equal(1, (await client.GetEventAsync<int>("W", "poison", Rarely, Cancel).Within(Soon)).Value);
        }
    }

    // CL-05. A client listens unless it is told not to.
    [Fact]
    public async Task A_client_that_wants_no_notifications_listens_on_no_connection()
    {
        var connection = ((PostgresTestDatabase)Database).ConnectionString;
        await LaunchWriterAsync(new CallFaults());
        await using var listening = await ConnectAsync(notifications: true);
        await using var polling = await ConnectAsync(notifications: false);
        await Eventually.TrueAsync(async () => await ListenersAsync(true) == 1, Bounded.Limit, "one listens");

        Assert.False((await polling.GetEventAsync<int>("W", "k", TimeSpan.FromMilliseconds(1), Cancel)).HasValue);
        Assert.Equal(0, await ListenersAsync(false));

        Task<WorkflowClient> ConnectAsync(bool notifications) => WorkflowClient.ConnectAsync(
            options =>
            {
                options.UsePostgres($"{connection};Application Name=client {notifications}");
                options.Notifications &= notifications;
            },
            Cancel);

        Task<long> ListenersAsync(bool notifications) =>
            Database.CountAsync($"SELECT count(*) {Listeners} AND application_name = 'client {notifications}'");
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
