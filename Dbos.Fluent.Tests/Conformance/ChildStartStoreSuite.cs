using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Starting children: the child's row, its input and the parent's checkpoint that names it are one.</summary>
public abstract class ChildStartStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Child_is_started_together_with_its_parents_checkpoint()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");

        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, A.Child(parent, 3, A.Direct("child")))).Status);

        HasColumns(await bed.RowAsync("child"), ("status", "PENDING"), ("parent_workflow_id", "parent"), ("owner_xid", "token of child"));
        HasColumns(
            await bed.RowAsync("parent", "operation_outputs"),
            ("function_id", 3),
            ("function_name", A.Name),
            ("child_workflow_id", "child"),
            ("output", null),
            ("serialization", null),
            ("application_name", A.Application));
    }

    [Fact]
    public async Task Neither_child_nor_checkpoint_is_written_for_a_parent_that_is_not_owned()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        var before = await bed.DumpAsync();

        var single = await CommitAsync(bed.Store, A.Child(parent with { Token = "stale" }, 0, A.Direct("child")));
        var batch = await StatusesAsync(
            bed.Store,
            A.Child(parent with { Token = "stale" }, 0, A.Direct("one")),
            A.Child(new Ownership("unknown", "any"), 0, A.Direct("two")));

        Assert.Equal(CommitStatus.NotOwned, single.Status);
        Assert.Equal([CommitStatus.NotOwned, CommitStatus.NotOwned], batch);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Existing_child_of_the_same_name_is_attached_and_checkpointed()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        await RunningAsync(bed, "child");

        var result = await CommitAsync(bed.Store, A.Child(parent, 0, A.Direct("child") with { Token = "another" }));

        Assert.Equal(CommitStatus.Attached, result.Status);
        Assert.Equal("child", result.Existing!.Id);
        HasColumns(await bed.RowAsync("parent", "operation_outputs"), ("function_id", 0), ("child_workflow_id", "child"));
        HasColumns(await bed.RowAsync("child"), ("owner_xid", "token of child"), ("parent_workflow_id", null));
    }

    [Fact]
    public async Task Attached_child_in_a_batch_is_checkpointed_too()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        await RunningAsync(bed, "old");

        var statuses = await StatusesAsync(
            bed.Store,
            A.Child(parent, 0, A.Direct("new")),
            A.Child(parent, 1, A.Direct("old") with { Token = "another" }),
            A.Checkpoints(parent, 2));

        Assert.Equal([CommitStatus.Written, CommitStatus.Attached, CommitStatus.Written], statuses);
        Assert.Equal(3, await bed.CountAsync("operation_outputs"));
    }

    [Fact]
    public async Task Conflict_of_a_child_leaves_no_checkpoint()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        await RunningAsync(bed, "child");
        await EnqueueAsync(bed, A.Enqueued("holder") with { DeduplicationId = "only one" });
        var before = await bed.DumpAsync();

        var taken = A.Direct("child") with { Token = "another" };
        var statuses = await StatusesAsync(
            bed.Store,
            A.Child(parent, 0, taken with { Name = "refund" }),
            A.Child(parent, 1, taken) with { RejectExisting = true },
            A.Child(parent, 2, A.Enqueued("third") with { DeduplicationId = "only one" }));

        Assert.Equal([CommitStatus.NameConflict, CommitStatus.IdInUse, CommitStatus.Deduplicated], statuses);
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Repeated_child_start_whose_acknowledgement_was_lost_counts_as_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var unit = A.Child(await RunningAsync(bed, "parent"), 0, A.Direct("child"));
        var first = await CommitAsync(bed.Store, unit);
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(first, await CommitAsync(bed.Store, unit));
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Repeated_child_start_counts_as_written_though_the_parent_was_taken_away_since()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");
        var unit = A.Child(parent, 0, A.Direct("child"));
        await CommitAsync(bed.Store, unit);
        await bed.Store.Workflows.CancelAsync(["parent"], false, A.CancelError, Cancel);

        Assert.Equal(CommitStatus.Written, (await CommitAsync(bed.Store, unit)).Status);
        Assert.Equal(CommitStatus.NotOwned, (await CommitAsync(bed.Store, A.Child(parent, 1, A.Direct("other")))).Status);
    }

    [Fact]
    public async Task Children_of_one_batch_are_each_checkpointed()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");

        var statuses = await StatusesAsync(
            bed.Store, [.. Enumerable.Range(0, 50).Select(number => A.Child(parent, number, A.Direct($"child{number}")))]);

        Assert.All(statuses, status => Assert.Equal(CommitStatus.Written, status));
        var history = await bed.Store.Workflows.ReadHistoryAsync("parent", Cancel);
        Assert.Equal(
            Enumerable.Range(0, 50).Select(number => $"child{number}"),
            history!.Value.Checkpoints.Select(checkpoint => checkpoint.ChildId));
    }

    [Fact]
    public async Task Repeated_child_start_says_that_the_parent_is_elsewhere_by_now()
    {
        await using var bed = await Fixture.CreateAsync();
        var unit = A.Child(await RunningAsync(bed, "parent"), 0, A.Direct("child"));
        await CommitAsync(bed.Store, unit);
        Assert.False((await CommitAsync(bed.Store, unit)).ParentMovedOn);
        await bed.ExecuteAsync("UPDATE workflow_status SET owner_xid = 'another' WHERE workflow_uuid = 'parent'");

        var repeated = await CommitAsync(bed.Store, unit);

        Assert.Equal((CommitStatus.Written, true, false), (repeated.Status, repeated.ParentMovedOn, repeated.MovedOn));
    }

    [Fact]
    public async Task Child_start_without_a_checkpoint_is_guarded_all_the_same()
    {
        await using var bed = await Fixture.CreateAsync();
        var parent = await RunningAsync(bed, "parent");

        var statuses = await StatusesAsync(
            bed.Store,
            new StartUnit(A.Direct("one"), parent),
            new StartUnit(A.Direct("two"), parent with { Token = "stale" }));

        Assert.Equal([CommitStatus.Written, CommitStatus.NotOwned], statuses);
        Assert.Equal(0, await bed.CountAsync("operation_outputs"));
        Assert.Equal(2, await bed.CountAsync("workflow_status"));
    }
}
