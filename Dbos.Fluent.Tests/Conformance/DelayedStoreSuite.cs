using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What waits, as a person changes it, and delayed enqueues that become due.</summary>
public abstract class DelayedStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Due_workflows_are_let_into_their_queues_the_longest_due_first_up_to_the_limit()
    {
        await using var bed = await Fixture.CreateAsync();
        await StatusesAsync(
            bed.Store,
            A.Start(Queueing.Delayed("third", 3_000) with { Queue = "other" }),
            A.Start(Queueing.Delayed("first", 1_000)),
            A.Start(Queueing.Delayed("second", 2_000)),
            A.Start(Queueing.Delayed("not yet", 3_001)));
        bed.Time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal([A.Queue, A.Queue], await ReleaseAsync(bed, limit: 2));
        Assert.Equal("DELAYED", (await bed.RowAsync("third"))["status"]);
        Assert.Equal(["other"], await ReleaseAsync(bed, limit: 2));
        Assert.Empty(await ReleaseAsync(bed, limit: 2));
        Assert.Equal("DELAYED", (await bed.RowAsync("not yet"))["status"]);
    }

    [Fact]
    public async Task Released_workflow_keeps_its_place_and_what_it_was_given()
    {
        await using var bed = await Fixture.CreateAsync();
        var created = bed.Time.NowMs;
        await CommitAsync(
            bed.Store,
            A.Start(Queueing.Delayed("w", 1_000) with { Priority = 4, DeduplicationId = "only one", PartitionKey = "north" }));
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        await ReleaseAsync(bed);

        HasColumns(
            await bed.RowAsync("w"),
            ("status", "ENQUEUED"),
            ("created_at", created),
            ("updated_at", bed.Time.NowMs),
            ("priority", 4),
            ("deduplication_id", "only one"),
            ("queue_partition_key", "north"),
            ("owner_xid", null),
            ("started_at_epoch_ms", null),
            ("recovery_attempts", 0));
        Assert.Equal(["w"], await ClaimIdsAsync(bed.Store, A.Claim("token")));
    }

    [Fact]
    public async Task Parked_workflow_is_not_released()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "parked", Parking.Until(bed.Time.NowMs + 1_000, "parked"));
        bed.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.Empty(await ReleaseAsync(bed));
        HasColumns(await bed.RowAsync("parked"), ("status", "DELAYED"));
    }

    [Fact]
    public async Task Workflows_of_other_applications_are_not_released_and_those_of_none_are()
    {
        await using var bed = await Fixture.CreateAsync();
        await StatusesAsync(
            bed.Store,
            A.Start(Queueing.Delayed("theirs", 1) with { ApplicationName = A.OtherApplication }),
            A.Start(Queueing.Delayed("nobody's", 1) with { ApplicationName = null }));
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Single(await ReleaseAsync(bed));
        Assert.Equal("DELAYED", (await bed.RowAsync("theirs"))["status"]);
        HasColumns(await bed.RowAsync("nobody's"), ("status", "ENQUEUED"), ("application_name", null));
    }

    [Fact]
    public async Task Debounced_workflow_gives_up_its_key_when_it_is_released()
    {
        await using var bed = await Fixture.CreateAsync();
        var row = Queueing.Delayed("w", 1_000) with { DeduplicationId = "checkout-key" };
        await CommitAsync(bed.Store, new DebounceUnit(row, AtMostMs: null));
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        await ReleaseAsync(bed);

        HasColumns(await bed.RowAsync("w"), ("status", "ENQUEUED"), ("deduplication_id", null));
    }

    [Fact]
    public async Task Priority_of_what_waits_is_changed_and_counts()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a") with { Priority = 5 }, A.Enqueued("b") with { Priority = 4 }, Queueing.Delayed("later"));

        Assert.True(await bed.Store.Queues.SetPriorityAsync("a", 1, Cancel));
        Assert.True(await bed.Store.Queues.SetPriorityAsync("later", 9, Cancel));

        HasColumns(await bed.RowAsync("a"), ("priority", 1), ("updated_at", bed.Time.NowMs));
        HasColumns(await bed.RowAsync("later"), ("priority", 9), ("status", "DELAYED"));
        Assert.Equal(["a", "b"], await ClaimIdsAsync(bed.Store, A.Claim("token")));
    }

    [Fact]
    public async Task Priority_of_running_parked_ended_and_unknown_workflows_is_not_changed()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "running");
        await Parking.ParkedAsync(bed, "parked", Parking.Until(bed.Time.NowMs + 1_000, "parked"));
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "ended")));
        var before = await bed.DumpAsync();
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        foreach (var id in (string[])["running", "parked", "ended", "unknown"])
        {
            Assert.False(await bed.Store.Queues.SetPriorityAsync(id, 7, Cancel));
        }

        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Delay_is_moved_to_a_moment_or_by_a_time_from_now()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Start(Queueing.Delayed("w")));
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.True(await bed.Store.Queues.SetDelayAsync("w", new DelayEnd(500, null), Cancel));
        HasColumns(await bed.RowAsync("w"), ("delay_until_epoch_ms", bed.Time.NowMs + 500), ("updated_at", bed.Time.NowMs));
        Assert.True(await bed.Store.Queues.SetDelayAsync("w", new DelayEnd(null, 12_345), Cancel));
        HasColumns(await bed.RowAsync("w"), ("delay_until_epoch_ms", 12_345), ("status", "DELAYED"));
        Assert.Equal([A.Queue], await ReleaseAsync(bed));
    }

    [Fact]
    public async Task Delay_of_a_debounced_workflow_ends_at_its_limit_at_the_latest()
    {
        await using var bed = await Fixture.CreateAsync();
        var limit = bed.Time.NowMs + 5_000;
        await CommitAsync(
            bed.Store, new DebounceUnit(Queueing.Delayed("w", 1_000) with { DeduplicationId = "checkout-key" }, AtMostMs: 5_000));

        Assert.True(await bed.Store.Queues.SetDelayAsync("w", new DelayEnd(60_000, null), Cancel));
        HasColumns(await bed.RowAsync("w"), ("delay_until_epoch_ms", limit));
        Assert.True(await bed.Store.Queues.SetDelayAsync("w", new DelayEnd(2_000, null), Cancel));
        HasColumns(await bed.RowAsync("w"), ("delay_until_epoch_ms", bed.Time.NowMs + 2_000));
    }

    [Fact]
    public async Task Delay_of_what_is_no_delayed_enqueue_is_not_changed()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "running");
        await Parking.ParkedAsync(bed, "parked", Parking.Until(bed.Time.NowMs + 1_000, "parked"));
        await Queueing.EnqueueAsync(bed, "waiting");
        var before = await bed.DumpAsync();

        foreach (var id in (string[])["running", "parked", "waiting", "unknown"])
        {
            Assert.False(await bed.Store.Queues.SetDelayAsync(id, new DelayEnd(1, null), Cancel));
        }

        Assert.Equal(before, await bed.DumpAsync());
    }

    private static Task<IReadOnlyList<string>> ReleaseAsync(StoreBed bed, int limit = 10) =>
        bed.Store.Queues.ReleaseDelayedAsync(A.Application, limit, Cancel);
}
