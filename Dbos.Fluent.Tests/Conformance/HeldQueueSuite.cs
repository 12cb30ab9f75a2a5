namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// For stores that lock row by row: a queue whose row somebody holds waits, and no other waits with it. Scenario QM-03.
/// </summary>
public abstract class HeldQueueSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<int, int> Quick = Workflow.Define<int, int>("quick").Return(x => x.Input);

    [Fact]
    public async Task A_queue_that_somebody_holds_keeps_no_other_from_being_served()
    {
        var engine = await LaunchAsync(Queues, Quick);
        WorkflowHandle<int> stuck;
        await using (await HoldAsync("held"))
        {
            stuck = await engine.StartAsync(Quick, 1, new() { Queue = "held" }, Cancel);
            await ClaimWaitsAsync();
            for (var round = 0; round < 3; round++)
            {
                foreach (var queue in new[] { "plain", "limited", "windowed" })
                {
                    Assert.Equal(round, await (await engine.StartAsync(Quick, round, new() { Queue = queue }, Cancel)).ResultAsync());
                }
            }

            var delayed = await engine.StartAsync(Quick, 4, new() { Queue = "limited", Delay = TimeSpan.FromMilliseconds(1) }, Cancel);
            Assert.Equal(4, await delayed.ResultAsync());
            Assert.Equal(4, await engine.ResultAsync<int>(await engine.ForkAsync(delayed.Id, 0, cancellationToken: Cancel)));
            Assert.Equal(WorkflowState.Enqueued, await engine.StateOfAsync(stuck.Id));
        }

        Assert.Equal(1, await stuck.ResultAsync());
    }

    [Fact]
    public async Task An_engine_stops_although_its_claim_waits_for_a_queue_that_somebody_holds()
    {
        var engine = await LaunchAsync(Queues, Quick);
        var hold = await HoldAsync("held");
        await using (hold)
        {
            await engine.StartAsync(Quick, 1, new() { Id = "A", Queue = "held" }, Cancel);
            await ClaimWaitsAsync();

            await engine.StopAsync(TimeSpan.FromSeconds(1), Cancel).Within(Bounded.Limit / 3);
            Assert.Equal("ENQUEUED", await Database.ScalarAsync("SELECT status FROM workflow_status WHERE workflow_uuid = 'A'"));
        }

        engine = await LaunchAsync(Queues, Quick);
        Assert.Equal(1, await engine.ResultAsync<int>("A"));
    }

    private static void Queues(EngineOptions options) => options.Add(
        new WorkflowQueue("plain"),
        new WorkflowQueue("held") { Concurrency = 2 },
        new WorkflowQueue("limited") { Concurrency = 2 },
        new WorkflowQueue("windowed") { RateLimit = new(100, TimeSpan.FromSeconds(30)) });

    private async Task<Hold> HoldAsync(string queue)
    {
        var connection = await Database.ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"BEGIN; SELECT 1 FROM queues WHERE name = '{queue}' FOR UPDATE";
        await command.ExecuteNonQueryAsync(Cancel);
        return new Hold(connection);
    }

    private Task ClaimWaitsAsync() => Eventually.TrueAsync(
        async () => await Database.CountAsync(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") > 0,
        Bounded.Limit,
        "the claim waits for the lock");
}
