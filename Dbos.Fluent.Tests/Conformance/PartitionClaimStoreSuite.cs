using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Claims from a queue whose partitions have limits of their own, beneath the queue's. Ids begin with their partition.</summary>
public abstract class PartitionClaimStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly WorkflowQueue OneEach = Queueing.Line with { PartitionConcurrency = 1 };

    [Fact]
    public async Task More_is_to_be_had_behind_the_first_of_each_partition_that_a_peer_holds()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { PartitionWorkerConcurrency = 1 });
        await Queueing.EnqueueByLetterAsync(bed, "a1", "b1", "a2");
        if (!Fixture.LocksRows)
        {
            Assert.Equal(["a1", "b1"], await Queueing.ClaimIdsAsync(bed, "token"));
            return;
        }

        LimitedClaim held, last;
        await using (var peer = await bed.BeginAsync())
        {
            await peer.ExecuteAsync("UPDATE workflow_status SET status = 'PENDING' WHERE workflow_uuid IN ('a1', 'b1')");
            held = await Queueing.ClaimAsync(bed, "one");
            await peer.CommitAsync();
        }

        var free = await Queueing.ClaimAsync(bed, "two");
        await using (var peer = await bed.BeginAsync())
        {
            await Queueing.EnqueueByLetterAsync(bed, "c1");
            await peer.ExecuteAsync("UPDATE workflow_status SET priority = priority WHERE workflow_uuid = 'c1'");
            last = await Queueing.ClaimAsync(bed, "three");
        }

        Assert.Equal(("", true), (string.Join(' ', Queueing.IdsOf(held)), held.More));
        Assert.Equal(("a2", false), (string.Join(' ', Queueing.IdsOf(free)), free.More));
        Assert.Equal(("", false), (string.Join(' ', Queueing.IdsOf(last)), last.More));
    }

    [Fact]
    public async Task Each_partition_runs_no_more_than_its_limit()
    {
        await using var bed = await ArrangeAsync(OneEach, "a1", "a2", "b1", "a3", "b2");

        Assert.Equal(["a1", "b1"], await Queueing.ClaimIdsAsync(bed, "one"));
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "two"));
        await Queueing.EndAsync(bed, "a1", "one");
        Assert.Equal(["a2"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    [Fact]
    public async Task Limits_of_partitions_hold_from_the_next_claim_on_and_are_gone_from_the_next_claim_on()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { Concurrency = 2 }, "a1", "a2", "a3", "a4", "b1", "a5", "a6");

        Assert.Equal(["a1", "a2"], await Queueing.ClaimIdsAsync(bed, "one"));
        await Queueing.EndAsync(bed, "a1", "one");
        await Queueing.RegisterAsync(bed, OneEach);
        Assert.Equal(["b1"], await Queueing.ClaimIdsAsync(bed, "two"));
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 3 });
        Assert.Equal(["a3"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    [Fact]
    public async Task Partitions_take_turns_the_first_of_each_before_the_second_of_any()
    {
        await using var bed = await ArrangeAsync(
            Queueing.Line with { PartitionConcurrency = 9 }, "a1", "a2", "a3", "a4", "b1", "b2", "c1");

        var claim = await Queueing.ClaimAsync(bed, "one", limit: 5);

        Assert.Equal(["a1", "a2", "b1", "b2", "c1"], Queueing.IdsOf(claim).Order());
        Assert.True(claim.More);
        Assert.Equal(["a3", "a4"], (await Queueing.ClaimIdsAsync(bed, "two", limit: 5)).Order());
    }

    [Fact]
    public async Task Long_partition_does_not_starve_the_others()
    {
        await using var bed = await ArrangeAsync(
            Queueing.Line with { PartitionConcurrency = 9 }, "a1", "a2", "a3", "b1", "b2", "c1", "c2");
        var taken = new List<string>();
        var after = "";

        for (var number = 0; number < 7; number++)
        {
            var claim = await Queueing.ClaimAsync(bed, $"token {number}", limit: 1, Queueing.Share(after: after));
            taken.AddRange(Queueing.IdsOf(claim));
            after = claim.LastPartition;
        }

        Assert.Equal(["a1", "b1", "c1", "a2", "b2", "c2", "a3"], taken);
    }

    [Fact]
    public async Task Search_begins_behind_the_partition_that_is_named_and_goes_round_once()
    {
        await using var bed = await ArrangeAsync(OneEach, "a1", "b1", "c1", "d1");

        Assert.Equal(["c1", "d1"], (await Queueing.ClaimIdsAsync(bed, "one", limit: 2, Queueing.Share(after: "b"))).Order());
        Assert.Equal(["a1"], await Queueing.ClaimIdsAsync(bed, "two", limit: 1, Queueing.Share(after: "d")));
        Assert.Equal(["b1"], await Queueing.ClaimIdsAsync(bed, "three", limit: 9, Queueing.Share(after: "b")));
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "four", limit: 9, Queueing.Share(after: "zzz")));
    }

    [Fact]
    public async Task Within_a_partition_priority_then_age_then_id_decide()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { PartitionConcurrency = 4 });
        await EnqueueAsync(
            bed,
            Queueing.InPartition("a late", "a") with { Priority = 5 },
            Queueing.InPartition("a second", "a"),
            Queueing.InPartition("a first", "a") with { Priority = -1 });
        await StatusesAsync(bed.Store, [.. "zyx".Select(letter => A.Start(Queueing.InPartition($"a {letter}", "a")))]);

        Assert.Equal(["a first", "a second", "a x", "a y"], await Queueing.ClaimIdsAsync(bed, "token"));
    }

    [Fact]
    public async Task Limit_of_the_queue_holds_above_those_of_its_partitions()
    {
        await using var bed = await ArrangeAsync(OneEach with { Concurrency = 2 }, "a1", "a2", "b1", "c1");

        var first = await Queueing.ClaimAsync(bed, "one");
        Assert.Equal(["a1", "b1"], Queueing.IdsOf(first).Order());
        Assert.False(first.More);
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "two", share: Queueing.Share(after: "b")));
        await Queueing.EndAsync(bed, "a1", "one");
        Assert.Equal(["c1"], await Queueing.ClaimIdsAsync(bed, "three", share: Queueing.Share(after: "b")));
    }

    [Fact]
    public async Task Worker_runs_no_more_of_a_partition_than_its_own_limit()
    {
        await using var bed = await ArrangeAsync(
            Queueing.Line with { PartitionWorkerConcurrency = 2, WorkerConcurrency = 3 }, "a1", "a2", "a3", "b1", "b2", "b3");

        var one = await Queueing.ClaimIdsAsync(bed, "one", share: Queueing.Share(2, "", ("a", 2)));
        var two = await Queueing.ClaimIdsAsync(bed, "two", share: Queueing.Share(1, "", ("a", 1)));
        var three = await Queueing.ClaimIdsAsync(bed, "three", share: Queueing.Share());

        Assert.Equal(["b1"], one);
        Assert.Equal(["a1", "b2"], two.Order());
        Assert.Equal(["a2", "a3", "b3"], three.Order());
    }

    [Fact]
    public async Task Each_partition_has_a_window_of_its_own()
    {
        await using var bed = await ArrangeAsync(
            Queueing.Line with { PartitionRateLimit = new(1, TimeSpan.FromMilliseconds(1_500)) }, "a1", "a2", "b1", "b2", "c1");
        var first = bed.Time.NowMs;
        Assert.Equal(["a1"], await Queueing.ClaimIdsAsync(bed, "one", limit: 1));
        bed.Time.Advance(TimeSpan.FromMilliseconds(100));

        var second = await Queueing.ClaimAsync(bed, "two");
        bed.Time.Advance(TimeSpan.FromMilliseconds(1_399));
        var early = await Queueing.ClaimAsync(bed, "three");
        bed.Time.Advance(TimeSpan.FromMilliseconds(1));
        var exact = await Queueing.ClaimAsync(bed, "four");

        Assert.Equal(["b1", "c1"], Queueing.IdsOf(second).Order());
        Assert.Equal((first + 1_500, first + 1_500), (second.RetryAtMs, early.RetryAtMs));
        Assert.Empty(Queueing.IdsOf(early));
        Assert.Equal(["a2"], Queueing.IdsOf(exact));
        Assert.Equal(first + 1_600, exact.RetryAtMs);
        HasColumns(await bed.RowAsync("b1"), ("rate_limited", 1));
    }

    [Fact]
    public async Task Window_of_the_queue_holds_above_those_of_its_partitions()
    {
        var second = TimeSpan.FromSeconds(1);
        await using var bed = await ArrangeAsync(
            Queueing.Line with { PartitionRateLimit = new(2, second), RateLimit = new(3, second) }, "a1", "a2", "a3", "b1", "b2");
        var start = bed.Time.NowMs;

        var first = await Queueing.ClaimAsync(bed, "one");
        bed.Time.Advance(second);
        var next = await Queueing.ClaimAsync(bed, "two");

        Assert.Equal(["a1", "a2", "b1"], Queueing.IdsOf(first).Order());
        Assert.Equal(start + 1_000, first.RetryAtMs);
        Assert.Equal(["a3", "b2"], Queueing.IdsOf(next).Order());
        Assert.Null(next.RetryAtMs);
    }

    [Fact]
    public async Task Partition_of_other_workflows_only_stands_in_nobodys_way()
    {
        await using var bed = await ArrangeAsync(OneEach);
        await EnqueueAsync(
            bed,
            Queueing.InPartition("theirs", "a") with { ApplicationName = A.OtherApplication },
            Queueing.InPartition("unknown", "a") with { Name = "unknown here" },
            Queueing.InPartition("ours", "a"),
            Queueing.InPartition("newer", "b") with { ApplicationVersion = "v2" });
        await RunningAsync(bed, A.Direct("busy") with { Queue = A.Queue, PartitionKey = "a", ApplicationName = A.OtherApplication });

        Assert.Equal(["ours"], await Queueing.ClaimIdsAsync(bed, "token"));
    }

    [Fact]
    public async Task Partitions_that_have_no_room_are_passed_over()
    {
        await using var bed = await ArrangeAsync(OneEach, "a1", "b1", "c1");
        await Queueing.ClaimIdsAsync(bed, "one", limit: 2);
        await Queueing.EnqueueByLetterAsync(bed, "a2", "b2");

        Assert.Equal(["c1"], await Queueing.ClaimIdsAsync(bed, "two", limit: 1));
    }

    [Fact]
    public async Task Repeated_claim_counts_what_the_lost_answer_held_in_each_partition()
    {
        await using var bed = await ArrangeAsync(
            Queueing.Line with { PartitionWorkerConcurrency = 1, WorkerConcurrency = 2 }, "a1", "a2", "b1", "b2");
        await Queueing.ClaimAsync(bed, "token", limit: 1);

        var repeated = await bed.Store.Claims.ClaimLimitedAsync(A.Claim("token") with { Repeated = true }, Queueing.Share(), Cancel);

        Assert.Equal("a1", repeated.Result.Claimed[0].Id);
        Assert.DoesNotContain("a2", Queueing.IdsOf(repeated));
        Assert.InRange(repeated.Result.Claimed.Count, 1, 2);
    }

    // Before the queue had partitions, say, or from a process that has not heard of them yet.
    [Fact]
    public async Task What_came_without_a_partition_is_one_with_all_its_like()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { WorkerConcurrency = 5 });
        await Queueing.EnqueueAsync(bed, "running");
        Assert.Equal(["running"], await Queueing.ClaimIdsAsync(bed, "one"));
        await Queueing.EnqueueAsync(bed, "waiting");
        await Queueing.RegisterAsync(bed, OneEach);
        await Queueing.EnqueueByLetterAsync(bed, "a1", "a2");
        await Queueing.EnqueueAsync(bed, "late");
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);

        Assert.Equal(["a1", "running"], (await Queueing.ClaimIdsAsync(bed, "two")).Order());
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "three"));
        await Queueing.EndAsync(bed, "running", "two");
        Assert.Equal(["waiting"], await Queueing.ClaimIdsAsync(bed, "four"));
        await Queueing.EndAsync(bed, "waiting", "four");
        Assert.Equal(["late"], await Queueing.ClaimIdsAsync(bed, "five"));
    }

    [Fact]
    public async Task What_came_without_a_partition_is_found_behind_a_partition_that_is_full()
    {
        await using var bed = await ArrangeAsync(OneEach, "a1");
        await Queueing.ClaimIdsAsync(bed, "one");
        await StatusesAsync(bed.Store, [.. Enumerable.Range(0, 400).Select(number => A.Start(Queueing.InPartition($"a {number}", "a")))]);
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        await EnqueueAsync(bed, A.Enqueued("ours"), A.Enqueued("theirs") with { ApplicationName = A.OtherApplication });

        Assert.Equal(["ours"], await Queueing.ClaimIdsAsync(bed, "two"));
        HasColumns(await bed.RowAsync("theirs"), ("queue_partition_key", null));
    }

    private async Task<StoreBed> ArrangeAsync(WorkflowQueue queue, params string[] waiting)
    {
        var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, queue);
        await Queueing.EnqueueByLetterAsync(bed, waiting);
        return bed;
    }
}
