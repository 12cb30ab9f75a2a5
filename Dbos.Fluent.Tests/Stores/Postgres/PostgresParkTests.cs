using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>Parking, taking up what is parked, and resuming, as far as row locks and snapshots come in.</summary>
public sealed class PostgresParkTests(PostgresStores f) : StoreSuite(f), IClassFixture<PostgresStores>
{
    [Fact]
    public async Task Parked_row_is_delayed_without_an_owner_and_its_waits_say_what_for()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, A.Direct("w") with { TimeoutMs = 90_000 });
        var wake = bed.Time.NowMs + 60_000;

        await ParkAsync(bed, owner, Some.Sleep(3, wake), new WaitRow(5, WaitKind.Message, "w", "approval", null));

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "DELAYED"),
            ("owner_xid", null),
            ("queue_name", A.InternalQueue),
            ("delay_until_epoch_ms", wake),
            ("executor_id", A.ExecutorId),
            ("recovery_attempts", 1),
            ("workflow_deadline_epoch_ms", bed.Time.NowMs + 90_000));
        var waits = await bed.QueryAsync("SELECT * FROM fluent_waits ORDER BY sequence");
        HasColumns(waits[0], ("sequence", 3), ("kind", "time"), ("wake_at", wake), ("token", owner.Token));
        HasColumns(waits[1], ("sequence", 5), ("kind", "message"), ("key", "w::approval"), ("wake_at", null));
        var status = (await bed.Store.Workflows.ReadAsync("w", Cancel))!.Status;
        Assert.Equal((true, wake), (status.Parked, status.DelayUntil?.ToUnixTimeMilliseconds()));
    }

    [Fact]
    public async Task Delay_without_an_end_is_no_moment()
    {
        await using var bed = await Fixture.CreateAsync();
        await ParkAsync(bed, await RunningAsync(bed, "w"), new WaitRow(0, WaitKind.Event, "x", "k", null));

        HasColumns(await bed.RowAsync("w"), ("delay_until_epoch_ms", long.MaxValue));
        Assert.Null((await bed.Store.Workflows.ReadAsync("w", Cancel))!.Status.DelayUntil);
    }

    [Fact]
    public async Task Repeated_parking_counts_as_written_and_what_follows_is_not_owned()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var park = new ParkUnit(owner, [Some.Sleep(0, 1)]);

        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Written, CommitStatus.NotOwned, CommitStatus.Written],
            await StatusesAsync(bed.Store, A.Checkpoints(owner, 1), park, A.Checkpoints(owner, 2), park));
        Assert.Equal(CommitResult.NotOwned, await CommitAsync(bed.Store, park with { Owner = owner with { Token = "stale" } }));
        await ClaimAsync(bed, new ParkedScope.Due());
        Assert.Equal(CommitResult.NotOwned, await CommitAsync(bed.Store, park));
    }

    [Fact]
    public async Task Waits_of_an_earlier_parking_give_way()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await bed.ExecuteAsync(
            """
            INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token)
            VALUES ('w', 0, 0, 'time', '', '', '', 5, 'old'), ('w', 9, 0, 'time', '', '', '', 5, 'old')
            """);

        await ParkAsync(bed, owner, Some.Sleep(0, 7), Some.Sleep(1, 8));

        Assert.Equal(["0 7", "1 8"], (await bed.QueryAsync("SELECT * FROM fluent_waits ORDER BY sequence"))
            .Select(row => $"{row["sequence"]} {row["wake_at"]}"));
    }

    [Fact]
    public async Task Due_ones_are_taken_longest_due_first_up_to_the_limit()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var (id, wake) in new[] { ("late", 900L), ("first", -300), ("third", 0), ("second", -200) })
        {
            await ParkAsync(bed, await RunningAsync(bed, id), Some.Sleep(0, bed.Time.NowMs + wake), Some.Sleep(1, bed.Time.NowMs + wake));
        }

        Assert.Equal(["first", "second"], await ClaimAsync(bed, new ParkedScope.Due(), A.Claim("one", 2)));
        Assert.Equal(["third"], await ClaimAsync(bed, new ParkedScope.Due(), A.Claim("two", 2)));
        Assert.Empty(await ClaimAsync(bed, new ParkedScope.Due(), A.Claim("three", 2)));
        Assert.Equal(
            new ParkedOutlook(true, bed.Time.NowMs + 900), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, null, Cancel));
        Assert.Equal(new ParkedOutlook(false, null), await bed.Store.Claims.ReadParkedOutlookAsync(A.OtherApplication, null, Cancel));
    }

    [Fact]
    public async Task Taken_row_is_owned_without_waits_and_has_the_origin_it_had()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("queued"));
        var queued = await ClaimOneAsync(bed.Store, A.Claim("first"));
        var direct = await RunningAsync(bed, A.Direct("direct") with { TimeoutMs = 90_000 });
        var created = bed.Time.NowMs;
        await ParkAsync(bed, new("queued", "first"), Some.Sleep(0, 1));
        await ParkAsync(bed, direct, Some.Sleep(0, 2));
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        var claim = await bed.Store.Claims.ClaimParkedAsync(
            A.Claim("again") with { ExecutorId = "executor-2" }, new ParkedScope.Due(), Cancel);

        Assert.Equal(["queued", "direct"], claim.Claimed.Select(each => each.Id));
        Assert.Equal(queued.Origin, claim.Claimed[0].Origin);
        Assert.Equal(WorkflowOrigin.OfDirectStart("direct", created), claim.Claimed[1].Origin);
        Assert.Equal((1, created + 90_000, "again"), (claim.Claimed[1].Attempt, claim.Claimed[1].DeadlineMs, claim.Claimed[1].Token));
        HasColumns(
            await bed.RowAsync("queued"),
            ("status", "PENDING"),
            ("owner_xid", "again"),
            ("executor_id", "executor-2"),
            ("recovery_attempts", 1),
            ("delay_until_epoch_ms", null),
            ("started_at_epoch_ms", created),
            ("updated_at", bed.Time.NowMs),
            ("queue_name", A.Queue));
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
    }

    [Fact]
    public async Task Repeated_claim_gives_what_the_token_owns_already()
    {
        await using var bed = await Fixture.CreateAsync();
        await ParkAsync(bed, await RunningAsync(bed, "a"), Some.Sleep(0, 1));
        await ParkAsync(bed, await RunningAsync(bed, "b"), Some.Sleep(0, 2));
        await ClaimAsync(bed, new ParkedScope.Due(), A.Claim("token", 1));

        var repeated = A.Claim("token", 1) with { Repeated = true };
        Assert.Equal(["a"], await ClaimAsync(bed, new ParkedScope.Due(), repeated));
        Assert.Equal(["b"], await ClaimAsync(bed, new ParkedScope.Due(), A.Claim("other", 1) with { Repeated = true }));
    }

    [Fact]
    public async Task Signal_wakes_those_that_wait_for_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await ParkAsync(bed, await RunningAsync(bed, "message"), new WaitRow(0, WaitKind.Message, "message", "t", null));
        await ParkAsync(bed, await RunningAsync(bed, "event"), new WaitRow(0, WaitKind.Event, "setter", "k", null));
        await ParkAsync(bed, await RunningAsync(bed, "outcome"), new WaitRow(0, WaitKind.Outcome, "child", "", null));
        await ParkAsync(bed, await RunningAsync(bed, "other"), new WaitRow(0, WaitKind.Message, "other", "else", null));

        var woken = await ClaimAsync(bed, new ParkedScope.Woken(
        [
            new(StoreSignalKind.Stream, "setter::k"),
            new(StoreSignalKind.Message, "message::t"),
            new(StoreSignalKind.Event, "setter::k"),
            new(StoreSignalKind.Completed, "child"),
            new(StoreSignalKind.Completed, "nobody"),
            new(StoreSignalKind.Message, "message::t"),
        ]));

        Assert.Equal(["message", "event", "outcome"], woken);
    }

    [Fact]
    public async Task Those_that_are_ready_are_found_among_others_and_page_by_page()
    {
        await using var bed = await Fixture.CreateAsync();
        await ReadyOnesAsync(bed);
        string[] ids = ["d ended", "a due", "b message", "c event", "e missing", "f not yet", "unknown"];

        var pages = new List<ParkedClaim>();
        var after = "";
        do
        {
            pages.Add(await bed.Store.Claims.ClaimParkedAsync(A.Claim("page" + pages.Count), new ParkedScope.Page(after, 2), Cancel));
            after = pages[^1].LastLookedAt;
        }
        while (after is not null);

        Assert.Equal(
            ["b message,c event", "d ended,e missing", ""],
            pages.Select(page => string.Join(',', page.Claimed.Select(each => each.Id))));
        await bed.ExecuteAsync("DELETE FROM workflow_status; DELETE FROM operation_outputs");
        await ReadyOnesAsync(bed);
        Assert.Equal(["d ended", "a due", "b message", "c event", "e missing"], await ClaimAsync(bed, new ParkedScope.Among(ids)));
    }

    [Fact]
    public async Task Page_that_the_limit_cuts_short_goes_on_behind_the_last_taken()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var id in new[] { "a", "b", "c" })
        {
            await ParkAsync(bed, await RunningAsync(bed, id), new WaitRow(0, WaitKind.Outcome, "nobody", "", null));
        }

        var claim = await bed.Store.Claims.ClaimParkedAsync(A.Claim("one", 1), new ParkedScope.Page("", 10), Cancel);

        Assert.Equal("a", claim.LastLookedAt);
        Assert.Equal(["b", "c"], await ClaimAsync(bed, new ParkedScope.Page("a", 10)));
    }

    [Fact]
    public async Task Others_names_versions_and_applications_and_delayed_starts_are_left_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await ParkAsync(bed, await RunningAsync(bed, A.Direct("name") with { Name = "unknown here" }), Some.Sleep(0, 1));
        await ParkAsync(bed, await RunningAsync(bed, A.Direct("version") with { ApplicationVersion = "v0" }), Some.Sleep(0, 1));
        await ParkAsync(bed, await RunningAsync(bed, A.Direct("theirs") with { ApplicationName = A.OtherApplication }), Some.Sleep(0, 1));
        await ParkAsync(bed, await RunningAsync(bed, A.Direct("open") with { ApplicationName = null }), Some.Sleep(0, 1));
        await EnqueueAsync(bed, A.Enqueued("start") with { State = WorkflowState.Delayed, DelayMs = -5 });

        Assert.Equal(["open"], await ClaimAsync(bed, new ParkedScope.Due()));
        HasColumns(await bed.RowAsync("open"), ("application_name", A.Application));
    }

    [Fact]
    public async Task Row_that_somebody_holds_is_passed_over()
    {
        await using var bed = await Fixture.CreateAsync();
        await ParkAsync(bed, await RunningAsync(bed, "held"), Some.Sleep(0, 1));
        await ParkAsync(bed, await RunningAsync(bed, "free"), Some.Sleep(0, 2));

        await using (await bed.HoldAsync("held"))
        {
            Assert.Equal(["free"], await ClaimAsync(bed, new ParkedScope.Due()).Within(Bounded.Limit));
        }

        Assert.Equal(["held"], await ClaimAsync(bed, new ParkedScope.Due(), A.Claim("later")));
    }

    [Fact]
    public async Task Row_that_another_sweep_enqueued_goes_on_with_its_attempt()
    {
        await using var bed = await Fixture.CreateAsync();
        await ParkAsync(bed, await RunningAsync(bed, "w"), Some.Sleep(0, 1));
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'ENQUEUED'");

        var claimed = await ClaimOneAsync(bed.Store, A.Claim("token") with { RecoveryAttemptsMax = 0 });

        Assert.Equal(1, claimed.Attempt);
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
        Assert.Equal(WorkflowOrigin.OfDirectStart("w", bed.Time.NowMs), claimed.Origin);
    }

    [Fact]
    public async Task Cancel_takes_in_children_below_ended_ones_and_drops_waits()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "top")));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, A.Direct("child") with { ParentId = "top" })));
        await ParkAsync(bed, await RunningAsync(bed, A.Direct("grandchild") with { ParentId = "child" }), Some.Sleep(0, 1));
        await RunningAsync(bed, A.Direct("apart"));

        Assert.Empty(await bed.Store.Workflows.CancelAsync(["top"], false, A.CancelError, Cancel));
        Assert.Equal(["grandchild"], await bed.Store.Workflows.CancelAsync(["top"], true, A.CancelError, Cancel));

        HasColumns(await bed.RowAsync("grandchild"), ("status", "CANCELLED"));
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
        HasColumns(await bed.RowAsync("apart"), ("status", "PENDING"));
    }

    [Fact]
    public async Task Cancel_that_waits_for_a_parking_drops_its_waits()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await using var parking = new NpgsqlParking((PostgresBed)bed);
        await parking.ParkAsync(owner);

        var cancelling = bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);
        await parking.UntilSomebodyWaitsAsync();
        await parking.CommitAsync();

        Assert.Equal(["w"], await cancelling.Within(Bounded.Limit));
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
    }

    [Fact]
    public async Task Receive_that_waits_for_its_own_earlier_try_takes_no_second_message()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w")));
        await using var earlier = new NpgsqlParking((PostgresBed)bed);
        await earlier.ReceiveAsync(owner);
        await CommitAsync(bed.Store, Some.Send(Some.Message("b", "w")));

        var waiting = bed.Store.Commits.CommitWaitingAsync(Some.Receive(owner, 0), Cancel).AsTask();
        await earlier.UntilSomebodyWaitsAsync();
        await earlier.CommitAsync();

        Assert.Equal(Some.Value("text of a"), (await waiting.Within(Bounded.Limit)).Received);
        Assert.Equal(1L, (await bed.QueryAsync("SELECT count(*) AS n FROM notifications WHERE consumed"))[0]["n"]);
    }

    [Fact]
    public async Task Resume_enqueues_all_or_none()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "succeeded")));
        await RunningAsync(bed, A.Direct("running") with { TimeoutMs = 5 });
        await ParkAsync(bed, await RunningAsync(bed, "parked"), Some.Sleep(0, 1));
        await RunningAsync(bed, "cancelled");
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);
        var before = await bed.DumpAsync();

        var none = await bed.Store.Workflows.ResumeAsync(["running", "unknown", "nobody"], null, Cancel);
        Assert.Equal(("unknown", before), (none.MissingId, await bed.DumpAsync()));
        var all = await bed.Store.Workflows.ResumeAsync(["running", "parked", "succeeded", "cancelled", "parked"], null, Cancel);

        Assert.Null(all.MissingId);
        Assert.Equal(["cancelled", "parked", "running"], all.ResumedIds.Order(StringComparer.Ordinal));
        HasColumns(
            await bed.RowAsync("running"),
            ("status", "ENQUEUED"),
            ("owner_xid", null),
            ("queue_name", A.InternalQueue),
            ("workflow_deadline_epoch_ms", null),
            ("workflow_timeout_ms", 5),
            ("recovery_attempts", 0));
        HasColumns(await bed.RowAsync("succeeded"), ("status", "SUCCESS"));
        HasColumns(await bed.RowAsync("cancelled"), ("completed_at", null));
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
    }

    // One ready for each reason, and one that is not.
    private static async Task ReadyOnesAsync(StoreBed bed)
    {
        await CommitAsync(bed.Store, Some.Event(await RunningAsync(bed, "x setter"), 0, "k", "v"));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "x child")));
        await ParkAsync(bed, await RunningAsync(bed, "a due"), Some.Sleep(0, bed.Time.NowMs), Some.Sleep(1, long.MaxValue));
        await ParkAsync(bed, await RunningAsync(bed, "b message"), new WaitRow(0, WaitKind.Message, "b message", Some.Topic, null));
        await ParkAsync(bed, await RunningAsync(bed, "c event"), new WaitRow(0, WaitKind.Event, "x setter", "k", null));
        await ParkAsync(bed, await RunningAsync(bed, "d ended"), new WaitRow(0, WaitKind.Outcome, "x child", "", null));
        await ParkAsync(bed, await RunningAsync(bed, "e missing"), new WaitRow(0, WaitKind.Outcome, "x nobody", "", null));
        await ParkAsync(
            bed,
            await RunningAsync(bed, "f not yet"),
            Some.Sleep(0, bed.Time.NowMs + 1),
            new WaitRow(1, WaitKind.Message, "f not yet", Some.Topic, null),
            new WaitRow(2, WaitKind.Event, "x setter", "other", null),
            new WaitRow(3, WaitKind.Outcome, "x setter", "", null));
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "b message"), Some.Message("b", "f not yet", "another")));
    }

    private static async Task ParkAsync(StoreBed bed, Ownership owner, params WaitRow[] waits) =>
        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, new ParkUnit(owner, waits)));

    private static async Task<string[]> ClaimAsync(StoreBed bed, ParkedScope scope, ClaimRequest? request = null) =>
        [.. (await bed.Store.Claims.ClaimParkedAsync(request ?? A.Claim("claim"), scope, Cancel)).Claimed.Select(each => each.Id)];
}
