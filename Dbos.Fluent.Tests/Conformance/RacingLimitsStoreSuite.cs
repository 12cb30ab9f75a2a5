using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Several processes at one limited queue, at the same moment: the limit is never exceeded, and nothing is taken twice.</summary>
public abstract class RacingLimitsStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private const int Waiting = 120;

    [Fact]
    public async Task Claims_at_once_never_exceed_the_limit_of_the_queue()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 3 });
        await FillAsync(bed, number => A.Enqueued($"w{number:000}"));

        await DrainTogetherAsync(bed, "SELECT count(*) AS n FROM workflow_status WHERE status = 'PENDING'", limit: 3);
    }

    [Fact]
    public async Task Claims_at_once_never_exceed_the_limit_of_a_partition()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { PartitionConcurrency = 1 });
        await FillAsync(bed, number => Queueing.InPartition($"w{number:000}", $"partition {number % 5}"));

        await DrainTogetherAsync(
            bed,
            """
            SELECT coalesce(max(running), 0) AS n FROM (
                SELECT count(*) AS running FROM workflow_status WHERE status = 'PENDING' GROUP BY queue_partition_key) AS each_one
            """,
            limit: 1);
    }

    [Fact]
    public async Task Claims_at_once_never_exceed_a_window()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { RateLimit = new(7, TimeSpan.FromSeconds(1)) });
        await FillAsync(bed, number => A.Enqueued($"w{number:000}"));
        IStore[] stores = [bed.Store, bed.Open(), bed.Open()];
        var taken = new List<string>();

        for (var window = 0; taken.Count < Waiting; window++)
        {
            var claims = await Task.WhenAll(stores.Select((store, index) =>
                store.Claims.ClaimLimitedAsync(A.Claim($"token {window} {index}", limit: 4), Queueing.Share(), Cancel)))
                .Within(Bounded.Limit);
            Assert.InRange(claims.Sum(claim => claim.Result.Claimed.Count), 1, 7);
            taken.AddRange(claims.SelectMany(Queueing.IdsOf));
            bed.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(taken.Count, taken.Distinct().Count());
    }

    [Fact]
    public async Task Claims_at_once_never_exceed_a_window_although_their_processes_crash()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { RateLimit = new(7, TimeSpan.FromSeconds(1)) });
        await FillAsync(bed, number => A.Enqueued($"w{number:000}"));
        IStore[] stores = [bed.Store, bed.Open(), bed.Open()];

        for (var window = 0; window < 5; window++)
        {
            var started = 0;
            for (var round = 0; round < 4; round++)
            {
                var claims = await Task.WhenAll(stores.Select((store, index) =>
                    store.Claims.ClaimLimitedAsync(A.Claim($"token {window} {round} {index}", limit: 2), Queueing.Share(), Cancel)))
                    .Within(Bounded.Limit);
                started += claims.Sum(claim => claim.Result.Claimed.Count);
                await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);
            }

            Assert.Equal(7, started);
            bed.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private static Task<CommitStatus[]> FillAsync(StoreBed bed, Func<int, WorkflowInsert> row) =>
        StatusesAsync(bed.Store, [.. Enumerable.Range(0, Waiting).Select(number => A.Start(row(number)))]);

    // Each process claims, and looks at what runs before it ends what it took: at every such moment the limit must hold.
    private static async Task DrainTogetherAsync(StoreBed bed, string countRunning, long limit)
    {
        IStore[] stores = [bed.Store, bed.Open(), bed.Open()];
        var left = Waiting;
        var taken = await Task.WhenAll(stores.Select(async (store, process) =>
        {
            var mine = new List<string>();
            for (var round = 0; Volatile.Read(ref left) > 0; round++)
            {
                var token = $"process {process} round {round}";
                var claim = await store.Claims.ClaimLimitedAsync(A.Claim(token, limit: 2), Queueing.Share(), Cancel);
                Assert.InRange((long)(await bed.QueryAsync(countRunning))[0]["n"]!, 0, limit);
                foreach (var id in Queueing.IdsOf(claim))
                {
                    mine.Add(id);
                    await store.Commits.CommitWaitingAsync(A.Outcome(new Ownership(id, token)), Cancel);
                    Interlocked.Decrement(ref left);
                }
            }

            return mine;
        })).Within(TimeSpan.FromMinutes(2));

        Assert.Equal(Waiting, taken.Sum(mine => mine.Count));
        Assert.Equal(Waiting, taken.SelectMany(mine => mine).Distinct().Count());
        Assert.Equal(Waiting, await bed.CountAsync("workflow_status WHERE status = 'SUCCESS'"));
    }
}
