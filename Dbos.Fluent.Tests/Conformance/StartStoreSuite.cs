using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Starting workflows through <see cref="ICommitStore"/>: a start makes the whole row or attaches to what is there.</summary>
public abstract class StartStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Direct_start_makes_a_row_that_its_token_owns()
    {
        await using var bed = await Fixture.CreateAsync();

        var result = await CommitAsync(bed.Store, A.Start(A.Direct("w")));

        Assert.Equal(new CommitResult(CommitStatus.Written, CreatedAtMs: bed.Time.NowMs), result);
        HasColumns(
            await bed.RowAsync("w"),
            ("status", "PENDING"),
            ("name", A.Name),
            ("executor_id", A.ExecutorId),
            ("application_name", A.Application),
            ("application_version", A.Version),
            ("owner_xid", "token of w"),
            ("creator_xid", "token of w"),
            ("recovery_attempts", 1),
            ("created_at", bed.Time.NowMs),
            ("updated_at", bed.Time.NowMs),
            ("serialization", A.Native),
            ("priority", 0));
    }

    [Fact]
    public async Task Direct_start_leaves_what_it_has_not_got_null()
    {
        await using var bed = await Fixture.CreateAsync();

        await RunningAsync(bed, "w");

        string[] columns =
        [
            "class_name", "config_name", "inputs", "output", "error", "queue_name", "queue_partition_key", "deduplication_id",
            "started_at_epoch_ms", "completed_at", "workflow_timeout_ms", "workflow_deadline_epoch_ms", "delay_until_epoch_ms",
            "parent_workflow_id", "forked_from", "attributes", "schedule_name",
        ];
        HasColumns(await bed.RowAsync("w"), [.. columns.Select(column => (column, (object?)null))]);
    }

    [Fact]
    public async Task Input_is_written_with_the_row()
    {
        await using var bed = await Fixture.CreateAsync();

        await RunningAsync(
            bed, A.Direct("w") with { Input = new Payload("an 'input' with \"quotes\", ünïcode and \U0001F600", A.Portable) });

        HasColumns(await bed.RowAsync("w", "workflow_input"), ("inputs", "an 'input' with \"quotes\", ünïcode and \U0001F600"));
        HasColumns(await bed.RowAsync("w"), ("serialization", A.Portable));
    }

    [Fact]
    public async Task Enqueued_workflow_is_owned_by_nobody()
    {
        await using var bed = await Fixture.CreateAsync();

        await EnqueueAsync(bed, A.Enqueued("w"));

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "ENQUEUED"),
            ("queue_name", A.Queue),
            ("owner_xid", null),
            ("creator_xid", "creator of w"),
            ("executor_id", null),
            ("recovery_attempts", 0));
    }

    [Fact]
    public async Task Delayed_workflow_is_due_after_its_delay()
    {
        await using var bed = await Fixture.CreateAsync();

        await CommitAsync(bed.Store, A.Start(A.Enqueued("w") with { State = WorkflowState.Delayed, DelayMs = 5_000 }));

        HasColumns(await bed.RowAsync("w"), ("status", "DELAYED"), ("delay_until_epoch_ms", bed.Time.NowMs + 5_000), ("owner_xid", null));
    }

    [Fact]
    public async Task Everything_a_start_gives_is_stored()
    {
        await using var bed = await Fixture.CreateAsync();

        await EnqueueAsync(bed, A.Enqueued("w") with
        {
            Priority = 7,
            DeduplicationId = "only one",
            PartitionKey = "north",
            ParentId = "somebody",
            ScheduleName = "nightly",
            ApplicationVersion = null,
        });

        HasColumns(
            await bed.RowAsync("w"),
            ("priority", 7),
            ("deduplication_id", "only one"),
            ("queue_partition_key", "north"),
            ("parent_workflow_id", "somebody"),
            ("schedule_name", "nightly"),
            ("application_version", null));
    }

    [Fact]
    public async Task Attributes_come_back_as_the_JSON_they_were()
    {
        await using var bed = await Fixture.CreateAsync();

        await RunningAsync(bed, A.Direct("w") with { AttributesJson = """{"tenant":"acme","size":3}""" });

        var read = await bed.Store.Workflows.ReadAsync("w", Cancel);
        var attributes = System.Text.Json.JsonDocument.Parse(read!.AttributesJson!).RootElement;
        Assert.Equal("acme", attributes.GetProperty("tenant").GetString());
        Assert.Equal(3, attributes.GetProperty("size").GetInt32());
    }

    [Fact]
    public async Task Direct_start_gets_its_deadline_at_once()
    {
        await using var bed = await Fixture.CreateAsync();

        var result = await CommitAsync(bed.Store, A.Start(A.Direct("w") with { TimeoutMs = 60_000 }));

        Assert.Equal(bed.Time.NowMs + 60_000, result.DeadlineMs);
        HasColumns(await bed.RowAsync("w"), ("workflow_timeout_ms", 60_000), ("workflow_deadline_epoch_ms", bed.Time.NowMs + 60_000));
    }

    [Fact]
    public async Task Enqueued_workflow_gets_no_deadline_yet()
    {
        await using var bed = await Fixture.CreateAsync();

        var result = await CommitAsync(bed.Store, A.Start(A.Enqueued("w") with { TimeoutMs = 60_000 }));

        Assert.Null(result.DeadlineMs);
        HasColumns(await bed.RowAsync("w"), ("workflow_timeout_ms", 60_000), ("workflow_deadline_epoch_ms", null));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Inherited_deadline_stands_whatever_the_timeout_says(bool direct)
    {
        await using var bed = await Fixture.CreateAsync();
        var row = direct ? A.Direct("w") : A.Enqueued("w");

        var result = await CommitAsync(bed.Store, A.Start(row with { TimeoutMs = 60_000, DeadlineMs = 4_711 }));

        Assert.Equal(4_711, result.DeadlineMs);
        HasColumns(await bed.RowAsync("w"), ("workflow_deadline_epoch_ms", 4_711));
    }

    [Fact]
    public async Task Repeated_start_whose_acknowledgement_was_lost_is_the_one_that_stands()
    {
        await using var bed = await Fixture.CreateAsync();
        var unit = A.Start(A.Direct("w") with { TimeoutMs = 60_000 });
        var first = await CommitAsync(bed.Store, unit);
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        var repeated = await CommitAsync(bed.Open(), unit with { RejectExisting = true });

        Assert.Equal(first, repeated);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Start_of_an_existing_id_attaches_and_changes_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(5));

        var second = A.Enqueued("w") with { Input = new Payload("another input", A.Portable), Priority = 3 };
        var result = await CommitAsync(bed.Store, A.Start(second));

        Assert.Equal(CommitStatus.Attached, result.Status);
        Assert.Equal(new ExistingWorkflow("w", A.Name, WorkflowState.Pending), result.Existing);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Start_attaches_to_a_workflow_that_has_ended()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "w"), WorkflowState.Error));

        var result = await CommitAsync(bed.Store, A.Start(A.Direct("w") with { Token = "another" }));

        Assert.Equal(CommitStatus.Attached, result.Status);
        Assert.Equal(WorkflowState.Error, result.Existing!.State);
    }

    [Fact]
    public async Task Start_under_another_name_is_a_conflict_and_writes_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");
        var before = await bed.DumpAsync();

        var result = await CommitAsync(bed.Store, A.Start(A.Direct("w") with { Name = "refund", Token = "another" }));

        Assert.Equal(CommitStatus.NameConflict, result.Status);
        Assert.Equal(A.Name, result.Existing!.Name);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Start_that_rejects_existing_ids_is_told_of_one()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");
        var before = await bed.DumpAsync();

        var result = await CommitAsync(bed.Store, A.Start(A.Direct("w") with { Token = "another" }) with { RejectExisting = true });

        Assert.Equal(CommitStatus.IdInUse, result.Status);
        Assert.Equal(new ExistingWorkflow("w", A.Name, WorkflowState.Pending), result.Existing);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Deduplication_id_is_held_on_its_queue()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("first") with { DeduplicationId = "only one" });
        var before = await bed.DumpAsync();

        var result = await CommitAsync(bed.Store, A.Start(A.Enqueued("second") with { DeduplicationId = "only one" }));

        Assert.Equal(CommitStatus.Deduplicated, result.Status);
        Assert.Equal(new ExistingWorkflow("first", A.Name, WorkflowState.Enqueued), result.Existing);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Deduplication_id_is_no_obstacle_on_another_queue_or_to_its_holder()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("first") with { DeduplicationId = "only one" });

        var statuses = await StatusesAsync(
            bed.Store,
            A.Start(A.Enqueued("second") with { DeduplicationId = "only one", Queue = "another line" }),
            A.Start(A.Enqueued("first") with { DeduplicationId = "only one", Token = "another" }));

        Assert.Equal([CommitStatus.Written, CommitStatus.Attached], statuses);
    }

    [Fact]
    public async Task Deduplication_id_is_free_once_its_holder_has_ended_or_was_cancelled()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(
            bed.Store, A.Outcome(await RunningAsync(bed, A.Direct("ended") with { Queue = A.Queue, DeduplicationId = "one" })));
        await EnqueueAsync(bed, A.Enqueued("cancelled") with { DeduplicationId = "two" });
        await bed.Store.Workflows.CancelAsync(["cancelled"], false, A.CancelError, Cancel);

        var statuses = await StatusesAsync(
            bed.Store,
            A.Start(A.Enqueued("third") with { DeduplicationId = "one" }),
            A.Start(A.Enqueued("fourth") with { DeduplicationId = "two" }));

        Assert.Equal([CommitStatus.Written, CommitStatus.Written], statuses);
    }

    [Fact]
    public async Task Starts_of_one_batch_see_each_other()
    {
        await using var bed = await Fixture.CreateAsync();

        var statuses = await StatusesAsync(
            bed.Store,
            A.Start(A.Enqueued("a") with { DeduplicationId = "only one" }),
            A.Start(A.Enqueued("b") with { DeduplicationId = "only one" }),
            A.Start(A.Enqueued("a") with { Token = "another" }),
            A.Start(A.Enqueued("a") with { Token = "a third", Name = "refund" }),
            A.Start(A.Enqueued("c")));

        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Deduplicated, CommitStatus.Attached, CommitStatus.NameConflict, CommitStatus.Written],
            statuses);
    }

    [Fact]
    public async Task Large_batch_of_starts_is_answered_in_its_order()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w150");

        var results = await bed.Store.Commits.CommitAsync(
            [.. Enumerable.Range(0, 300).Select(number => A.Start(A.Direct($"w{number}") with { Token = $"token {number}" }))], Cancel);

        Assert.Equal(300, results.Count);
        Assert.Equal([150], results.Index().Where(result => result.Item.Status == CommitStatus.Attached).Select(result => result.Index));
        Assert.Equal(299, results.Count(result => result.Status == CommitStatus.Written));
        Assert.Equal(300, await bed.CountAsync("workflow_input"));
    }

    [Fact]
    public async Task Input_left_by_a_deleted_workflow_does_not_become_the_new_ones()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.ExecuteAsync("INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp) VALUES ('w', 'stale', 1)");

        await RunningAsync(bed, "w");

        HasColumns(await bed.RowAsync("w", "workflow_input"), ("inputs", "input of w"));
    }
}
