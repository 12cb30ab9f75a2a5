using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Reading workflows from outside their runs.</summary>
public abstract class WorkflowStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Unknown_workflow_is_null()
    {
        await using var bed = await Fixture.CreateAsync();

        Assert.Null(await bed.Store.Workflows.ReadAsync("unknown", Cancel));
        Assert.Null(await bed.Store.Workflows.ReadHistoryAsync("unknown", Cancel));
    }

    [Fact]
    public async Task Row_is_read_as_it_stands()
    {
        await using var bed = await Fixture.CreateAsync();
        var created = bed.Time.GetUtcNow();
        await EnqueueAsync(bed, A.Enqueued("w") with
        {
            Priority = 7,
            DeduplicationId = "only one",
            PartitionKey = "north",
            ParentId = "parent",
            ScheduleName = "nightly",
            TimeoutMs = 60_000,
        });
        await bed.ExecuteAsync("UPDATE workflow_status SET forked_from = 'source'");
        var started = bed.Time.GetUtcNow();
        await ClaimOneAsync(bed.Store, A.Claim("token"));

        var row = await bed.Store.Workflows.ReadAsync("w", Cancel);

        var expected = new WorkflowStatus
        {
            Id = "w",
            Name = A.Name,
            State = WorkflowState.Pending,
            Queue = A.Queue,
            PartitionKey = "north",
            DeduplicationId = "only one",
            Priority = 7,
            RecoveryAttempts = 1,
            ExecutorId = A.ExecutorId,
            ApplicationName = A.Application,
            ApplicationVersion = A.Version,
            ParentId = "parent",
            ForkedFrom = "source",
            ScheduleName = "nightly",
            Timeout = TimeSpan.FromMinutes(1),
            CreatedAt = created,
            UpdatedAt = started,
            StartedAt = started,
            Deadline = started + TimeSpan.FromMinutes(1),
        };
        Assert.Equal(expected, row!.Status);
        HasColumns(await bed.RowAsync("w"), ("owner_xid", "token"));
        Assert.Equal(new Payload("input of w", A.Native), row.Input);
        Assert.Null(row.AttributesJson);
    }

    [Fact]
    public async Task Ended_workflow_is_read_with_its_outcome()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "succeeded")));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "failed"), WorkflowState.Error));

        var succeeded = await bed.Store.Workflows.ReadAsync("succeeded", Cancel);
        var failed = await bed.Store.Workflows.ReadAsync("failed", Cancel);

        Assert.Equal(bed.Time.GetUtcNow(), succeeded!.Status.CompletedAt);
        Assert.Equal(new Payload("the output", A.Native), succeeded.Output);
        Assert.Null(succeeded.Error.Text);
        Assert.Equal(new Payload("the error", A.Native), failed!.Error);
        HasColumns(await bed.RowAsync("failed"), ("owner_xid", null));
    }

    [Fact]
    public async Task Payloads_of_old_rows_are_found_in_the_row_itself()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");
        await bed.ExecuteAsync("DELETE FROM workflow_input");
        await bed.ExecuteAsync(
            "UPDATE workflow_status SET inputs = 'old input', output = 'old output', error = 'old error', status = 'SUCCESS'");

        var row = await bed.Store.Workflows.ReadAsync("w", Cancel);
        var outcome = Assert.Single(await bed.Store.Workflows.ReadOutcomesAsync(["w"], Cancel));

        Assert.Equal(("old input", "old output", "old error"), (row!.Input.Text, row.Output.Text, row.Error.Text));
        Assert.Equal(("old output", "old error"), (outcome.Output.Text, outcome.Error.Text));
    }

    [Fact]
    public async Task Delayed_workflow_is_read_with_the_end_of_its_delay()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Start(A.Enqueued("w") with { State = WorkflowState.Delayed, DelayMs = 5_000 }));

        var status = (await bed.Store.Workflows.ReadAsync("w", Cancel))!.Status;

        Assert.Equal(WorkflowState.Delayed, status.State);
        Assert.Equal(bed.Time.GetUtcNow() + TimeSpan.FromSeconds(5), status.DelayUntil);
        Assert.False(status.Parked);
    }

    [Fact]
    public async Task History_holds_the_row_and_its_checkpoints_in_order()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, A.Checkpoints(owner, 10, 2));
        await CommitAsync(bed.Store, A.Checkpoints(owner, 0));
        await CommitAsync(bed.Store, A.Checkpoints(await RunningAsync(bed, "another"), 1));

        var history = await bed.Store.Workflows.ReadHistoryAsync("w", Cancel);

        Assert.Equal("w", history!.Value.Row.Status.Id);
        Assert.Equal([A.Checkpoint(0), A.Checkpoint(2), A.Checkpoint(10)], history.Value.Checkpoints);
    }

    [Fact]
    public async Task Outcomes_are_those_of_ended_workflows_and_the_news_that_one_does_not_exist()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "running");
        await EnqueueAsync(bed, A.Enqueued("waiting"), A.Enqueued("cancelled"));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "succeeded")));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "failed"), WorkflowState.Error));
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);

        var outcomes = await bed.Store.Workflows.ReadOutcomesAsync(
            ["running", "waiting", "succeeded", "failed", "cancelled", "unknown"], Cancel);

        Assert.Equal(
            [
                ("cancelled", WorkflowState.Cancelled, null, "native reason"),
                ("failed", WorkflowState.Error, null, "the error"),
                ("succeeded", WorkflowState.Success, "the output", null),
                ("unknown", (WorkflowState?)null, (string?)null, null),
            ],
            outcomes.OrderBy(outcome => outcome.Id).Select(
                outcome => (outcome.Id, outcome.State, outcome.Output.Text, outcome.Error.Text)));
        Assert.All(outcomes, outcome => Assert.False(outcome.DeadlinePassed));
        Assert.All(outcomes.Where(outcome => outcome.State is not null), outcome => Assert.Equal(A.Native, outcome.Output.Format));
    }

    [Fact]
    public async Task Outcomes_of_nothing_and_of_very_many_are_read()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "w")));

        var many = await bed.Store.Workflows.ReadOutcomesAsync(
            [.. Enumerable.Range(0, 5_000).Select(number => $"unknown {number}"), "w"], Cancel);

        Assert.Empty(await bed.Store.Workflows.ReadOutcomesAsync([], Cancel));
        Assert.Equal(5_001, many.Count);
    }

    [Fact]
    public async Task Cancelled_workflow_whose_deadline_had_passed_says_so()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, A.Direct("late") with { TimeoutMs = 1_000 });
        await RunningAsync(bed, A.Direct("early") with { TimeoutMs = 60_000 });
        bed.Time.Advance(TimeSpan.FromSeconds(2));
        await bed.Store.Workflows.CancelAsync(["late", "early"], false, A.CancelError, Cancel);
        bed.Time.Advance(TimeSpan.FromHours(1));

        var outcomes = await bed.Store.Workflows.ReadOutcomesAsync(["late", "early"], Cancel);

        Assert.Equal(
            [("early", false), ("late", true)],
            outcomes.OrderBy(outcome => outcome.Id).Select(outcome => (outcome.Id, outcome.DeadlinePassed)));
    }

    [Fact]
    public async Task Lost_executions_are_those_whose_row_carries_another_token_or_none()
    {
        await using var bed = await Fixture.CreateAsync();
        var kept = await RunningAsync(bed, "kept");
        var cancelled = await RunningAsync(bed, "cancelled");
        var handedOn = await RunningAsync(bed, A.Direct("handed on") with { ExecutorId = "executor-2" });
        var retaken = await RunningAsync(bed, A.Direct("retaken") with { ExecutorId = "executor-3" });
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);
        await bed.Store.Executors.HandOnAsync(A.HandOn("executor-3"), Cancel);
        await ClaimOneAsync(bed.Store, A.Claim("token"));
        await bed.Store.Executors.HandOnAsync(A.HandOn("executor-2"), Cancel);

        var lost = await bed.Store.Workflows.ReadLostAsync([kept, cancelled, handedOn, retaken, new("gone", "any")], Cancel);

        Assert.Equal(
            [
                new LostExecution("cancelled", WorkflowState.Cancelled, false),
                new LostExecution("gone", null, false),
                new LostExecution("handed on", WorkflowState.Enqueued, false),
                new LostExecution("retaken", WorkflowState.Pending, false),
            ],
            lost.OrderBy(execution => execution.WorkflowId));
        Assert.Empty(await bed.Store.Workflows.ReadLostAsync([], Cancel));
    }

    [Fact]
    public async Task Lost_execution_that_ran_out_of_time_says_so()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, A.Direct("w") with { TimeoutMs = 1_000 });
        bed.Time.Advance(TimeSpan.FromSeconds(2));
        await bed.Store.Workflows.CancelExpiredAsync(A.Application, 10, A.CancelError, Cancel);

        Assert.Equal(
            new LostExecution("w", WorkflowState.Cancelled, DeadlinePassed: true),
            Assert.Single(await bed.Store.Workflows.ReadLostAsync([owner], Cancel)));
    }

    [Fact]
    public async Task Lost_execution_that_was_cancelled_in_time_did_not_run_out_of_it()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, A.Direct("w") with { TimeoutMs = 1_000 });
        await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);
        bed.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(
            new LostExecution("w", WorkflowState.Cancelled, DeadlinePassed: false),
            Assert.Single(await bed.Store.Workflows.ReadLostAsync([owner], Cancel)));
    }
}
