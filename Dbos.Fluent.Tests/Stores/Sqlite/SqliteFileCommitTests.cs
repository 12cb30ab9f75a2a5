using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteFileCommitTests : SqliteFileTest
{
    [Fact]
    public async Task A_direct_start_is_owned_and_counts_as_the_first_run()
    {
        var result = Assert.Single(await Store.Commits.CommitAsync([new StartUnit(Direct("a") with { TimeoutMs = 500 })], Cancel));

        Assert.Equal((CommitStatus.Written, NowMs, NowMs + 500), (result.Status, result.CreatedAtMs, result.DeadlineMs));
        var row = await ReadAsync("a");
        Assert.Equal(("token-a", WorkflowState.Pending, 1), (await ReadOwnerAsync("a"), row.Status.State, row.Status.RecoveryAttempts));
        Assert.Equal(("input of a", "dotnet_msgpack"), (row.Input.Text, row.Input.Format));
        Assert.Null(row.Status.StartedAt);
    }

    [Fact]
    public async Task An_enqueued_start_has_no_owner_and_no_deadline_yet()
    {
        await StartAsync(Enqueued("a") with { TimeoutMs = 500, Priority = 3 });

        var row = await ReadAsync("a");
        Assert.Equal((null, WorkflowState.Enqueued), (await ReadOwnerAsync("a"), row.Status.State));
        Assert.Equal((0, 3, null), (row.Status.RecoveryAttempts, row.Status.Priority, row.Status.Deadline));
    }

    [Fact]
    public async Task A_delayed_start_waits_from_now()
    {
        await StartAsync(Enqueued("a") with { State = WorkflowState.Delayed, DelayMs = 700 });

        Assert.Equal(Time.GetUtcNow().AddMilliseconds(700), (await ReadAsync("a")).Status.DelayUntil);
    }

    [Fact]
    public async Task An_inherited_deadline_stands_whatever_the_timeout_says()
    {
        await StartAsync(Direct("a") with { TimeoutMs = 500, DeadlineMs = NowMs + 100 }, Enqueued("b") with { DeadlineMs = NowMs + 200 });

        Assert.Equal(Time.GetUtcNow().AddMilliseconds(100), (await ReadAsync("a")).Status.Deadline);
        Assert.Equal(Time.GetUtcNow().AddMilliseconds(200), (await ReadAsync("b")).Status.Deadline);
    }

    [Fact]
    public async Task A_repeated_start_with_its_own_token_is_written()
    {
        await StartAsync(Direct("a"));
        var created = NowMs;
        Time.Advance(TimeSpan.FromSeconds(1));

        var result = await Store.Commits.CommitWaitingAsync(new StartUnit(Direct("a"), RejectExisting: true), Cancel);

        Assert.Equal((CommitStatus.Written, created), (result.Status, result.CreatedAtMs));
    }

    [Fact]
    public async Task A_start_of_an_id_in_use_attaches_and_changes_nothing()
    {
        await StartAsync(Direct("a"));
        var before = await ReadAsync("a");
        Time.Advance(TimeSpan.FromSeconds(1));

        var other = Enqueued("a") with { Token = "other", Input = new("other", "portable_json") };
        var result = await Store.Commits.CommitWaitingAsync(new StartUnit(other), Cancel);

        Assert.Equal(CommitStatus.Attached, result.Status);
        Assert.Equal(new ExistingWorkflow("a", "checkout", WorkflowState.Pending), result.Existing);
        Assert.Equal(before, await ReadAsync("a"));
    }

    [Fact]
    public async Task A_start_that_rejects_an_existing_id_is_told_of_it()
    {
        await StartAsync(Direct("a"));

        var start = new StartUnit(Direct("a") with { Token = "other" }, RejectExisting: true);
        var result = await Store.Commits.CommitWaitingAsync(start, Cancel);

        Assert.Equal((CommitStatus.IdInUse, "a"), (result.Status, result.Existing?.Id));
    }

    [Fact]
    public async Task A_start_that_rejects_an_existing_id_is_told_of_it_whatever_its_name()
    {
        await StartAsync(Direct("a"));

        var start = new StartUnit(Direct("a", "refund") with { Token = "other" }, RejectExisting: true);
        var result = await Store.Commits.CommitWaitingAsync(start, Cancel);

        Assert.Equal((CommitStatus.IdInUse, "checkout"), (result.Status, result.Existing?.Name));
    }

    [Fact]
    public async Task A_start_of_an_id_that_has_another_name_is_a_conflict()
    {
        await StartAsync(Direct("a"));

        var result = await Store.Commits.CommitWaitingAsync(new StartUnit(Direct("a", "refund") with { Token = "other" }), Cancel);

        Assert.Equal((CommitStatus.NameConflict, "checkout"), (result.Status, result.Existing?.Name));
    }

    [Fact]
    public async Task A_deduplication_id_is_held_until_its_workflow_has_ended()
    {
        await StartAsync(Direct("a") with { Queue = "orders", DeduplicationId = "d" });

        var held = await Store.Commits.CommitWaitingAsync(new StartUnit(Enqueued("b") with { DeduplicationId = "d" }), Cancel);
        await CommitAsync(Success("a"));
        var free = await Store.Commits.CommitWaitingAsync(new StartUnit(Enqueued("b") with { DeduplicationId = "d" }), Cancel);

        Assert.Equal((CommitStatus.Deduplicated, "a"), (held.Status, held.Existing?.Id));
        Assert.Equal(CommitStatus.Written, free.Status);
    }

    [Fact]
    public async Task A_unit_that_is_refused_leaves_the_others_of_its_batch_alone()
    {
        await StartAsync(Direct("a"), Enqueued("held") with { DeduplicationId = "d" });

        var statuses = await CommitAsync(
            Checkpoint("a", 0),
            new StartUnit(Enqueued("b") with { DeduplicationId = "d" }),
            Checkpoint("unknown", 0),
            Checkpoint("a", 1));

        Assert.Equal([CommitStatus.Written, CommitStatus.Deduplicated, CommitStatus.NotOwned, CommitStatus.Written], statuses);
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE workflow_uuid = 'a'"));
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM workflow_input WHERE workflow_uuid = 'b'"));
    }

    [Fact]
    public async Task A_child_and_the_checkpoint_that_names_it_are_written_together()
    {
        await StartAsync(Direct("a"));
        var start = new StartUnit(Enqueued("a-0") with { ParentId = "a" }, Owner("a"), Row(0) with { ChildId = "a-0" });

        Assert.Equal([CommitStatus.Written], await CommitAsync(start));
        Assert.Equal([CommitStatus.Written], await CommitAsync(start));

        var (_, checkpoints) = (await Store.Workflows.ReadHistoryAsync("a", Cancel))!.Value;
        Assert.Equal("a-0", Assert.Single(checkpoints).ChildId);
    }

    [Fact]
    public async Task A_child_of_a_parent_that_lost_its_row_is_not_started()
    {
        await StartAsync(Direct("a"));

        var statuses = await CommitAsync(new StartUnit(Enqueued("a-0"), new Ownership("a", "stale"), Row(0)));

        Assert.Equal([CommitStatus.NotOwned], statuses);
        Assert.Null(await Store.Workflows.ReadAsync("a-0", Cancel));
    }

    [Fact]
    public async Task A_child_that_exists_gets_its_parents_checkpoint_and_one_of_another_name_does_not()
    {
        await StartAsync(Direct("a"), Enqueued("same"), Enqueued("other", "refund"));

        var statuses = await CommitAsync(
            new StartUnit(Enqueued("same") with { Token = "x" }, Owner("a"), Row(0)),
            new StartUnit(Enqueued("other") with { Token = "x" }, Owner("a"), Row(1)));

        Assert.Equal([CommitStatus.Attached, CommitStatus.NameConflict], statuses);
        var (_, checkpoints) = (await Store.Workflows.ReadHistoryAsync("a", Cancel))!.Value;
        Assert.Equal(0, Assert.Single(checkpoints).Sequence);
    }

    [Fact]
    public async Task Checkpoints_are_written_by_the_owner_only_and_all_or_none()
    {
        await StartAsync(Direct("a"));

        var statuses = await CommitAsync(new CheckpointUnit(new Ownership("a", "stale"), [Row(0), Row(1)]), Checkpoint("a", 0, 1));

        Assert.Equal([CommitStatus.NotOwned, CommitStatus.Written], statuses);
        var histories = await Store.Claims.ReadHistoriesAsync(["a", "unknown"], Cancel);
        Assert.Equal([Row(0), Row(1)], histories["a"]);
        Assert.Empty(histories["unknown"]);
        Assert.Equal("shop", await Database.ScalarAsync("SELECT application_name FROM operation_outputs WHERE function_id = 1"));
    }

    [Fact]
    public async Task A_repeated_checkpoint_counts_as_written_and_keeps_what_stands()
    {
        await StartAsync(Direct("a"));
        await CommitAsync(Checkpoint("a", 0));

        var repeated = await CommitAsync(new CheckpointUnit(Owner("a"), [Row(0, "other")]));

        Assert.Equal([CommitStatus.Written], repeated);
        Assert.Equal([Row(0)], (await Store.Claims.ReadHistoriesAsync(["a"], Cancel))["a"]);
    }

    [Fact]
    public async Task A_whole_batch_repeated_after_a_lost_acknowledgement_is_written()
    {
        CommitUnit[] batch = [new StartUnit(Direct("a")), Checkpoint("a", 0), Checkpoint("a", 1), Success("a")];

        Assert.All(await CommitAsync(batch), status => Assert.Equal(CommitStatus.Written, status));
        Assert.All(await CommitAsync(batch), status => Assert.Equal(CommitStatus.Written, status));
        Assert.Equal([CommitStatus.NotOwned], await CommitAsync(Checkpoint("a", 2)));
    }

    [Fact]
    public async Task An_outcome_ends_the_workflow_and_clears_its_owner()
    {
        await StartAsync(Direct("a") with { Queue = "orders", DeduplicationId = "d" });
        Time.Advance(TimeSpan.FromSeconds(1));

        await CommitAsync(Success("a"));

        var row = await ReadAsync("a");
        Assert.Equal(
            (WorkflowState.Success, null, "result", null), (row.Status.State, await ReadOwnerAsync("a"), row.Output.Text, row.Error.Text));
        Assert.Equal((Time.GetUtcNow(), "orders", null), (row.Status.CompletedAt, row.Status.Queue, row.Status.DeduplicationId));
    }

    [Fact]
    public async Task An_outcome_of_a_former_owner_is_refused()
    {
        await StartAsync(Direct("a"));
        await CommitAsync(new OutcomeUnit(Owner("a"), WorkflowState.Error, null, "failure"));

        Assert.Equal([CommitStatus.NotOwned], await CommitAsync(Success("a")));
        Assert.Equal("failure", (await ReadAsync("a")).Error.Text);
    }

    [Fact]
    public async Task The_input_left_by_a_deleted_workflow_is_not_that_of_the_next_one_with_its_id()
    {
        await StartAsync(Direct("a"));
        await Database.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'a'");

        await StartAsync(Direct("a") with { Input = new("new", "portable_json") });

        Assert.Equal("new", (await ReadAsync("a")).Input.Text);
    }
}
