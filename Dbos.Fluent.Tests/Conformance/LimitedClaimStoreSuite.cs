using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Claims from a queue with limits for all of it: never more than they allow, and what is held back is told of.</summary>
public abstract class LimitedClaimStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly WorkflowQueue Two = Queueing.Line with { Concurrency = 2 };

    [Fact]
    public async Task No_more_run_than_the_limit_allows()
    {
        await using var bed = await ArrangeAsync(Two, "a", "b", "c", "d");

        Assert.Equal(["a", "b"], await Queueing.ClaimIdsAsync(bed, "one"));
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "two"));
        await Queueing.EndAsync(bed, "a", "one");
        Assert.Equal(["c"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    [Fact]
    public async Task More_is_to_be_had_only_where_the_claims_own_limit_ended_it()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { Concurrency = 3 }, "a", "b", "c", "d");

        var first = await Queueing.ClaimAsync(bed, "one", limit: 2);
        var second = await Queueing.ClaimAsync(bed, "two", limit: 2);
        var third = await Queueing.ClaimAsync(bed, "three", limit: 2);

        Assert.Equal(["a", "b"], Queueing.IdsOf(first));
        Assert.Equal(["c"], Queueing.IdsOf(second));
        Assert.Empty(Queueing.IdsOf(third));
        Assert.Equal((true, false, false), (first.More, second.More, third.More));
        Assert.All([first, second, third], claim => Assert.Null(claim.RetryAtMs));
    }

    [Fact]
    public async Task Empty_queue_gives_nothing_and_has_no_more()
    {
        await using var bed = await ArrangeAsync(Two with { RateLimit = new(1, TimeSpan.FromSeconds(1)) });

        var claim = await Queueing.ClaimAsync(bed, "token");

        Assert.Empty(claim.Result.Claimed);
        Assert.Empty(claim.Result.DeadLettered);
        Assert.Equal((false, null), (claim.More, claim.RetryAtMs));
    }

    [Fact]
    public async Task Claimed_row_is_as_any_claim_leaves_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Two);
        await EnqueueAsync(bed, A.Enqueued("w") with
        {
            ApplicationName = null,
            ApplicationVersion = null,
            TimeoutMs = 60_000,
            PartitionKey = "north",
            DeduplicationId = "only one",
        });

        var claimed = Assert.Single((await Queueing.ClaimAsync(bed, "token")).Result.Claimed);

        Assert.Equal(("w", "token", 1), (claimed.Id, claimed.Token, claimed.Attempt));
        Assert.Equal((A.Queue, "north"), (claimed.Queue, claimed.PartitionKey));
        Assert.Equal((new Payload("input of w", A.Native), bed.Time.NowMs + 60_000), (claimed.Input, claimed.DeadlineMs));
        HasColumns(
            await bed.RowAsync("w"),
            ("status", "PENDING"),
            ("owner_xid", "token"),
            ("executor_id", A.ExecutorId),
            ("application_name", A.Application),
            ("application_version", A.Version),
            ("recovery_attempts", 1),
            ("started_at_epoch_ms", bed.Time.NowMs),
            ("workflow_deadline_epoch_ms", bed.Time.NowMs + 60_000),
            ("deduplication_id", "only one"),
            ("queue_name", A.Queue),
            ("rate_limited", 0));
        HasColumns(await bed.RowAsync("w", "fluent_origins"), ("seed", claimed.Origin.Seed), ("started_at", claimed.Origin.StartedAtMs));
    }

    [Fact]
    public async Task Priority_then_age_then_id_decide_who_gets_a_place()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 5 });
        await EnqueueAsync(bed, A.Enqueued("late") with { Priority = 5 }, A.Enqueued("second"), A.Enqueued("first") with { Priority = -1 });
        await StatusesAsync(bed.Store, [.. "zyxw".Select(letter => A.Start(A.Enqueued($"{letter}")))]);

        Assert.Equal(["first", "second", "w", "x", "y"], await Queueing.ClaimIdsAsync(bed, "one"));
    }

    [Fact]
    public async Task Running_workflows_of_another_application_take_no_place_and_those_of_none_do()
    {
        await using var bed = await ArrangeAsync(Two, "a", "b", "c");
        await RunningAsync(bed, A.Direct("theirs") with { Queue = A.Queue, ApplicationName = A.OtherApplication });
        await RunningAsync(bed, A.Direct("nobody's") with { Queue = A.Queue, ApplicationName = null });

        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "token"));
    }

    [Fact]
    public async Task Worker_runs_no_more_than_its_own_limit()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { WorkerConcurrency = 2 }, "a", "b", "c", "d", "e");

        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "one", share: Queueing.Share(runningHere: 1)));
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "two", share: Queueing.Share(runningHere: 2)));
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "three", share: Queueing.Share(runningHere: 7)));
        Assert.Equal(["b", "c"], await Queueing.ClaimIdsAsync(bed, "four"));
    }

    [Fact]
    public async Task More_is_to_be_had_where_a_peer_holds_all_that_a_worker_looked_at()
    {
        await using var bed = await ArrangeAsync(
            Queueing.Line with { WorkerConcurrency = 1 }, [.. Enumerable.Range(10, 21).Select(number => $"w{number}")]);
        if (!Fixture.LocksRows)
        {
            Assert.Equal(("w10", false), await ClaimAsync());
            return;
        }

        await using var peer = await bed.BeginAsync();
        await peer.ExecuteAsync("UPDATE workflow_status SET priority = priority WHERE workflow_uuid < 'w30'");

        Assert.Equal(("", true), await ClaimAsync());
        await peer.RollBackAsync();
        Assert.Equal(("w10", false), await ClaimAsync());

        async Task<(string, bool)> ClaimAsync()
        {
            var claim = await Queueing.ClaimAsync(bed, "token");
            return (string.Join(' ', Queueing.IdsOf(claim)), claim.More);
        }
    }

    [Fact]
    public async Task Workers_share_the_limit_of_the_queue()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { Concurrency = 3, WorkerConcurrency = 2 }, "a", "b", "c", "d");

        Assert.Equal(["a", "b"], await Queueing.ClaimIdsAsync(bed, "one"));
        Assert.Equal(["c"], await Queueing.ClaimIdsAsync(bed, "two"));
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "three"));
    }

    [Fact]
    public async Task Window_lets_in_as_many_as_it_has_room_for_and_names_the_moment_of_the_next()
    {
        var start = Queueing.Line with { RateLimit = new(2, TimeSpan.FromMilliseconds(1_800)) };
        await using var bed = await ArrangeAsync(start, "a", "b", "c", "d", "e");
        var first = bed.Time.NowMs;

        var claim = await Queueing.ClaimAsync(bed, "one", limit: 1);
        Assert.Equal((true, null), (claim.More, claim.RetryAtMs));
        bed.Time.Advance(TimeSpan.FromMilliseconds(700));
        claim = await Queueing.ClaimAsync(bed, "two");

        Assert.Equal(["b"], Queueing.IdsOf(claim));
        Assert.Equal((false, first + 1_800), (claim.More, claim.RetryAtMs));
        HasColumns(await bed.RowAsync("b"), ("rate_limited", 1), ("started_at_epoch_ms", first + 700));
    }

    [Fact]
    public async Task Window_is_exact_to_the_millisecond()
    {
        var queue = Queueing.Line with { RateLimit = new(2, TimeSpan.FromMilliseconds(1_800)) };
        await using var bed = await ArrangeAsync(queue, "a", "b", "c", "d");
        var first = bed.Time.NowMs;
        Assert.Equal(["a", "b"], await Queueing.ClaimIdsAsync(bed, "one"));

        bed.Time.Advance(TimeSpan.FromMilliseconds(1_799));
        var early = await Queueing.ClaimAsync(bed, "two");
        bed.Time.Advance(TimeSpan.FromMilliseconds(1));
        var exact = await Queueing.ClaimAsync(bed, "three");

        Assert.Empty(Queueing.IdsOf(early));
        Assert.Equal((false, first + 1_800), (early.More, early.RetryAtMs));
        Assert.Equal(["c", "d"], Queueing.IdsOf(exact));
        Assert.Null(exact.RetryAtMs);
    }

    [Fact]
    public async Task Nothing_held_back_needs_no_moment()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { RateLimit = new(2, TimeSpan.FromSeconds(1)) }, "a", "b");

        var all = await Queueing.ClaimAsync(bed, "one");
        var none = await Queueing.ClaimAsync(bed, "two");

        Assert.Equal(["a", "b"], Queueing.IdsOf(all));
        Assert.Equal((null, null), (all.RetryAtMs, none.RetryAtMs));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Window_counts_no_starts_of_another_application(bool partitioned)
    {
        var rate = new RateLimit(1, TimeSpan.FromSeconds(10));
        await using var bed = await Fixture.CreateAsync();
        var queue = partitioned ? Queueing.Line with { PartitionRateLimit = rate } : Queueing.Line with { RateLimit = rate };
        await Queueing.RegisterAsync(bed, queue);
        await EnqueueAsync(
            bed, Queueing.InPartition("theirs", "p") with { ApplicationName = A.OtherApplication }, Queueing.InPartition("ours", "p"));
        await bed.Store.Claims.ClaimLimitedAsync(
            A.Claim("theirs") with { ApplicationName = A.OtherApplication }, Queueing.Share(), Cancel);

        Assert.Equal(["ours"], await Queueing.ClaimIdsAsync(bed, "token"));
        HasColumns(await bed.RowAsync("theirs"), ("status", "PENDING"));
    }

    [Fact]
    public async Task Window_counts_starts_also_of_what_has_ended_or_is_parked()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { RateLimit = new(2, TimeSpan.FromSeconds(10)) }, "a", "b", "c");
        await Queueing.ClaimIdsAsync(bed, "one", limit: 2);
        await Queueing.EndAsync(bed, "a", "one");
        await StatusesAsync(
            bed.Store, new ParkUnit(new Ownership("b", "one"), [Parking.Until(bed.Time.NowMs + 60_000, "b")]));

        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "two"));
        bed.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(["c"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    [Fact]
    public async Task Cancelled_start_gives_its_place_in_the_window_back()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { RateLimit = new(2, TimeSpan.FromSeconds(10)) }, "a", "b", "c");
        await Queueing.ClaimIdsAsync(bed, "one", limit: 2);

        await bed.Store.Workflows.CancelAsync(["a"], false, A.CancelError, Cancel);

        Assert.Equal(["c"], await Queueing.ClaimIdsAsync(bed, "two"));
    }

    [Fact]
    public async Task What_started_before_there_was_a_window_does_not_count()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { Concurrency = 9 }, "a", "b", "c");
        await Queueing.ClaimIdsAsync(bed, "one", limit: 2);
        await Queueing.RegisterAsync(bed, Queueing.Line with { RateLimit = new(1, TimeSpan.FromSeconds(10)) });

        Assert.Equal(["c"], await Queueing.ClaimIdsAsync(bed, "two"));
        HasColumns(await bed.RowAsync("a"), ("rate_limited", 0));
    }

    [Fact]
    public async Task Limits_changed_between_claims_bind_at_once()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { Concurrency = 1 }, "a", "b", "c", "d", "e");
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "one"));

        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 3 });
        Assert.Equal(["b", "c"], await Queueing.ClaimIdsAsync(bed, "two"));
        await Queueing.RegisterAsync(bed, Queueing.Line with { Concurrency = 2 });
        await Queueing.EndAsync(bed, "a", "one");
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "three"));
        await Queueing.RegisterAsync(bed, Queueing.Line);
        Assert.Equal(["d", "e"], await Queueing.ClaimIdsAsync(bed, "four"));
    }

    [Fact]
    public async Task Nothing_is_taken_from_a_paused_queue_nor_from_one_that_is_not_registered()
    {
        await using var bed = await ArrangeAsync(Two, "a");

        await bed.Store.Queues.SetPausedAsync(A.Queue, true, Cancel);
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "one"));
        await bed.Store.Queues.SetPausedAsync(A.Queue, false, Cancel);
        await bed.Store.Queues.DeleteAsync(A.Queue, Cancel);
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "two"));
        await Queueing.RegisterAsync(bed, Two);
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    [Fact]
    public async Task Workflows_of_other_queues_names_versions_and_applications_are_left_alone()
    {
        await using var bed = await ArrangeAsync(Queueing.Line with { Concurrency = 9 });
        await EnqueueAsync(
            bed,
            A.Enqueued("queue") with { Queue = "other" },
            A.Enqueued("name") with { Name = "unknown here" },
            A.Enqueued("version") with { ApplicationVersion = "v2" },
            A.Enqueued("application") with { ApplicationName = A.OtherApplication },
            Queueing.Delayed("delayed"),
            A.Enqueued("ours"));

        Assert.Equal(["ours"], await Queueing.ClaimIdsAsync(bed, "token"));
        HasColumns(await bed.RowAsync("name"), ("status", "ENQUEUED"), ("recovery_attempts", 0));
    }

    [Fact]
    public async Task Workflow_without_a_version_is_for_the_latest_one_registered()
    {
        await using var bed = await ArrangeAsync(Two);
        await EnqueueAsync(bed, A.Enqueued("open") with { ApplicationVersion = null });
        await bed.Store.Executors.RegisterAsync(A.Executor("old"), Cancel);
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        await bed.Store.Executors.RegisterAsync(A.Executor("new") with { ApplicationVersion = "v2" }, Cancel);

        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "one"));
        var newer = await bed.Store.Claims.ClaimLimitedAsync(
            A.Claim("two") with { ApplicationVersion = "v2" }, Queueing.Share(), Cancel);
        Assert.Equal(["open"], Queueing.IdsOf(newer));
    }

    [Fact]
    public async Task Repeated_claim_gives_back_what_the_lost_answer_held_and_no_more_than_the_limits_allow()
    {
        var limits = Queueing.Line with { Concurrency = 3, WorkerConcurrency = 3, RateLimit = new(3, TimeSpan.FromSeconds(10)) };
        await using var bed = await ArrangeAsync(limits, "a", "b", "c", "d", "e");
        var lost = await Queueing.ClaimAsync(bed, "token", limit: 2);
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        var repeated = await bed.Store.Claims.ClaimLimitedAsync(A.Claim("token") with { Repeated = true }, Queueing.Share(), Cancel);

        Assert.All(lost.Result.Claimed, work => Assert.True(work.NeverRan));
        Assert.Equal(lost.Result.Claimed.Select(work => work with { NeverRan = false }), repeated.Result.Claimed.Take(2));
        Assert.InRange(repeated.Result.Claimed.Count, 2, 3);
        HasColumns(await bed.RowAsync("a"), ("recovery_attempts", 1), ("started_at_epoch_ms", bed.Time.NowMs - 1_000));
        var rest = await Queueing.ClaimIdsAsync(bed, "next");
        Assert.Equal(3, repeated.Result.Claimed.Count + rest.Length);
    }

    [Fact]
    public async Task Spent_workflow_becomes_a_dead_letter_and_takes_no_place()
    {
        await using var bed = await ArrangeAsync(
            Queueing.Line with { Concurrency = 1, RateLimit = new(1, TimeSpan.FromHours(1)) }, "spent", "fresh");
        await bed.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 9 WHERE workflow_uuid = 'spent'");
        var request = A.Claim("one", limit: 1) with { RecoveryAttemptsMax = 2 };

        var first = await bed.Store.Claims.ClaimLimitedAsync(request, Queueing.Share(), Cancel);
        var second = await bed.Store.Claims.ClaimLimitedAsync(request with { Token = "two" }, Queueing.Share(), Cancel);

        Assert.Equal(["spent"], first.Result.DeadLettered);
        Assert.True(first.More);
        Assert.Empty(first.Result.Claimed);
        Assert.Equal(["fresh"], Queueing.IdsOf(second));
        HasColumns(
            await bed.RowAsync("spent"),
            ("status", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"), ("recovery_attempts", 10), ("queue_name", null), ("owner_xid", null));
    }

    [Fact]
    public async Task Woken_workflow_of_another_sweep_goes_on_without_its_waits()
    {
        await using var bed = await ArrangeAsync(Two);
        await Parking.ParkedAsync(bed, A.Direct("w") with { Queue = A.Queue }, Parking.Until(1));
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'ENQUEUED' WHERE workflow_uuid = 'w'");

        var claimed = Assert.Single((await Queueing.ClaimAsync(bed, "token")).Result.Claimed);

        Assert.Equal(("w", 1), (claimed.Id, claimed.Attempt));
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
    }

    private async Task<StoreBed> ArrangeAsync(WorkflowQueue queue, params string[] waiting)
    {
        var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, queue);
        await Queueing.EnqueueAsync(bed, waiting);
        return bed;
    }
}
