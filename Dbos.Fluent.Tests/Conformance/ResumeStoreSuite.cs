using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Resuming workflows: what becomes of the row in each state, column by column.</summary>
public abstract class ResumeStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Running_workflow_is_enqueued_anew_and_its_run_is_fenced_off()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with
        {
            DeduplicationId = "only one",
            PartitionKey = "north",
            Priority = 7,
            ParentId = "parent",
            TimeoutMs = 60_000,
        });
        await ClaimOneAsync(bed.Store, A.Claim("token"));
        var created = (await bed.RowAsync("w"))["created_at"];
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        var result = await ResumeAsync(bed, "w");

        Assert.Equal("w", Assert.Single(result.ResumedIds));
        Assert.Null(result.MissingId);
        HasColumns(
            await bed.RowAsync("w"),
            ("status", "ENQUEUED"),
            ("owner_xid", null),
            ("creator_xid", "creator of w"),
            ("executor_id", A.ExecutorId),
            ("application_version", A.Version),
            ("application_name", A.Application),
            ("queue_name", A.InternalQueue),
            ("queue_partition_key", "north"),
            ("deduplication_id", null),
            ("priority", 7),
            ("parent_workflow_id", "parent"),
            ("recovery_attempts", 0),
            ("workflow_timeout_ms", 60_000),
            ("workflow_deadline_epoch_ms", null),
            ("started_at_epoch_ms", null),
            ("completed_at", null),
            ("created_at", created),
            ("updated_at", bed.Time.NowMs));
        Assert.Equal(CommitStatus.NotOwned, (await CommitAsync(bed.Store, A.Checkpoints(new("w", "token"), 0))).Status);
    }

    [Fact]
    public async Task Timed_out_workflow_gets_a_whole_new_deadline_at_its_next_claim()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("w") with { TimeoutMs = 1_000 });
        bed.Time.Advance(TimeSpan.FromSeconds(2));
        await bed.Store.Workflows.CancelExpiredAsync(A.Application, 10, A.CancelError, Cancel);

        await ResumeAsync(bed, "w");
        bed.Time.Advance(TimeSpan.FromSeconds(3));

        Assert.Empty(await bed.Store.Workflows.CancelExpiredAsync(A.Application, 10, A.CancelError, Cancel));
        var claimed = await ClaimOneAsync(bed.Store, A.Claim("next"));
        Assert.Equal((bed.Time.NowMs + 1_000, 1), (claimed.DeadlineMs, claimed.Attempt));
    }

    [Fact]
    public async Task Every_state_but_success_and_failure_is_resumed()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "succeeded")));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "failed"), WorkflowState.Error));
        await EnqueueAsync(bed, A.Enqueued("dead letter"));
        await bed.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 9 WHERE workflow_uuid = 'dead letter'");
        await bed.Store.Claims.ClaimAsync(A.Claim("token") with { RecoveryAttemptsMax = 1 }, Cancel);
        await RunningAsync(bed, "cancelled");
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);
        await EnqueueAsync(bed, A.Enqueued("enqueued"), A.Enqueued("delayed") with { State = WorkflowState.Delayed, DelayMs = 60_000 });
        await Parking.ParkedAsync(bed, "parked", Parking.ForMessage("parked"));
        await RunningAsync(bed, "running");
        string[] resumable = ["cancelled", "dead letter", "delayed", "enqueued", "parked", "running"];
        var succeeded = await bed.RowAsync("succeeded");
        var failed = await bed.RowAsync("failed");

        var result = await ResumeAsync(bed, ["succeeded", "failed", "running", .. resumable]);

        Assert.Equal(resumable, result.ResumedIds.Order());
        foreach (var id in resumable)
        {
            HasColumns(
                await bed.RowAsync(id),
                ("status", "ENQUEUED"),
                ("owner_xid", null),
                ("queue_name", A.InternalQueue),
                ("recovery_attempts", 0),
                ("started_at_epoch_ms", null),
                ("completed_at", null));
        }

        Assert.Equal(succeeded, await bed.RowAsync("succeeded"));
        Assert.Equal(failed, await bed.RowAsync("failed"));
        Assert.Equal(2, await bed.CountAsync("workflow_output"));
        Assert.Equal(resumable, (await ClaimIdsAsync(bed.Store, A.Claim("next"))).Order());
    }

    [Fact]
    public async Task End_of_a_delay_is_kept()
    {
        await using var bed = await Fixture.CreateAsync();
        var due = bed.Time.NowMs + 60_000;
        await EnqueueAsync(bed, A.Enqueued("w") with { State = WorkflowState.Delayed, DelayMs = 60_000 });

        await ResumeAsync(bed, "w");

        HasColumns(await bed.RowAsync("w"), ("status", "ENQUEUED"), ("delay_until_epoch_ms", due));
    }

    [Fact]
    public async Task Parked_workflow_no_longer_waits_and_its_next_claim_is_an_attempt()
    {
        await using var bed = await Fixture.CreateAsync();
        var started = bed.Time.NowMs;
        await Parking.ParkedAsync(bed, "w", Parking.Until(1), Parking.ForMessage());
        bed.Time.Advance(TimeSpan.FromHours(1));

        await ResumeAsync(bed, "w");

        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
        Assert.Empty(await Parking.ClaimIdsAsync(bed, new ParkedScope.Due()));
        var claimed = await ClaimOneAsync(bed.Store, A.Claim("next"));
        Assert.Equal((1, WorkflowOrigin.OfDirectStart("w", started)), (claimed.Attempt, claimed.Origin));
        HasColumns(await bed.RowAsync("w"), ("recovery_attempts", 1));
    }

    [Fact]
    public async Task Missing_one_keeps_all_from_being_resumed()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "a");
        await Parking.ParkedAsync(bed, "b", Parking.ForMessage("b"));
        var before = await bed.DumpAsync();

        var result = await ResumeAsync(bed, "a", "missing", "b");

        Assert.Equal((0, "missing"), (result.ResumedIds.Count, result.MissingId));
        Assert.Equal(before, await bed.DumpAsync());
        Assert.Equal(1, await bed.CountAsync("fluent_waits"));
    }

    [Fact]
    public async Task Nothing_to_resume_is_nothing()
    {
        await using var bed = await Fixture.CreateAsync();

        var result = await ResumeAsync(bed);

        Assert.Equal((0, null), (result.ResumedIds.Count, result.MissingId));
    }

    [Fact]
    public async Task Queue_that_is_given_is_where_it_waits()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");

        await bed.Store.Workflows.ResumeAsync(["w"], "other line", Cancel);

        HasColumns(await bed.RowAsync("w"), ("queue_name", "other line"));
    }

    // Otherwise a later cancel by another SDK, which writes no reason, would seem to have the reason of the earlier one.
    [Fact]
    public async Task Checkpoints_and_input_stay_and_the_outcome_goes()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Checkpoints(await RunningAsync(bed, "w"), 0, 1));
        await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);
        await bed.ExecuteAsync("UPDATE workflow_status SET output = 'of an older SDK', error = 'of an older SDK'");

        await ResumeAsync(bed, "w");

        var (row, checkpoints) = (await bed.Store.Workflows.ReadHistoryAsync("w", Cancel))!.Value;
        Assert.Equal(("input of w", 2, null, null), (row.Input.Text, checkpoints.Count, row.Output.Text, row.Error.Text));
        Assert.Equal(0, await bed.CountAsync("workflow_output"));
        Assert.Empty(await bed.Store.Workflows.ReadOutcomesAsync(["w"], Cancel));
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED'");
        Assert.Null(Assert.Single(await bed.Store.Workflows.ReadOutcomesAsync(["w"], Cancel)).Error.Text);
    }

    private static Task<ResumeResult> ResumeAsync(StoreBed bed, params string[] ids) => bed.Store.Workflows.ResumeAsync(ids, null, Cancel);
}
