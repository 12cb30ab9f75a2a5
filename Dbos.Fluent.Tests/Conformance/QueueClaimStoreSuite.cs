using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Claims from queues without limits: only from those that are named, and still have none.</summary>
public abstract class QueueClaimStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly string[] Queues = ["one", "two", "three"];

    [Fact]
    public async Task Only_the_named_queues_are_claimed_from()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, In("one", "a"), In("two", "b"), In("three", "c"), In(A.InternalQueue, "d"));

        Assert.Equal(["a", "c"], await ClaimIdsAsync(bed.Store, A.Claim("token") with { Queues = ["three", "one"] }));
        Assert.Empty(await ClaimIdsAsync(bed.Store, A.Claim("token 2") with { Queues = [] }));
        Assert.Equal(["d"], await ClaimIdsAsync(bed.Store, A.Claim("token 3") with { Queues = [A.InternalQueue, "unknown"] }));
        HasColumns(await bed.RowAsync("b"), ("status", "ENQUEUED"));
    }

    [Fact]
    public async Task Queues_take_turns_each_in_the_order_of_priority_age_and_id()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, In("one", "late") with { Priority = 5 }, In("two", "second"), In("one", "third"));
        await StatusesAsync(bed.Store, A.Start(In("two", "y")), A.Start(In("one", "z")), A.Start(In("three", "x")));

        var request = A.Claim("token", limit: 3) with { Queues = Queues };
        Assert.Equal(["second", "third", "x"], await ClaimIdsAsync(bed.Store, request));
        Assert.Equal(["y", "z"], await ClaimIdsAsync(bed.Store, request with { Token = "token 2", Limit = 2 }));
        Assert.Equal(["late"], await ClaimIdsAsync(bed.Store, request with { Token = "token 3" }));
    }

    // With one free place at a time, chance says whose turn it is: a queue that lost forty times in a row would have to be starved.
    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public async Task Long_line_keeps_no_other_queue_waiting(int limit)
    {
        const int backlog = 40;
        await using var bed = await Fixture.CreateAsync();
        foreach (var number in Enumerable.Range(10, backlog))
        {
            await EnqueueAsync(bed, In("one", $"w{number}") with { Priority = -1 });
        }

        await EnqueueAsync(bed, In("two", "urgent"));

        var claimed = new List<string>();
        for (var number = 0; number < (limit == 1 ? backlog : 1); number++)
        {
            claimed.AddRange(await ClaimIdsAsync(bed.Store, A.Claim($"token {number}", limit) with { Queues = Queues }));
        }

        Assert.Contains("urgent", claimed);
        Assert.Contains("w10", claimed);
    }

    [Fact]
    public async Task Paused_queue_is_left_out_until_its_pause_ends()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Queues.RegisterAsync(Queueing.Registration(new WorkflowQueue("one")), Cancel);
        await EnqueueAsync(bed, In("one", "a"), In("two", "b"));
        var request = A.Claim("token") with { Queues = Queues };

        await bed.Store.Queues.SetPausedAsync("one", true, Cancel);
        Assert.Equal(["b"], await ClaimIdsAsync(bed.Store, request));
        await bed.Store.Queues.SetPausedAsync("one", false, Cancel);
        Assert.Equal(["a"], await ClaimIdsAsync(bed.Store, request with { Token = "token 2" }));
    }

    [Fact]
    public async Task Queue_with_any_limit_is_left_out()
    {
        await using var bed = await Fixture.CreateAsync();
        var rate = new RateLimit(5, TimeSpan.FromSeconds(1));
        WorkflowQueue[] limited =
        [
            new("q1") { Concurrency = 5 },
            new("q2") { WorkerConcurrency = 5 },
            new("q3") { RateLimit = rate },
            new("q4") { PartitionConcurrency = 5 },
            new("q5") { PartitionWorkerConcurrency = 5 },
            new("q6") { PartitionRateLimit = rate },
        ];
        foreach (var queue in limited)
        {
            await bed.Store.Queues.RegisterAsync(Queueing.Registration(queue), Cancel);
            await EnqueueAsync(bed, In(queue.Name, "in " + queue.Name));
        }

        await bed.Store.Queues.RegisterAsync(Queueing.Registration(new WorkflowQueue("free")), Cancel);
        await EnqueueAsync(bed, In("free", "w"));

        Assert.Equal(
            ["w"], await ClaimIdsAsync(bed.Store, A.Claim("token") with { Queues = [.. limited.Select(queue => queue.Name), "free"] }));
    }

    [Fact]
    public async Task Claim_tells_the_partition_and_marks_no_rate()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, Queueing.InPartition("w", "north"));

        var claimed = await ClaimOneAsync(bed.Store, A.Claim("token"));

        Assert.Equal((A.Queue, "north"), (claimed.Queue, claimed.PartitionKey));
        HasColumns(await bed.RowAsync("w"), ("rate_limited", 0));
    }

    [Fact]
    public async Task Repeated_claim_gives_back_what_was_taken_from_a_queue_that_is_paused_since()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line);
        await Queueing.EnqueueAsync(bed, "a", "b");
        await ClaimIdsAsync(bed.Store, A.Claim("token", limit: 1));

        await bed.Store.Queues.SetPausedAsync(A.Queue, true, Cancel);

        Assert.Equal(["a"], await ClaimIdsAsync(bed.Store, A.Claim("token", limit: 2) with { Repeated = true }));
    }

    [Fact]
    public async Task Claim_says_that_there_is_more_where_a_peer_holds_all_that_it_looked_at()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.EnqueueAsync(bed, [.. Enumerable.Range(10, 21).Select(number => $"w{number}")]);
        if (!Fixture.LocksRows)
        {
            Assert.False((await bed.Store.Claims.ClaimAsync(A.Claim("token", limit: 1), Cancel)).More);
            return;
        }

        ClaimResult held, past;
        await using (var peer = await bed.BeginAsync())
        {
            await peer.ExecuteAsync("UPDATE workflow_status SET priority = priority WHERE workflow_uuid < 'w30'");
            held = await bed.Store.Claims.ClaimAsync(A.Claim("one", limit: 1), Cancel);
            past = await bed.Store.Claims.ClaimAsync(A.Claim("two", limit: 2), Cancel);
        }

        var free = await bed.Store.Claims.ClaimAsync(A.Claim("three", limit: 1), Cancel);

        Assert.Equal((0, 0, true), (held.Claimed.Count, held.DeadLettered.Count, held.More));
        Assert.Equal(("w30", false), (Assert.Single(past.Claimed).Id, past.More));
        Assert.Equal(("w10", false), (Assert.Single(free.Claimed).Id, free.More));
    }

    [Fact]
    public async Task Large_inputs_come_with_the_claim_and_with_its_repetition()
    {
        await using var bed = await Fixture.CreateAsync();
        string[] ids = ["a", "b", "c", "d"];
        await EnqueueAsync(
            bed, [.. ids.Select(id => A.Enqueued(id) with { Input = new Payload(new string(id[0], 40_000), A.Native) })]);

        var first = await bed.Store.Claims.ClaimAsync(A.Claim("token"), Cancel);
        var again = await bed.Store.Claims.ClaimAsync(A.Claim("token") with { Repeated = true }, Cancel);

        Assert.Equal(ids, first.Claimed.Select(claimed => claimed.Id));
        Assert.Equal(ids, again.Claimed.Select(claimed => claimed.Id));
        Assert.All(
            first.Claimed.Concat(again.Claimed), claimed => Assert.Equal(new string(claimed.Id[0], 40_000), claimed.Input.Text));
    }

    private static WorkflowInsert In(string queue, string id) => A.Enqueued(id) with { Queue = queue };
}
