using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// What running workflows write: checkpoints and outcomes, in batches, each unit whole or not at all, and only while the row carries its
/// token.
/// </summary>
public abstract class CommitStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Empty_batch_is_nothing()
    {
        await using var bed = await Fixture.CreateAsync();

        Assert.Empty(await bed.Store.Commits.CommitAsync([], Cancel));
    }

    [Fact]
    public async Task Checkpoint_is_stored_whole()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var row = new CheckpointRow(4, "send 'mail'", 123, 456)
        {
            Output = "out \U0001F4E7",
            Format = A.Portable,
            ChildId = "child",
        };

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, new CheckpointUnit(owner, [row])));

        Assert.Equal(row, Assert.Single((await bed.Store.Workflows.ReadHistoryAsync("w", Cancel))!.Value.Checkpoints));
        HasColumns(await bed.RowAsync("w", "operation_outputs"), ("application_name", A.Application));
    }

    [Fact]
    public async Task Failed_step_without_result_or_times_is_stored_with_nulls()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var row = new CheckpointRow(0, "charge", null, null) { Error = "the error", Format = A.Native };

        await CommitAsync(bed.Store, new CheckpointUnit(owner, [row]));

        Assert.Equal(row, Assert.Single((await bed.Store.Workflows.ReadHistoryAsync("w", Cancel))!.Value.Checkpoints));
    }

    [Fact]
    public async Task Rows_of_one_unit_are_written_together()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, A.Checkpoints(owner, 0, 1, 2)));

        await HasSequencesAsync(bed, "w", 0, 1, 2);
    }

    [Fact]
    public async Task Large_payload_comes_back()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var row = A.Checkpoint(0) with { Output = new string('ü', 3_000_000) };

        await CommitAsync(bed.Store, new CheckpointUnit(owner, [row]));

        Assert.Equal(row, Assert.Single((await bed.Store.Workflows.ReadHistoryAsync("w", Cancel))!.Value.Checkpoints));
    }

    [Fact]
    public async Task Unit_with_another_token_is_not_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var before = await bed.DumpAsync();

        var alone = await CommitAsync(bed.Store, A.Checkpoints(owner with { Token = "stale" }, 0, 1));
        var together = await StatusesAsync(
            bed.Store,
            A.Checkpoints(owner with { Token = "stale" }, 0, 1),
            A.Outcome(owner with { Token = "stale" }),
            A.Checkpoints(new Ownership("unknown", "any"), 0),
            A.Outcome(new Ownership("unknown", "any")));

        Assert.Equal(CommitResult.NotOwned, alone);
        Assert.All(together, status => Assert.Equal(CommitStatus.NotOwned, status));
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Cancelled_handed_on_and_deleted_workflows_are_not_owned()
    {
        await using var bed = await Fixture.CreateAsync();
        var cancelled = await RunningAsync(bed, "cancelled");
        var handedOn = await RunningAsync(bed, A.Direct("handed on") with { ExecutorId = "executor-2" });
        var deleted = await RunningAsync(bed, "deleted");
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);
        await bed.Store.Executors.HandOnAsync(A.HandOn("executor-2"), Cancel);
        await bed.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'deleted'");

        var statuses = await StatusesAsync(bed.Store, A.Checkpoints(cancelled, 0), A.Outcome(handedOn), A.Checkpoints(deleted, 0));

        Assert.Equal([CommitStatus.NotOwned, CommitStatus.NotOwned, CommitStatus.NotOwned], statuses);
        Assert.Equal(0, await bed.CountAsync("operation_outputs"));
        HasColumns(await bed.RowAsync("cancelled"), ("status", "CANCELLED"));
        HasColumns(await bed.RowAsync("handed on"), ("status", "ENQUEUED"));
    }

    [Fact]
    public async Task Units_that_are_not_owned_hold_up_nobody()
    {
        await using var bed = await Fixture.CreateAsync();
        var first = await RunningAsync(bed, "first");
        var second = await RunningAsync(bed, "second");

        var statuses = await StatusesAsync(
            bed.Store,
            A.Checkpoints(first with { Token = "stale" }, 0),
            A.Checkpoints(second, 0),
            A.Checkpoints(first, 1),
            A.Start(A.Direct("third")));

        Assert.Equal([CommitStatus.NotOwned, CommitStatus.Written, CommitStatus.Written, CommitStatus.Written], statuses);
        await HasSequencesAsync(bed, "first", 1);
        await HasSequencesAsync(bed, "second", 0);
    }

    [Fact]
    public async Task Units_of_one_workflow_are_applied_in_the_order_given()
    {
        await using var bed = await Fixture.CreateAsync();
        var first = await RunningAsync(bed, "first");
        var second = await RunningAsync(bed, "second");

        var inOrder = await StatusesAsync(bed.Store, A.Checkpoints(first, 0), A.Checkpoints(first, 1, 2), A.Outcome(first));
        var outcomeFirst = await StatusesAsync(bed.Store, A.Checkpoints(second, 0), A.Outcome(second), A.Checkpoints(second, 1));

        Assert.Equal([CommitStatus.Written, CommitStatus.Written, CommitStatus.Written], inOrder);
        Assert.Equal([CommitStatus.Written, CommitStatus.Written, CommitStatus.NotOwned], outcomeFirst);
        await HasSequencesAsync(bed, "second", 0);
    }

    [Fact]
    public async Task Start_checkpoint_and_outcome_of_one_workflow_go_in_one_batch()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = new Ownership("w", "token of w");

        var statuses = await StatusesAsync(bed.Store, A.Start(A.Direct("w")), A.Checkpoints(owner, 0), A.Outcome(owner));

        Assert.Equal([CommitStatus.Written, CommitStatus.Written, CommitStatus.Written], statuses);
        HasColumns(await bed.RowAsync("w"), ("status", "SUCCESS"));
    }

    [Fact]
    public async Task Mixed_batch_of_many_workflows_is_answered_unit_by_unit()
    {
        await using var bed = await Fixture.CreateAsync();
        var owners = new List<Ownership>();
        foreach (var start in Enumerable.Range(0, 100).Select(number => A.Direct($"w{number}")))
        {
            owners.Add(await RunningAsync(bed, start));
        }

        var units = owners.Index().Select(owner => (owner.Index % 4) switch
        {
            0 => A.Checkpoints(owner.Item, 0),
            1 => A.Outcome(owner.Item),
            2 => A.Checkpoints(owner.Item with { Token = "stale" }, 0),
            _ => (CommitUnit)A.Child(owner.Item, 0, A.Direct($"child{owner.Index}")),
        });
        var statuses = await StatusesAsync(bed.Store, [.. units]);

        Assert.All(statuses.Index(), each => Assert.Equal(each.Index % 4 == 2 ? CommitStatus.NotOwned : CommitStatus.Written, each.Item));
        Assert.Equal(50, await bed.CountAsync("operation_outputs"));
        Assert.Equal(25, await bed.CountAsync("workflow_output"));
    }

    [Fact]
    public async Task Repeated_checkpoint_whose_acknowledgement_was_lost_counts_as_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await StatusesAsync(bed.Store, A.Checkpoints(owner, 0), A.Checkpoints(owner, 1));
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Written], await StatusesAsync(bed.Store, A.Checkpoints(owner, 0), A.Checkpoints(owner, 1)));
        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, A.Checkpoints(owner, 0)));
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Repeated_checkpoint_counts_as_written_though_the_row_was_taken_away_since()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, A.Checkpoints(owner, 0, 1));
        await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);

        Assert.Equal(CommitResult.Written with { MovedOn = true }, await CommitAsync(bed.Store, A.Checkpoints(owner, 0, 1)));
        Assert.Equal(
            [CommitStatus.NotOwned, CommitStatus.Written],
            await StatusesAsync(bed.Store, A.Checkpoints(owner, 1, 2), A.Checkpoints(owner, 0)));
        await HasSequencesAsync(bed, "w", 0, 1);
    }

    [Theory]
    [InlineData("SUCCESS", "the output", null)]
    [InlineData("ERROR", null, "the error")]
    public async Task Outcome_ends_the_workflow_and_lets_go_of_it(string state, string? output, string? error)
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, A.Direct("w") with { Queue = A.Queue, DeduplicationId = "only one", TimeoutMs = 60_000 });
        var deadline = bed.Time.NowMs + 60_000;
        bed.Time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, A.Outcome(owner, WorkflowStates.Parse(state))));

        HasColumns(
            await bed.RowAsync("w"),
            ("status", state),
            ("owner_xid", null),
            ("deduplication_id", null),
            ("completed_at", bed.Time.NowMs),
            ("updated_at", bed.Time.NowMs),
            ("queue_name", A.Queue),
            ("executor_id", A.ExecutorId),
            ("recovery_attempts", 1),
            ("workflow_deadline_epoch_ms", deadline),
            ("creator_xid", "token of w"),
            ("output", null),
            ("error", null));
        HasColumns(
            await bed.RowAsync("w", "workflow_output"), ("output", output), ("error", error), ("retention_timestamp", bed.Time.NowMs));
    }

    [Fact]
    public async Task Outcome_replaces_one_left_from_before_a_resume()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await bed.ExecuteAsync(
            "INSERT INTO workflow_output (workflow_uuid, output, error, retention_timestamp) VALUES ('w', NULL, 'cancelled', 1)");

        await CommitAsync(bed.Store, A.Outcome(owner));

        HasColumns(
            await bed.RowAsync("w", "workflow_output"), ("output", "the output"), ("error", null), ("retention_timestamp", bed.Time.NowMs));
    }

    [Fact]
    public async Task Repeated_outcome_whose_acknowledgement_was_lost_counts_as_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var first = await RunningAsync(bed, "first");
        var second = await RunningAsync(bed, "second");
        CommitUnit[] batch =
        [
            A.Checkpoints(first, 0),
            A.Outcome(first),
            A.Child(second, 0, A.Direct("child")),
            A.Outcome(second, WorkflowState.Error),
        ];
        await StatusesAsync(bed.Store, batch);
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.All(await StatusesAsync(bed.Store, batch), status => Assert.Equal(CommitStatus.Written, status));
        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, batch[1])).Status);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Outcome_that_differs_from_the_one_that_stands_is_not_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, A.Outcome(owner));
        var before = await bed.DumpAsync();

        var statuses = await StatusesAsync(
            bed.Store, A.Outcome(owner, WorkflowState.Error), A.Outcome(owner) with { Output = "another output" });

        Assert.Equal([CommitStatus.NotOwned, CommitStatus.NotOwned], statuses);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Waiting_commit_is_written_once_the_lock_is_gone()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        CommitUnit[] units = [A.Checkpoints(owner, 0), A.Child(owner, 1, A.Direct("child")), A.Outcome(owner)];

        foreach (var unit in units)
        {
            var hold = await bed.HoldAsync("w");
            var waiting = bed.Store.Commits.CommitWaitingAsync(unit, Cancel).AsTask();
            Assert.False(waiting.IsCompleted);
            await hold.DisposeAsync();
            Assert.Equal(CommitStatus.Written, (await waiting.Within(Bounded.Limit)).Status);
        }

        HasColumns(await bed.RowAsync("w"), ("status", "SUCCESS"));
    }

    [Fact]
    public async Task Waiting_commit_sees_what_the_holder_of_the_lock_did()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await using (await bed.HoldAsync("w"))
        {
            Assert.NotNull(await bed.Store.Workflows.ReadAsync("w", Cancel));
        }

        await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);

        Assert.Equal(CommitResult.NotOwned, await bed.Store.Commits.CommitWaitingAsync(A.Checkpoints(owner, 0), Cancel));
    }

    [Fact]
    public async Task Waiting_commit_is_given_up_after_the_command_timeout_and_may_be_repeated()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var hasty = bed.Open(TimeSpan.FromSeconds(1));

        await using (await bed.HoldAsync("w"))
        {
            var error = await Assert.ThrowsAsync<StoreUnavailableException>(
                () => hasty.Commits.CommitWaitingAsync(A.Checkpoints(owner, 0), Cancel).Within(Bounded.Limit));
            Assert.Equal("DBOS3001", error.Code);
        }

        Assert.Equal(CommitResult.Written, await hasty.Commits.CommitWaitingAsync(A.Checkpoints(owner, 0), Cancel));
    }

    [Fact]
    public async Task Text_that_the_database_cannot_hold_is_refused_or_written_and_holds_up_nobody()
    {
        await using var bed = await Fixture.CreateAsync();
        var odd = await RunningAsync(bed, "odd");
        var plain = await RunningAsync(bed, "plain");
        var unit = new CheckpointUnit(odd, [A.Checkpoint(0) with { Output = "a\0b" }]);

        var statuses = await StatusesAsync(bed.Store, A.Checkpoints(plain, 0), unit, A.Outcome(plain));

        Assert.Equal([CommitStatus.Written, CommitStatus.Written], [statuses[0], statuses[2]]);
        if (statuses[1] == CommitStatus.Written)
        {
            Assert.Equal(unit.Rows, (await bed.Store.Workflows.ReadHistoryAsync("odd", Cancel))!.Value.Checkpoints);
        }
        else
        {
            Assert.Equal(CommitStatus.Refused, statuses[1]);
            await HasSequencesAsync(bed, "odd");
            HasColumns(await bed.RowAsync("odd"), ("status", "PENDING"), ("owner_xid", "token of odd"));
        }
    }

    [Fact]
    public async Task Cancelled_call_is_an_operation_cancelled()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => bed.Store.Commits.CommitAsync([A.Checkpoints(owner, 0)], new CancellationToken(canceled: true)).AsTask());
    }

    private static async Task HasSequencesAsync(StoreBed bed, string workflowId, params int[] expected)
    {
        var history = await bed.Store.Workflows.ReadHistoryAsync(workflowId, Cancel);
        Assert.Equal(expected, history!.Value.Checkpoints.Select(checkpoint => checkpoint.Sequence));
    }
}
