using Dbos.Fluent.Model;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Cancelling workflows, by id and by deadline: what becomes of the row, column by column.</summary>
public abstract class CancelStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Running_workflow_is_let_go_of()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w") with { DeduplicationId = "only one", PartitionKey = "north", TimeoutMs = 60_000 });
        await ClaimOneAsync(bed.Store, A.Claim("token"));
        var deadline = (await bed.RowAsync("w"))["workflow_deadline_epoch_ms"];
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(["w"], await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel));

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "CANCELLED"),
            ("owner_xid", null),
            ("executor_id", A.ExecutorId),
            ("application_version", A.Version),
            ("application_name", A.Application),
            ("queue_name", null),
            ("queue_partition_key", "north"),
            ("deduplication_id", null),
            ("recovery_attempts", 1),
            ("workflow_timeout_ms", 60_000),
            ("workflow_deadline_epoch_ms", deadline),
            ("started_at_epoch_ms", null),
            ("completed_at", bed.Time.NowMs),
            ("updated_at", bed.Time.NowMs));
    }

    [Fact]
    public async Task Delayed_workflow_keeps_the_end_of_its_delay()
    {
        await using var bed = await Fixture.CreateAsync();
        var due = bed.Time.NowMs + 60_000;
        await EnqueueAsync(bed, A.Enqueued("w") with { State = WorkflowState.Delayed, DelayMs = 60_000 });

        Assert.Equal(["w"], await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel));

        HasColumns(await bed.RowAsync("w"), ("status", "CANCELLED"), ("delay_until_epoch_ms", due), ("executor_id", null));
    }

    [Fact]
    public async Task Workflow_that_was_given_up_is_cancelled_like_any_that_has_not_ended_by_itself()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));
        await bed.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 9");
        Assert.Equal(["w"], (await bed.Store.Claims.ClaimAsync(A.Claim("token") with { RecoveryAttemptsMax = 3 }, Cancel)).DeadLettered);
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(["w"], await bed.Store.Workflows.CancelAsync(["w"], true, A.CancelError, Cancel));

        HasColumns(await bed.RowAsync("w"), ("status", "CANCELLED"), ("completed_at", bed.Time.NowMs), ("queue_name", null));
        Assert.Equal("native reason", Assert.Single(await bed.Store.Workflows.ReadOutcomesAsync(["w"], Cancel)).Error.Text);
    }

    [Fact]
    public async Task Unknown_and_ended_workflows_are_left_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "succeeded")));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "failed"), WorkflowState.Error));
        await RunningAsync(bed, "cancelled");
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Empty(await bed.Store.Workflows.CancelAsync(["unknown", "succeeded", "failed", "cancelled"], false, A.CancelError, Cancel));
        Assert.Empty(await bed.Store.Workflows.CancelAsync([], false, A.CancelError, Cancel));
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Only_those_it_cancelled_are_given_back()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "running");
        await EnqueueAsync(bed, A.Enqueued("waiting"));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "ended")));

        string[] ids = ["ended", "running", "unknown", "waiting", "running"];
        var cancelled = await bed.Store.Workflows.CancelAsync(ids, false, A.CancelError, Cancel);

        Assert.Equal(["running", "waiting"], cancelled.Order());
    }

    [Theory]
    [InlineData(A.Native, "native reason")]
    [InlineData(A.Portable, "\"portable reason\"")]
    [InlineData("js_superjson", null)]
    [InlineData(null, null)]
    public async Task Reason_is_written_in_the_rows_own_format(string? format, string? reason)
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("w") with { Input = new Payload("input", format) });

        await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);

        Assert.Equal(reason, (await bed.Store.Workflows.ReadAsync("w", Cancel))!.Error.Text);
        Assert.Equal(reason, Assert.Single(await bed.Store.Workflows.ReadOutcomesAsync(["w"], Cancel)).Error.Text);
    }

    [Fact]
    public async Task Expired_workflows_of_every_active_state_are_cancelled()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("running") with { TimeoutMs = 1_000 });
        await EnqueueAsync(
            bed,
            A.Enqueued("waiting") with { DeadlineMs = bed.Time.NowMs + 1_000 },
            A.Enqueued("delayed") with { State = WorkflowState.Delayed, DelayMs = 60_000, DeadlineMs = bed.Time.NowMs + 1_000 });
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, A.Direct("ended") with { TimeoutMs = 1_000 })));
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        var cancelled = await bed.Store.Workflows.CancelExpiredAsync(A.Application, 100, A.CancelError, Cancel);

        Assert.Equal(["delayed", "running", "waiting"], cancelled.Order());
        HasColumns(
            await bed.RowAsync("running"),
            ("status", "CANCELLED"),
            ("owner_xid", null),
            ("completed_at", bed.Time.NowMs),
            ("started_at_epoch_ms", null));
        HasColumns(await bed.RowAsync("waiting"), ("status", "CANCELLED"), ("queue_name", null), ("deduplication_id", null));
        HasColumns(await bed.RowAsync("running", "workflow_output"), ("error", "native reason"));
        Assert.True(Assert.Single(await bed.Store.Workflows.ReadOutcomesAsync(["running"], Cancel)).DeadlinePassed);
    }

    [Fact]
    public async Task Deadline_counts_from_its_very_millisecond()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("w") with { TimeoutMs = 1_000 });
        bed.Time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Empty(await bed.Store.Workflows.CancelExpiredAsync(A.Application, 100, A.CancelError, Cancel));

        bed.Time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(["w"], await bed.Store.Workflows.CancelExpiredAsync(A.Application, 100, A.CancelError, Cancel));
    }

    [Fact]
    public async Task Deadlines_of_other_applications_are_theirs_and_those_of_none_are_everybodys()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("theirs") with { ApplicationName = A.OtherApplication, TimeoutMs = 1_000 });
        await RunningAsync(bed, A.Direct("nobody's") with { ApplicationName = null, TimeoutMs = 1_000 });
        await RunningAsync(bed, "without");
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(["nobody's"], await bed.Store.Workflows.CancelExpiredAsync(A.Application, 100, A.CancelError, Cancel));
        HasColumns(await bed.RowAsync("theirs"), ("status", "PENDING"), ("owner_xid", "token of theirs"));
    }

    [Fact]
    public async Task Sweep_takes_no_more_than_its_limit()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var number in Enumerable.Range(0, 5))
        {
            await RunningAsync(bed, A.Direct($"w{number}") with { TimeoutMs = 1_000 });
        }

        bed.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(3, (await bed.Store.Workflows.CancelExpiredAsync(A.Application, 3, A.CancelError, Cancel)).Count);
        Assert.Equal(2, (await bed.Store.Workflows.CancelExpiredAsync(A.Application, 3, A.CancelError, Cancel)).Count);
    }

    [Fact]
    public async Task Children_are_cancelled_with_their_parents_as_far_as_they_go()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "parent");
        await RunningAsync(bed, A.Direct("child") with { ParentId = "parent" });
        await EnqueueAsync(bed, A.Enqueued("waiting child") with { ParentId = "parent" });
        await Parking.ParkedAsync(bed, A.Direct("parked grandchild") with { ParentId = "child" }, Parking.ForMessage("parked grandchild"));
        await RunningAsync(bed, "stranger");

        var cancelled = await bed.Store.Workflows.CancelAsync(["parent", "child"], true, A.CancelError, Cancel);

        Assert.Equal(["child", "parent", "parked grandchild", "waiting child"], cancelled.Order());
        Assert.Equal(0, await bed.CountAsync("fluent_waits"));
        HasColumns(await bed.RowAsync("parked grandchild"), ("status", "CANCELLED"), ("queue_name", null));
        HasColumns(await bed.RowAsync("child", "workflow_output"), ("error", "native reason"));
        HasColumns(await bed.RowAsync("stranger"), ("status", "PENDING"));
    }

    [Fact]
    public async Task Children_of_those_that_have_ended_are_cancelled_too()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        var child = await RunningAsync(bed, A.Direct("child") with { ParentId = "parent" });
        await RunningAsync(bed, A.Direct("grandchild") with { ParentId = "child" });
        await CommitAsync(bed.Store, A.Outcome(child));
        await CommitAsync(bed.Store, A.Outcome(parent, WorkflowState.Error));

        Assert.Equal(["grandchild"], await bed.Store.Workflows.CancelAsync(["parent", "unknown"], true, A.CancelError, Cancel));

        HasColumns(await bed.RowAsync("child"), ("status", "SUCCESS"));
    }

    [Fact]
    public async Task Children_run_on_where_only_the_parent_is_cancelled()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "parent");
        await RunningAsync(bed, A.Direct("child") with { ParentId = "parent" });

        Assert.Equal(["parent"], await bed.Store.Workflows.CancelAsync(["parent"], false, A.CancelError, Cancel));

        HasColumns(await bed.RowAsync("child"), ("status", "PENDING"));
    }

    [Fact]
    public async Task Workflows_that_name_each_other_as_parents_do_not_hang_a_cancel()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("a") with { ParentId = "b" });
        await RunningAsync(bed, A.Direct("b") with { ParentId = "a" });

        Assert.Equal(
            ["a", "b"], (await bed.Store.Workflows.CancelAsync(["a"], true, A.CancelError, Cancel).Within(Bounded.Limit)).Order());
    }
}
