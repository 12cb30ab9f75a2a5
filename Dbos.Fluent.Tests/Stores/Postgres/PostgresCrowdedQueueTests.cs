using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>A peer holds the first of a line: an engine looks again without being told, as more may wait behind those.</summary>
public sealed class PostgresCrowdedQueueTests(PostgresDatabases databases) : EngineSuite(databases), IClassFixture<PostgresDatabases>
{
    // As many as any claim looks at, and a few.
    private const int Waiting = 1_020;
    private const int Claims = 6;

    private readonly CallFaults faults = new();
    private readonly Probe outlook = new();
    private readonly Probe claims = new();

    [Theory]
    [InlineData("plain")]
    [InlineData("worker")]
    public async Task A_line_whose_first_a_peer_holds_is_looked_at_again_after_a_rest(string queue)
    {
        var workflow = Workflow.Define<int, int>("quick").Return(x => x.Input);
        var engine = await LaunchAsync(
            options =>
            {
                options.WrapStore = store => new FaultingStore(store, faults);
                options.Add(new WorkflowQueue("plain"), new WorkflowQueue("worker") { WorkerConcurrency = 1 });
            },
            workflow);

        // Which queues there are is known from a look.
        await (await engine.StartAsync(workflow, 0, new() { Queue = queue }, Cancel)).ResultAsync();
        var empty = 0;
        faults.Before = (call, token) => call.Kind switch
        {
            StoreCallKind.ReadOutlook => outlook.PassAsync(token),
            StoreCallKind.Claim or StoreCallKind.ClaimLimited => claims.PassAsync(token),
            _ => Task.CompletedTask,
        };
        faults.After = (call, _) =>
        {
            empty += call.Kind is StoreCallKind.Claim or StoreCallKind.ClaimLimited && call.Claimed.Count == 0 ? 1 : 0;
            return Task.CompletedTask;
        };
        await outlook.ReachedAsync();
        var handles = await engine.StartManyAsync(
            workflow, Enumerable.Range(0, Waiting).Select(i => (i, (StartOptions?)new() { Queue = queue })), Cancel);
        await claims.ReachedAsync();
        await using (var peer = await Database.ConnectAsync())
        {
            await using var hold = peer.CreateCommand();
            hold.CommandText = "BEGIN; SELECT 1 FROM workflow_status WHERE status = 'ENQUEUED' FOR UPDATE";
            await hold.ExecuteNonQueryAsync(Cancel);

            claims.Open();
            await Eventually.TrueAsync(() => Volatile.Read(ref empty) >= Claims, Bounded.Limit, "it looks again");
        }

        outlook.Open();
        Assert.Equal(3, await handles[3].ResultAsync());
    }
}
