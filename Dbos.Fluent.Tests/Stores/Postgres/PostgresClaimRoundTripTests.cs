using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Servers;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>How often a claim goes to the database and back, counted between the two.</summary>
public sealed class PostgresClaimRoundTripTests(PostgresStores stores) : StoreSuite(stores), IClassFixture<PostgresStores>
{
    private const int Batch = 20;

    public static TheoryData<string> Kinds => ["none", "concurrency", "worker", "rate", "partition", "nothing waits"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_claim_is_one_round_trip_for_a_batch_of_as_many_as_have_room(string kind)
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        var queue = Queue(kind);
        await Queueing.RegisterAsync(bed, queue);
        var (proxy, through) = TcpProxy.Before(bed.ConnectionString);
        await using var disposal = proxy;
        var store = bed.OpenThrough(through, Bounded.Limit);

        // The first ones open connections, make statements ready, and learn that the queue has partitions.
        for (var number = 0; number < 4; number++)
        {
            await ClaimAsync(store, queue, $"before {number}", limit: 100);
        }

        var waiting = kind == "nothing waits" ? 0 : 3 * Batch;
        await bed.Store.Queues.StartManyAsync(
            [.. Enumerable.Range(0, waiting).Select(n => A.Start(Queueing.InPartition($"w{n}", kind == "partition" ? $"p{n}" : null)))],
            Cancel);
        var before = proxy.RoundTrips;

        var claimed = await ClaimAsync(store, queue, "counted", limit: kind is "none" or "nothing waits" ? Batch : 100);

        Assert.Equal(1, proxy.RoundTrips - before);
        Assert.Equal(Math.Min(waiting, Batch), claimed.Count);
        Assert.Equal(claimed.Count, (await bed.QueryAsync("SELECT 1 AS one FROM workflow_status WHERE status = 'PENDING'")).Count);
    }

    [Fact]
    public async Task Every_call_of_a_program_is_counted()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        var (proxy, through) = TcpProxy.Before(bed.ConnectionString);
        await using var disposal = proxy;
        var store = bed.OpenThrough(through, Bounded.Limit);
        await store.Queues.ReadAsync("line", Cancel);
        var before = proxy.RoundTrips;

        for (var number = 0; number < 5; number++)
        {
            await store.Queues.ReadAsync("line", Cancel);
        }

        Assert.InRange(proxy.RoundTrips - before, 5, 10);
    }

    private static WorkflowQueue Queue(string kind) => kind switch
    {
        "none" => Queueing.Line,
        "worker" => Queueing.Line with { WorkerConcurrency = Batch },
        "rate" => Queueing.Line with { RateLimit = new(Batch, TimeSpan.FromHours(1)) },
        "partition" => Queueing.Line with { PartitionConcurrency = 1, Concurrency = Batch },
        _ => Queueing.Line with { Concurrency = Batch },
    };

    private static async Task<IReadOnlyList<ClaimedWorkflow>> ClaimAsync(IStore store, WorkflowQueue queue, string token, int limit) =>
        queue.IsLimited
            ? (await store.Claims.ClaimLimitedAsync(A.Claim(token, limit), Queueing.Share(), Cancel)).Result.Claimed
            : (await store.Claims.ClaimAsync(A.Claim(token, limit), Cancel)).Claimed;
}
