using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows that leave memory while they wait: what becomes of the row, and what else may happen to it then.</summary>
public abstract class ParkStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Parked_row_is_delayed_and_without_an_owner_and_keeps_the_rest()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with { DeduplicationId = "only one", PartitionKey = "north", TimeoutMs = 60_000 });
        await ClaimOneAsync(bed.Store, A.Claim("token"));
        var started = bed.Time.NowMs;
        bed.Time.Advance(TimeSpan.FromSeconds(5));
        var wake = bed.Time.NowMs + 10_000;

        var unit = new ParkUnit(new("w", "token"), [Parking.ForMessage(wakeAtMs: wake + 1), Parking.Until(wake), Parking.ForOutcome("x")]);
        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, unit)).Status);

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "DELAYED"),
            ("owner_xid", null),
            ("queue_name", A.Queue),
            ("queue_partition_key", "north"),
            ("deduplication_id", "only one"),
            ("executor_id", A.ExecutorId),
            ("application_version", A.Version),
            ("recovery_attempts", 1),
            ("started_at_epoch_ms", started),
            ("workflow_deadline_epoch_ms", started + 60_000),
            ("delay_until_epoch_ms", wake),
            ("updated_at", bed.Time.NowMs),
            ("completed_at", null));
    }

    [Fact]
    public async Task Waits_of_a_parked_workflow_stand_beside_it()
    {
        await using var bed = await Fixture.CreateAsync();

        await Parking.ParkedAsync(
            bed,
            "w",
            Parking.Until(77),
            Parking.ForMessage("w", "approval", 88),
            Parking.ForEvent("other", "price"),
            Parking.ForOutcome("child"));

        var rows = await bed.QueryAsync("SELECT * FROM fluent_waits ORDER BY sequence");
        HasColumns(rows[0], ("sequence", 3), ("kind", "time"), ("key", "w"), ("target", "w"), ("name", ""), ("wake_at", 77));
        HasColumns(rows[1], ("kind", "message"), ("key", "w::approval"), ("target", "w"), ("name", "approval"), ("wake_at", 88));
        HasColumns(rows[2], ("kind", "event"), ("key", "other::price"), ("target", "other"), ("name", "price"), ("wake_at", null));
        HasColumns(rows[3], ("kind", "outcome"), ("key", "child"), ("target", "child"), ("token", "token of w"), ("workflow_uuid", "w"));
        Assert.Equal(4, rows.Count);
    }

    [Fact]
    public async Task Direct_start_that_waits_without_an_end_goes_to_the_internal_queue_for_good()
    {
        await using var bed = await Fixture.CreateAsync();

        await Parking.ParkedAsync(bed, "w", Parking.ForMessage());

        HasColumns(await bed.RowAsync("w"), ("queue_name", A.InternalQueue), ("delay_until_epoch_ms", long.MaxValue));
        var status = (await bed.Store.Workflows.ReadAsync("w", Cancel))!.Status;
        Assert.Equal((WorkflowState.Delayed, true, null), (status.State, status.Parked, status.DelayUntil));
    }

    [Fact]
    public async Task Status_tells_a_parked_workflow_from_a_delayed_and_from_a_woken_one()
    {
        await using var bed = await Fixture.CreateAsync();
        var wake = bed.Time.NowMs + 1_000;
        await Parking.ParkedAsync(bed, "parked", Parking.Until(wake));
        await EnqueueAsync(bed, A.Enqueued("delayed") with { State = WorkflowState.Delayed, DelayMs = 60_000 });

        var parked = (await bed.Store.Workflows.ReadAsync("parked", Cancel))!.Status;
        Assert.Equal((true, wake), (parked.Parked, parked.DelayUntil!.Value.ToUnixTimeMilliseconds()));
        Assert.True((await bed.Store.Workflows.ReadHistoryAsync("parked", Cancel))!.Value.Row.Status.Parked);
        Assert.False((await bed.Store.Workflows.ReadAsync("delayed", Cancel))!.Status.Parked);

        await Parking.ClaimOneAsync(bed, new ParkedScope.Due());
        Assert.False((await bed.Store.Workflows.ReadAsync("parked", Cancel))!.Status.Parked);
    }

    [Fact]
    public async Task Park_whose_acknowledgement_was_lost_is_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var wait = Parking.Until(bed.Time.NowMs + 1_000);
        var owner = await Parking.ParkedAsync(bed, "w", wait);
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, new ParkUnit(owner, [wait]))).Status);

        Assert.Equal(before, await bed.DumpAsync());
        Assert.Equal(1, await bed.CountAsync("fluent_waits"));
    }

    [Fact]
    public async Task Park_of_a_former_owner_is_not_owned()
    {
        await using var bed = await Fixture.CreateAsync();
        var wait = Parking.Until(bed.Time.NowMs);
        var first = await Parking.ParkedAsync(bed, "w", wait);
        await Parking.ClaimOneAsync(bed, new ParkedScope.Due());

        Assert.Equal(CommitStatus.NotOwned, (await CommitAsync(bed.Store, new ParkUnit(first, [wait]))).Status);
        await CommitAsync(bed.Store, new ParkUnit(new("w", "next"), [wait]));
        Assert.Equal(CommitStatus.NotOwned, (await CommitAsync(bed.Store, new ParkUnit(first, [wait]))).Status);
        Assert.Equal(CommitStatus.NotOwned, (await CommitAsync(bed.Store, new ParkUnit(new("unknown", "t"), [wait]))).Status);

        HasColumns((await bed.QueryAsync("SELECT * FROM fluent_waits"))[0], ("token", "next"));
    }

    [Fact]
    public async Task Nothing_is_written_by_the_owner_after_the_park()
    {
        await using var bed = await Fixture.CreateAsync();
        var running = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, A.Checkpoints(running, 0));
        await CommitAsync(bed.Store, new ParkUnit(running, [Parking.ForMessage()]));

        var statuses = await StatusesAsync(
            bed.Store, A.Checkpoints(running, 1), A.Outcome(running), A.Child(running, 2, A.Direct("child")));

        Assert.Equal([CommitStatus.NotOwned, CommitStatus.NotOwned, CommitStatus.NotOwned], statuses);
        HasColumns(await bed.RowAsync("w"), ("status", "DELAYED"), ("completed_at", null));
        Assert.Equal(1, await bed.CountAsync("operation_outputs"));
        Assert.Equal(1, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Execution_that_parked_is_reported_as_lost_and_the_one_that_goes_on_is_not()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await Parking.ParkedAsync(bed, "w", Parking.Until(bed.Time.NowMs));

        Assert.Equal(WorkflowState.Delayed, Assert.Single(await bed.Store.Workflows.ReadLostAsync([owner], Cancel)).State);
        await Parking.ClaimOneAsync(bed, new ParkedScope.Due());
        Assert.Empty(await bed.Store.Workflows.ReadLostAsync([new Ownership("w", "next")], Cancel));
    }

    [Fact]
    public async Task Parked_workflows_are_neither_handed_on_nor_back()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Executors.RegisterAsync(A.Executor(), Cancel);
        var owner = await Parking.ParkedAsync(bed, "w", Parking.ForMessage());
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromHours(1));

        Assert.Empty(await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel));
        Assert.Empty(await bed.Store.Executors.HandOnOrphansAsync(A.HandOn(A.ExecutorId), TimeSpan.Zero, Cancel));
        Assert.Empty(await bed.Store.Executors.HandBackAsync([owner], attempted: true, Cancel));
        Assert.Equal(0, await bed.Store.Executors.StopAsync(A.ExecutorId, "first launch", Cancel));

        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Parked_workflow_can_be_cancelled()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "w", Parking.Until(bed.Time.NowMs), Parking.ForMessage());

        Assert.Equal(["w"], await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel));

        HasColumns(await bed.RowAsync("w"), ("status", "CANCELLED"), ("queue_name", null), ("completed_at", bed.Time.NowMs));
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
        Assert.Empty(await Parking.ClaimIdsAsync(bed, new ParkedScope.Due()));
        Assert.False((await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, null, Cancel)).Any);
    }

    [Fact]
    public async Task Parked_workflow_whose_deadline_passes_is_cancelled()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, A.Direct("w") with { TimeoutMs = 1_000 }, Parking.ForMessage());
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(["w"], await bed.Store.Workflows.CancelExpiredAsync(A.Application, 10, A.CancelError, Cancel));

        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
        Assert.True(Assert.Single(await bed.Store.Workflows.ReadOutcomesAsync(["w"], Cancel)).DeadlinePassed);
    }

    [Fact]
    public async Task Waits_are_deleted_with_their_workflow()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "w", Parking.Until(1), Parking.ForMessage());

        await bed.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'w'");

        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
    }

    [Fact]
    public async Task Delayed_enqueue_is_no_parked_workflow()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with { State = WorkflowState.Delayed, DelayMs = 10 });

        Assert.Empty(await Parking.ClaimIdsAsync(bed, new ParkedScope.Due()));
        Assert.Empty(await Parking.ClaimIdsAsync(bed, new ParkedScope.Among(["w"])));
        Assert.Empty(await Parking.ClaimIdsAsync(bed, new ParkedScope.Page("", 10)));
        Assert.Equal(new ParkedOutlook(false, null), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, null, Cancel));
    }

    [Fact]
    public async Task Outlook_names_the_earliest_wake_up_of_the_application()
    {
        await using var bed = await Fixture.CreateAsync();
        Assert.Equal(new ParkedOutlook(false, null), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, null, Cancel));

        await Parking.ParkedAsync(bed, A.Direct("theirs") with { ApplicationName = A.OtherApplication }, Parking.Until(10, "theirs"));
        await Parking.ParkedAsync(bed, "open", Parking.ForMessage("open"));
        Assert.Equal(new ParkedOutlook(true, null), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, null, Cancel));

        await Parking.ParkedAsync(bed, "a", Parking.Until(40, "a"), Parking.ForMessage("a", wakeAtMs: 30));
        await Parking.ParkedAsync(bed, A.Direct("nobody's") with { ApplicationName = null }, Parking.Until(20, "nobody's"));
        Assert.Equal(new ParkedOutlook(true, 20), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, null, Cancel));
        Assert.Equal(new ParkedOutlook(true, 10), await bed.Store.Claims.ReadParkedOutlookAsync(A.OtherApplication, null, Cancel));
    }

    [Fact]
    public async Task Outlook_behind_a_moment_leaves_out_what_ends_up_to_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "a", Parking.Until(10, "a"), Parking.ForMessage("a", wakeAtMs: 20));
        await Parking.ParkedAsync(bed, "b", Parking.Until(30, "b"));

        Assert.Equal(new ParkedOutlook(true, 20), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, 10, Cancel));
        Assert.Equal(new ParkedOutlook(true, 30), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, 20, Cancel));
        Assert.Equal(new ParkedOutlook(false, null), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, 30, Cancel));

        await Parking.ParkedAsync(bed, "open", Parking.ForMessage("open"));
        Assert.Equal(new ParkedOutlook(true, null), await bed.Store.Claims.ReadParkedOutlookAsync(A.Application, 30, Cancel));
    }

    [Fact]
    public async Task Parked_workflow_that_another_SDK_enqueued_counts_as_woken()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "w", Parking.Until(bed.Time.NowMs), Parking.ForMessage());
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'ENQUEUED'");

        Assert.Empty(await Parking.ClaimIdsAsync(bed, new ParkedScope.Due()));
        var claimed = await ClaimOneAsync(bed.Store, A.Claim("token") with { RecoveryAttemptsMax = 0 });

        Assert.Equal(1, claimed.Attempt);
        HasColumns(await bed.RowAsync("w"), ("status", "PENDING"), ("recovery_attempts", 1), ("owner_xid", "token"));
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
    }
}
