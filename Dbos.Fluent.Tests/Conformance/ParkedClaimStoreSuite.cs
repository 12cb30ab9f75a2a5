using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Taking up parked workflows: which of them each scope takes, and what it does to them.</summary>
public abstract class ParkedClaimStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly ParkedScope Due = new ParkedScope.Due();

    [Fact]
    public async Task Taken_row_belongs_to_the_claim_as_the_run_that_it_was()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with { ParentId = "parent", PartitionKey = "north", Priority = 7, TimeoutMs = 60_000 });
        var before = await ClaimOneAsync(bed.Store, A.Claim("token"));
        var started = bed.Time.NowMs;
        await CommitAsync(bed.Store, new ParkUnit(new("w", "token"), [Parking.Until(started + 5_000), Parking.ForMessage()]));
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        var request = A.Claim("next") with { ExecutorId = "executor-2", RecoveryAttemptsMax = 0 };
        var claim = await bed.Store.Claims.ClaimParkedAsync(request, Due, Cancel);

        Assert.Equal(before with { Token = "next", NeverRan = false }, Assert.Single(claim.Claimed));
        Assert.Null(claim.LastLookedAt);
        HasColumns(
            await bed.RowAsync("w"),
            ("status", "PENDING"),
            ("owner_xid", "next"),
            ("executor_id", "executor-2"),
            ("queue_name", A.Queue),
            ("queue_partition_key", "north"),
            ("priority", 7),
            ("recovery_attempts", 1),
            ("started_at_epoch_ms", started),
            ("workflow_deadline_epoch_ms", started + 60_000),
            ("delay_until_epoch_ms", null),
            ("updated_at", bed.Time.NowMs));
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, A.Checkpoints(new("w", "next"), 3))).Status);
    }

    // One that came from no queue runs in none again, unless something holds by the queue that it waited in.
    [Fact]
    public async Task Direct_start_leaves_the_internal_queue_that_it_waited_in()
    {
        await using var bed = await Fixture.CreateAsync();
        var due = bed.Time.NowMs;
        await Parking.ParkedAsync(bed, "w", Parking.Until(due));
        await Parking.ParkedAsync(bed, A.Direct("held") with { DeduplicationId = "only one" }, Parking.Until(due, "held"));

        var claim = await bed.Store.Claims.ClaimParkedAsync(A.Claim("next"), Due, Cancel);

        Assert.Equal(
            [("held", A.InternalQueue), ("w", null)], claim.Claimed.Select(workflow => (workflow.Id, workflow.Queue)).Order());
        HasColumns(await bed.RowAsync("w"), ("status", "PENDING"), ("queue_name", null));
        HasColumns(await bed.RowAsync("held"), ("status", "PENDING"), ("queue_name", A.InternalQueue));
        await CommitAsync(bed.Store, new ParkUnit(new("w", "next"), [Parking.Until(due)]));
        HasColumns(await bed.RowAsync("w"), ("status", "DELAYED"), ("queue_name", A.InternalQueue));
    }

    [Fact]
    public async Task Direct_start_has_the_origin_that_follows_from_its_row_after_parking_too()
    {
        await using var bed = await Fixture.CreateAsync();
        var started = bed.Time.NowMs;
        await Parking.ParkedAsync(bed, "w", Parking.Until(started));
        bed.Time.Advance(TimeSpan.FromHours(1));

        var first = await Parking.ClaimOneAsync(bed, Due);
        await CommitAsync(bed.Store, new ParkUnit(new("w", "next"), [Parking.Until(started)]));
        var second = await Parking.ClaimOneAsync(bed, Due, "third");

        Assert.Equal(WorkflowOrigin.OfDirectStart("w", started), first.Origin);
        Assert.Equal(first.Origin, second.Origin);
        Assert.Equal(0, await bed.CountAsync("fluent_origins"));
    }

    [Fact]
    public async Task Drained_direct_start_has_its_origin_after_parking_too()
    {
        await using var bed = await Fixture.CreateAsync();
        var started = bed.Time.NowMs;
        await RunningAsync(bed, "w");
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);
        await bed.Store.Executors.StopAsync(A.ExecutorId, "first launch", Cancel);
        bed.Time.Advance(TimeSpan.FromHours(1));
        var before = await ClaimOneAsync(bed.Store, A.Claim("token"));
        await CommitAsync(bed.Store, new ParkUnit(new("w", "token"), [Parking.Until(started)]));

        Assert.Equal(before with { Token = "next", Queue = null }, await Parking.ClaimOneAsync(bed, Due));
        Assert.Equal(WorkflowOrigin.OfDirectStart("w", started), before.Origin);
    }

    [Fact]
    public async Task Due_ones_are_taken_from_their_very_millisecond_the_longest_due_first()
    {
        await using var bed = await Fixture.CreateAsync();
        var now = bed.Time.NowMs;
        await Parking.ParkedAsync(bed, "now", Parking.Until(now, "now"));
        await Parking.ParkedAsync(bed, "later", Parking.Until(now + 1, "later"));
        await Parking.ParkedAsync(bed, "open", Parking.ForMessage("open"));
        await Parking.ParkedAsync(bed, "long ago", Parking.ForMessage("long ago", wakeAtMs: now - 9), Parking.Until(now - 1, "long ago"));
        await Parking.ParkedAsync(bed, "before", Parking.Until(now - 5, "before"));

        Assert.Equal(["long ago", "before"], await Parking.ClaimIdsAsync(bed, Due, A.Claim("one", limit: 2)));
        Assert.Equal(["now"], await Parking.ClaimIdsAsync(bed, Due, A.Claim("two")));
        bed.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["later"], await Parking.ClaimIdsAsync(bed, Due, A.Claim("three")));
    }

    [Fact]
    public async Task Waits_of_one_workflow_that_are_over_together_count_once()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "a", Parking.Until(1, "a", 0), Parking.Until(1, "a", 1), Parking.Until(2, "a", 2));
        await Parking.ParkedAsync(bed, "b", Parking.Until(3, "b"));

        Assert.Equal(["a", "b"], await Parking.ClaimIdsAsync(bed, Due, A.Claim("next", limit: 2)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Many_waits_of_one_workflow_keep_no_other_from_being_taken(bool due)
    {
        const int Many = 60;
        await using var bed = await Fixture.CreateAsync();
        WaitRow[] waits = due
            ? [.. Enumerable.Range(0, Many).Select(i => Parking.Until(1, "a", i))]
            : [.. Enumerable.Range(0, Many).Select(i => Parking.ForOutcome($"child {i}", i))];
        await Parking.ParkedAsync(bed, "a", waits);
        await Parking.ParkedAsync(bed, "b", due ? Parking.Until(2, "b") : Parking.ForOutcome("last"));
        ParkedScope scope = due ? Due : new ParkedScope.Woken(
            [.. waits.Select(wait => new StoreSignal(StoreSignalKind.Completed, wait.Key)), new(StoreSignalKind.Completed, "last")]);

        var taken = new List<string>();
        ParkedClaim claim;
        do
        {
            claim = await bed.Store.Claims.ClaimParkedAsync(A.Claim($"token {taken.Count}", limit: 3), scope, Cancel);
            taken.AddRange(claim.Claimed.Select(workflow => workflow.Id));
        }
        while (claim.LastLookedAt is not null);

        Assert.Equal(["a", "b"], taken);
    }

    [Fact]
    public async Task Woken_ones_are_those_that_wait_for_the_signal()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "message", Parking.ForMessage("message", "approval"));
        await Parking.ParkedAsync(bed, "event", Parking.ForEvent("x", "price", 99));
        await Parking.ParkedAsync(bed, "outcome", Parking.ForOutcome("child"));
        await Parking.ParkedAsync(bed, "time", Parking.Until(long.MaxValue - 1, "time"));

        Assert.Empty(await WokenAsync(
            bed,
            new(StoreSignalKind.Message, "message::other"),
            new(StoreSignalKind.Event, "message::approval"),
            new(StoreSignalKind.Message, "x::price"),
            new(StoreSignalKind.Enqueued, "child"),
            new(StoreSignalKind.Cancelled, "child"),
            new(StoreSignalKind.Stream, "x::price"),
            new(StoreSignalKind.Completed, "time"),
            StoreSignal.Anything));
        Assert.Equal(["message"], await WokenAsync(bed, new StoreSignal(StoreSignalKind.Message, "message::approval")));
        Assert.Equal(
            ["event", "outcome"],
            await WokenAsync(bed, new(StoreSignalKind.Event, "x::price"), new(StoreSignalKind.Completed, "child")));
        Assert.Empty(await WokenAsync(bed));
    }

    [Fact]
    public async Task Signal_wakes_all_that_wait_for_it_once_each_up_to_the_limit()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var id in (string[])["a", "b", "c"])
        {
            await Parking.ParkedAsync(bed, id, Parking.ForEvent("x", "price"), Parking.ForOutcome("x"));
        }

        var scope = new ParkedScope.Woken([new(StoreSignalKind.Event, "x::price"), new(StoreSignalKind.Completed, "x")]);
        var first = await Parking.ClaimIdsAsync(bed, scope, A.Claim("one", limit: 2));
        var second = await Parking.ClaimIdsAsync(bed, scope, A.Claim("two", limit: 2));

        Assert.Equal((2, 1), (first.Length, second.Length));
        Assert.Equal(["a", "b", "c"], first.Concat(second).Order());
    }

    [Fact]
    public async Task Among_those_named_only_those_are_taken_for_which_it_is_there()
    {
        await using var bed = await Fixture.CreateAsync();
        await ArrangeReadyAndNotAsync(bed);
        string[] all = [.. Ready, .. NotReady, "unknown"];

        Assert.Empty(await Parking.ClaimIdsAsync(bed, new ParkedScope.Among([])));
        Assert.Equal(["due"], await Parking.ClaimIdsAsync(bed, new ParkedScope.Among(["due", "not due", "due"])));
        Assert.Equal(Ready.Except(["due"]).Order(), (await Parking.ClaimIdsAsync(bed, new ParkedScope.Among(all))).Order());
        Assert.Empty(await Parking.ClaimIdsAsync(bed, new ParkedScope.Among(all)));
    }

    [Fact]
    public async Task Pages_lead_by_all_that_wait_for_more_than_a_moment_and_take_those_for_which_it_is_there()
    {
        await using var bed = await Fixture.CreateAsync();
        await ArrangeReadyAndNotAsync(bed);
        await Parking.ParkedAsync(bed, A.Direct("theirs") with { ApplicationName = A.OtherApplication }, Parking.ForOutcome("gone"));
        var taken = new List<string>();
        var looks = 0;
        for (string? after = ""; after is not null; looks++)
        {
            var page = await bed.Store.Claims.ClaimParkedAsync(A.Claim("next"), new ParkedScope.Page(after, 3), Cancel);
            Assert.True(page.Claimed.Count <= 3);
            Assert.True(page.LastLookedAt is null || string.CompareOrdinal(page.LastLookedAt, after) > 0);
            taken.AddRange(page.Claimed.Select(workflow => workflow.Id));
            after = page.LastLookedAt;
        }

        Assert.Equal(Ready.Except(["due"]).Order(StringComparer.Ordinal), taken.Order(StringComparer.Ordinal));
        Assert.InRange(looks, 4, 5);
        Assert.Equal(NotReady.Length + 2, await bed.CountAsync("(SELECT DISTINCT workflow_uuid FROM fluent_waits) AS parked"));
    }

    [Fact]
    public async Task Page_of_which_nothing_may_be_taken_leads_on_all_the_same()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var id in (string[])["a", "b", "c"])
        {
            await Parking.ParkedAsync(bed, A.Direct(id) with { Name = "unknown here" }, Parking.ForOutcome("gone"));
        }

        var first = await bed.Store.Claims.ClaimParkedAsync(A.Claim("next"), new ParkedScope.Page("", 2), Cancel);
        var second = await bed.Store.Claims.ClaimParkedAsync(A.Claim("next"), new ParkedScope.Page("b", 2), Cancel);

        Assert.Equal((0, "b"), (first.Claimed.Count, first.LastLookedAt));
        Assert.Equal((0, null), (second.Claimed.Count, second.LastLookedAt));
    }

    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task Workflows_of_other_names_versions_and_applications_are_left_alone(string scope)
    {
        await using var bed = await Fixture.CreateAsync();
        await ParkReadyAsync(bed, A.Direct("name") with { Name = "refund" });
        await ParkReadyAsync(bed, A.Direct("version") with { ApplicationVersion = "v2" });
        await ParkReadyAsync(bed, A.Direct("application") with { ApplicationName = A.OtherApplication });
        await ParkReadyAsync(bed, A.Direct("ours"));
        await ParkReadyAsync(bed, A.Direct("nobody's") with { ApplicationName = null });

        Assert.Equal(["nobody's", "ours"], (await Parking.ClaimIdsAsync(bed, Scope(scope))).Order());
        Assert.Equal(["name"], await Parking.ClaimIdsAsync(bed, Scope(scope), A.Claim("t2") with { WorkflowNames = ["refund"] }));
        Assert.Equal(["version"], await Parking.ClaimIdsAsync(bed, Scope(scope), A.Claim("t3") with { ApplicationVersion = "v2" }));
        HasColumns(await bed.RowAsync("nobody's"), ("application_name", A.Application));
        HasColumns(await bed.RowAsync("application"), ("status", "DELAYED"), ("owner_xid", null));
    }

    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task Workflow_without_a_version_is_for_the_latest_one_registered(string scope)
    {
        await using var bed = await Fixture.CreateAsync();
        await ParkReadyAsync(bed, A.Direct("open") with { ApplicationVersion = null });
        await bed.Store.Executors.RegisterAsync(A.Executor("old"), Cancel);
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        await bed.Store.Executors.RegisterAsync(A.Executor("new") with { ApplicationVersion = "v2" }, Cancel);

        Assert.Empty(await Parking.ClaimIdsAsync(bed, Scope(scope)));
        Assert.Equal(["open"], await Parking.ClaimIdsAsync(bed, Scope(scope), A.Claim("t2") with { ApplicationVersion = "v2" }));
        HasColumns(await bed.RowAsync("open"), ("application_version", "v2"));
    }

    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task Repeated_claim_first_gives_back_what_the_lost_answer_held(string scope)
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var id in (string[])["a", "b", "c", "d"])
        {
            await ParkReadyAsync(bed, A.Direct(id));
            bed.Time.Advance(TimeSpan.FromSeconds(1));
        }

        var lost = await bed.Store.Claims.ClaimParkedAsync(A.Claim("next", limit: 2), Scope(scope), Cancel);
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        var repeated = await bed.Store.Claims.ClaimParkedAsync(A.Claim("next", limit: 3) with { Repeated = true }, Scope(scope), Cancel);

        Assert.Equal(2, lost.Claimed.Count);
        Assert.Equal(lost.Claimed.OrderBy(one => one.Id), repeated.Claimed.Take(2).OrderBy(one => one.Id));
        // Whether there is room for more in the same answer is the store's choice.
        var taken = repeated.Claimed.Select(one => one.Id).Distinct().Count();
        Assert.InRange(taken, 2, 3);
        Assert.Equal(4 - taken, await bed.CountAsync("(SELECT DISTINCT workflow_uuid FROM fluent_waits) AS parked"));
    }

    public static TheoryData<string> Scopes => ["due", "woken", "among", "page"];

    private static string[] Ready => ["due", "message", "event", "event of its own", "ended child", "missing child", "one of two"];

    private static string[] NotReady =>
        ["not due", "read message", "other topic", "other's message", "other event", "running child", "parked child"];

    private static ParkedScope Scope(string name) => name switch
    {
        "due" => Due,
        "woken" => new ParkedScope.Woken([new StoreSignal(StoreSignalKind.Completed, "gone")]),
        "among" => new ParkedScope.Among(["a", "b", "c", "d", "name", "version", "application", "ours", "nobody's", "open"]),
        _ => new ParkedScope.Page("", 100),
    };

    // Ready in the eyes of every scope.
    private static Task<Ownership> ParkReadyAsync(StoreBed bed, WorkflowInsert row) =>
        Parking.ParkedAsync(bed, row, Parking.Until(1, row.Id), Parking.ForOutcome("gone"));

    private static async Task<string[]> WokenAsync(StoreBed bed, params StoreSignal[] signals) =>
        [.. (await Parking.ClaimIdsAsync(bed, new ParkedScope.Woken(signals))).Order()];

    private static async Task ArrangeReadyAndNotAsync(StoreBed bed)
    {
        var now = bed.Time.NowMs;
        await RunningAsync(bed, A.Direct("running") with { Name = "unknown here" });
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "ended"), WorkflowState.Error));
        await Parking.SetEventAsync(bed, "running", "price");

        await Parking.ParkedAsync(bed, "due", Parking.Until(now, "due"));
        await Parking.ParkedAsync(bed, "message", Parking.ForMessage("message"));
        await Parking.ParkedAsync(bed, "event", Parking.ForEvent("running", "price"));
        await Parking.ParkedAsync(bed, "event of its own", Parking.ForEvent("event of its own", "k", now + 9));
        await Parking.ParkedAsync(bed, "ended child", Parking.ForOutcome("ended"));
        await Parking.ParkedAsync(bed, "missing child", Parking.ForOutcome("nowhere"));
        await Parking.ParkedAsync(bed, "one of two", Parking.ForMessage("one of two"), Parking.ForOutcome("ended"));
        await Parking.SendAsync(bed, "message");
        await Parking.SetEventAsync(bed, "event of its own", "k");

        await Parking.ParkedAsync(bed, "not due", Parking.Until(now + 1, "not due"));
        await Parking.ParkedAsync(bed, "read message", Parking.ForMessage("read message"));
        await Parking.ParkedAsync(bed, "other topic", Parking.ForMessage("other topic"));
        await Parking.ParkedAsync(bed, "other's message", Parking.ForMessage("other's message"));
        await Parking.ParkedAsync(bed, "other event", Parking.ForEvent("running", "other"));
        await Parking.ParkedAsync(bed, "running child", Parking.ForOutcome("running"));
        await Parking.ParkedAsync(bed, "parked child", Parking.ForOutcome("not due"));
        await Parking.SendAsync(bed, "read message");
        await bed.ExecuteAsync("UPDATE notifications SET consumed = (1 = 1) WHERE destination_uuid = 'read message'");
        await Parking.SendAsync(bed, "other topic", "other");
        await Parking.SendAsync(bed, "running");
    }
}
