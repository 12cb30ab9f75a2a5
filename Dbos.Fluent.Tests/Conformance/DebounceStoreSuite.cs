using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Debouncing: of the calls of one key until the workflow starts, the last one's input counts.</summary>
public abstract class DebounceStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private const string Key = "checkout-key";

    [Fact]
    public async Task First_call_makes_a_delayed_workflow_that_holds_the_key()
    {
        await using var bed = await Fixture.CreateAsync();
        var now = bed.Time.NowMs;

        var result = await CommitAsync(bed.Store, Call("w", atMostMs: 60_000));

        Assert.Equal(new CommitResult(CommitStatus.Written, CreatedAtMs: now), result);
        HasColumns(
            await bed.RowAsync("w"),
            ("status", "DELAYED"),
            ("queue_name", A.Queue),
            ("deduplication_id", Key),
            ("is_debounced", 1),
            ("delay_until_epoch_ms", now + 5_000),
            ("debounce_deadline_epoch_ms", now + 60_000),
            ("creator_xid", "creator of w"),
            ("owner_xid", null),
            ("created_at", now));
        HasColumns(await bed.RowAsync("w", "workflow_input"), ("inputs", "input of w"));
    }

    [Fact]
    public async Task Further_call_moves_the_start_and_replaces_the_input()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, Call("first"));
        bed.Time.Advance(TimeSpan.FromSeconds(3));

        var result = await CommitAsync(bed.Store, Call("second", input: new Payload("newer", A.Portable)));

        Assert.Equal(CommitStatus.Attached, result.Status);
        Assert.Equal(new ExistingWorkflow("first", A.Name, WorkflowState.Delayed), result.Existing);
        HasColumns(
            await bed.RowAsync("first"),
            ("delay_until_epoch_ms", bed.Time.NowMs + 5_000),
            ("updated_at", bed.Time.NowMs),
            ("serialization", A.Portable),
            ("creator_xid", "creator of first"),
            ("debounce_deadline_epoch_ms", null));
        HasColumns(await bed.RowAsync("first", "workflow_input"), ("inputs", "newer"));
        Assert.Equal(1, await bed.CountAsync("workflow_status"));
        Assert.Equal(1, await bed.CountAsync("workflow_input"));
    }

    [Fact]
    public async Task Version_of_the_latest_call_counts_as_its_input_does()
    {
        await using var bed = await Fixture.CreateAsync();
        var second = Call("second");
        await CommitAsync(bed.Store, Call("first"));

        await CommitAsync(bed.Store, second with { Row = second.Row with { ApplicationVersion = "v2" } });
        HasColumns(await bed.RowAsync("first"), ("application_version", "v2"));
        await CommitAsync(bed.Store, second with { Row = second.Row with { ApplicationVersion = null } });

        HasColumns(await bed.RowAsync("first"), ("application_version", null));
    }

    [Fact]
    public async Task Start_is_the_child_of_its_only_caller_and_nobodys_once_another_has_called()
    {
        await using var bed = await Fixture.CreateAsync();
        var (one, other) = (await RunningAsync(bed, "one"), await RunningAsync(bed, "other"));

        await CommitAsync(bed.Store, Step(one, 3, Call("one-3")));
        await CommitAsync(bed.Store, Step(one, 4, Call("one-4")));
        HasColumns(await bed.RowAsync("one-3"), ("parent_workflow_id", "one"));
        await CommitAsync(bed.Store, Step(other, 3, Call("other-3")));
        HasColumns(await bed.RowAsync("one-3"), ("parent_workflow_id", null));
        await CommitAsync(bed.Store, Step(one, 5, Call("one-5")));

        HasColumns(await bed.RowAsync("one-3"), ("parent_workflow_id", null));
        await bed.Store.Workflows.CancelAsync(["one"], true, A.CancelError, Cancel);
        HasColumns(await bed.RowAsync("one-3"), ("status", "DELAYED"));
    }

    [Fact]
    public async Task Start_is_not_moved_beyond_the_limit_of_the_first_call()
    {
        await using var bed = await Fixture.CreateAsync();
        var now = bed.Time.NowMs;

        await CommitAsync(bed.Store, Call("first", periodMs: 60_000, atMostMs: 2_000));
        HasColumns(await bed.RowAsync("first"), ("delay_until_epoch_ms", now + 2_000));
        bed.Time.Advance(TimeSpan.FromMilliseconds(500));
        await CommitAsync(bed.Store, Call("second", periodMs: 1_000, atMostMs: 90_000));
        HasColumns(await bed.RowAsync("first"), ("delay_until_epoch_ms", now + 1_500), ("debounce_deadline_epoch_ms", now + 2_000));
        await CommitAsync(bed.Store, Call("third", periodMs: 60_000));

        HasColumns(await bed.RowAsync("first"), ("delay_until_epoch_ms", now + 2_000), ("debounce_deadline_epoch_ms", now + 2_000));
    }

    [Fact]
    public async Task Keys_and_queues_are_apart()
    {
        await using var bed = await Fixture.CreateAsync();
        var other = Call("other key");
        var queue = Call("other queue");

        var statuses = await StatusesAsync(
            bed.Store,
            Call("w"),
            other with { Row = other.Row with { DeduplicationId = "checkout-other" } },
            queue with { Row = queue.Row with { Queue = A.InternalQueue } });

        Assert.All(statuses, status => Assert.Equal(CommitStatus.Written, status));
    }

    [Fact]
    public async Task Call_after_the_release_begins_another_workflow()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, Call("first"));
        bed.Time.Advance(TimeSpan.FromSeconds(5));
        await bed.Store.Queues.ReleaseDelayedAsync(A.Application, 10, Cancel);

        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, Call("second"))).Status);

        HasColumns(await bed.RowAsync("first", "workflow_input"), ("inputs", "input of first"));
        HasColumns(await bed.RowAsync("second"), ("status", "DELAYED"), ("deduplication_id", Key));
    }

    [Fact]
    public async Task Call_after_a_cancel_begins_another_workflow()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, Call("first"));
        await bed.Store.Workflows.CancelAsync(["first"], false, A.CancelError, Cancel);

        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, Call("second"))).Status);
    }

    [Fact]
    public async Task Holder_of_the_key_that_is_not_debounced_refuses_the_call()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Start(Queueing.Delayed("holder") with { DeduplicationId = Key }));
        var before = await bed.DumpAsync();

        var result = await CommitAsync(bed.Store, Call("w"));

        Assert.Equal(CommitStatus.Deduplicated, result.Status);
        Assert.Equal("holder", result.Existing!.Id);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Id_that_is_pinned_is_moved_by_its_own_key_and_refused_to_another()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, Call("pinned"));
        await RunningAsync(bed, "running");
        var again = Call("pinned");
        var same = await CommitAsync(bed.Store, again with { Row = again.Row with { Token = "another" } });
        var before = await bed.DumpAsync();

        var elsewhere = Call("running");
        elsewhere = elsewhere with { Row = elsewhere.Row with { DeduplicationId = "checkout-other" } };
        var statuses = await StatusesAsync(bed.Store, elsewhere, elsewhere with { Row = elsewhere.Row with { Name = "refund" } });

        Assert.Equal((CommitStatus.Attached, "pinned"), (same.Status, same.Existing!.Id));
        Assert.Equal([CommitStatus.IdInUse, CommitStatus.NameConflict], statuses);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Repeated_first_call_whose_acknowledgement_was_lost_counts_as_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var first = await CommitAsync(bed.Store, Call("w"));
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(first, await CommitAsync(bed.Store, Call("w")));
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Repeated_first_call_counts_as_written_though_the_workflow_has_started_since()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, Call("w"));
        bed.Time.Advance(TimeSpan.FromSeconds(5));
        await bed.Store.Queues.ReleaseDelayedAsync(A.Application, 10, Cancel);
        var before = await bed.DumpAsync();

        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, Call("w"))).Status);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Call_of_a_workflow_is_one_with_its_checkpoint()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");

        var first = await CommitAsync(bed.Store, Step(parent, 3, Call("parent-3")));
        var second = await CommitAsync(bed.Store, Step(parent, 4, Call("parent-4")));

        Assert.Equal((CommitStatus.Written, CommitStatus.Attached), (first.Status, second.Status));
        var history = await bed.Store.Workflows.ReadHistoryAsync("parent", Cancel);
        Assert.Equal(
            [(3, "parent-3"), (4, "parent-3")], history!.Value.Checkpoints.Select(checkpoint => (checkpoint.Sequence, checkpoint.ChildId)));
        Assert.Equal(2, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Former_owner_neither_starts_nor_moves_anything()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        await CommitAsync(bed.Store, Call("w"));
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        var moved = await CommitAsync(bed.Store, Step(parent with { Token = "stale" }, 3, Call("parent-3")));

        Assert.Equal(CommitStatus.NotOwned, moved.Status);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Repeated_step_moves_nothing_again_and_names_the_id_that_it_holds()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        await CommitAsync(bed.Store, Call("w"));
        var step = Step(parent, 3, Call("parent-3"));
        await CommitAsync(bed.Store, step);
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        var owned = await CommitAsync(bed.Store, step);
        await bed.Store.Workflows.CancelAsync(["parent"], false, A.CancelError, Cancel);
        var lost = await CommitAsync(bed.Store, step);

        Assert.All([owned, lost], result => Assert.Equal((CommitStatus.Attached, "w"), (result.Status, result.Existing?.Id)));
        Assert.Equal((false, true), (owned.ParentMovedOn, lost.ParentMovedOn));
        HasColumns(await bed.RowAsync("w"), ("delay_until_epoch_ms", bed.Time.NowMs - 1_000 + 5_000));
        Assert.Equal(1, await bed.CountAsync("operation_outputs"));
    }

    [Fact]
    public async Task Repeated_step_reports_a_workflow_that_was_deleted_since_as_it_was()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        var (making, moving) = (Step(parent, 3, Call("parent-3")), Step(parent, 4, Call("parent-4")));
        await StatusesAsync(bed.Store, making, moving);
        await bed.Store.Management.DeleteAsync(["parent-3"], false, Cancel);

        Assert.Equal(new CommitResult(CommitStatus.Written), await CommitAsync(bed.Store, making));
        Assert.Equal(
            new CommitResult(CommitStatus.Attached, new ExistingWorkflow("parent-3", A.Name, WorkflowState.Delayed)),
            await CommitAsync(bed.Store, moving));
        Assert.Equal(1, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Refused_step_leaves_no_checkpoint()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        await CommitAsync(bed.Store, A.Start(A.Enqueued("holder") with { DeduplicationId = Key }));

        Assert.Equal(CommitStatus.Deduplicated, (await CommitAsync(bed.Store, Step(parent, 3, Call("parent-3")))).Status);
        Assert.Equal(0, await bed.CountAsync("operation_outputs"));
    }

    [Fact]
    public async Task Of_many_calls_at_once_one_begins_and_the_others_move_it()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open()];

        for (var race = 0; race < 100; race++)
        {
            var statuses = await Task.WhenAll(stores.Select(async (store, index) =>
            {
                var call = Call($"w{race} of {index}");
                var unit = call with { Row = call.Row with { DeduplicationId = $"checkout-{race}" } };
                return (await store.Commits.CommitWaitingAsync(unit, Cancel)).Status;
            })).Within(Bounded.Limit);
            Assert.Equal([CommitStatus.Written, CommitStatus.Attached], statuses.Order());
        }

        Assert.Equal(100, await bed.CountAsync("workflow_status"));
    }

    private static DebounceUnit Call(string id, long periodMs = 5_000, long? atMostMs = null, Payload? input = null)
    {
        var row = Queueing.Delayed(id, periodMs) with { DeduplicationId = Key };
        return new DebounceUnit(input is { } given ? row with { Input = given } : row, atMostMs);
    }

    private static DebounceUnit Step(Ownership parent, int sequence, DebounceUnit call) => call with
    {
        Row = call.Row with { ParentId = parent.WorkflowId },
        Parent = parent,
        ParentCheckpoint = A.Checkpoint(sequence, "DBOS.debounceDelayedWorkflow") with { Output = null, Format = null },
    };
}
