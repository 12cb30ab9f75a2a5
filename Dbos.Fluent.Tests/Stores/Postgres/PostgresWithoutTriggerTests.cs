using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A database as an SDK with its notifications off makes it: messages have no trigger, so nobody announces one.</summary>
public sealed class PostgresWithoutTriggerTests(PostgresDatabases fixture) : EngineSuite(fixture), IClassFixture<PostgresDatabases>
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    // Less than the covering poll of an engine that nobody told to look more often.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(8);

    protected override bool SharesDatabases => false;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Messages_of_other_processes_are_received_within_the_poll_interval(bool leavesMemory)
    {
        var receiver = Flows.Receiver<int>("t");
        var sender = Flows.Series("sender", () => [Step.Send("R", 2, "t"), Step.SendMany([("R", 3, (string?)"t", (string?)null)])]);
        await (await LaunchAsync()).StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("DROP FUNCTION dbos.notifications_function() CASCADE");
        var engine = await LaunchAsync(
            options => (options.PollInterval, options.UnloadAfter) = (Poll, leavesMemory ? TimeSpan.Zero : Timeout.InfiniteTimeSpan),
            receiver);
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", sender);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        var handle = await engine.BeginAsync(receiver, 4, "R");

        await ReceivedAsync(0);
        await client.SendAsync("R", 1, "t", cancellationToken: Cancel);
        await ReceivedAsync(1);
        await other.RunAsync(sender, default, "S");
        await ReceivedAsync(3);
        await Database.InsertMessageAsync("R", "4", "t");

        Assert.Equal([1, 2, 3, 4], await handle.GetResultAsync(Cancel).Within(Soon));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'dbos.notifications'::regclass"
            + " AND NOT tgisinternal"));

        // It waits for the next one, in memory or out of it.
        Task ReceivedAsync(int count) => Eventually.TrueAsync(
            async () => await Database.MessagesAsync("consumed") == count
                && (leavesMemory ? (await engine.GetStatusAsync("R", Cancel))!.Parked : engine.Core.Wakeups.Inboxes.Count == 1),
            Soon,
            $"{count} are received");
    }
}
