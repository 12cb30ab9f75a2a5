using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Events: the latest value by key, and each value as of its step.</summary>
public abstract class EventStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Event_has_the_value_it_was_set_to_last()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, Some.Event(owner, 0, "status", "packed")));
        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Written],
            await StatusesAsync(bed.Store, Some.Event(owner, 1, "status", "sent"), Some.Event(owner, 2, "other", "value")));

        Assert.Equal([Row("other", "value"), Row("status", "sent")], await bed.Store.Messaging.ReadAllEventsAsync("w", Cancel));
        Assert.Equal(
            [Some.Row(0, "DBOS.setEvent"), Some.Row(1, "DBOS.setEvent"), Some.Row(2, "DBOS.setEvent")],
            (await bed.Store.Workflows.ReadHistoryAsync("w", Cancel))!.Value.Checkpoints);
    }

    [Fact]
    public async Task Each_value_is_kept_as_of_its_step()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        await StatusesAsync(bed.Store, Some.Event(owner, 0, "status", "packed"), Some.Event(owner, 3, "status", "sent"));

        Assert.Equal(["0 packed", "3 sent"], await HistoryAsync(bed));
    }

    [Fact]
    public async Task Event_set_twice_within_one_step_is_kept_once_for_that_step()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        await StatusesAsync(
            bed.Store,
            Some.Event(owner, 5, "status", "first") with { Rows = [] },
            Some.Event(owner, 5, "status", "second") with { Rows = [] });

        Assert.Equal(["5 second"], await HistoryAsync(bed));
        Assert.Equal([Row("status", "second")], await bed.Store.Messaging.ReadAllEventsAsync("w", Cancel));
        Assert.Equal(0, await bed.CountAsync("operation_outputs"));
    }

    [Fact]
    public async Task Repeated_setting_whose_acknowledgement_was_lost_leaves_a_later_value()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var first = Some.Event(owner, 0, "status", "first");
        await StatusesAsync(bed.Store, first, Some.Event(owner, 1, "status", "second"));

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, first));
        Assert.Equal([CommitStatus.Written, CommitStatus.Written], await StatusesAsync(bed.Store, first, A.Outcome(owner)));
        Assert.Equal(CommitResult.Written with { MovedOn = true }, await CommitAsync(bed.Store, first));

        Assert.Equal([Row("status", "second")], await bed.Store.Messaging.ReadAllEventsAsync("w", Cancel));
        Assert.Equal(["0 first", "1 second"], await HistoryAsync(bed));
    }

    [Fact]
    public async Task Setting_with_another_token_is_not_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        var statuses = await StatusesAsync(
            bed.Store,
            Some.Event(owner with { Token = "stale" }, 0, "status", "stale"),
            Some.Event(owner with { Token = "stale" }, 0, "status", "stale") with { Rows = [] });

        Assert.Equal([CommitStatus.NotOwned, CommitStatus.NotOwned], statuses);
        Assert.Empty((await bed.Store.Messaging.ReadAllEventsAsync("w", Cancel))!);
        Assert.Equal(0, await bed.CountAsync("operation_outputs"));
    }

    [Fact]
    public async Task Events_are_read_together_and_those_not_set_are_left_out()
    {
        await using var bed = await Fixture.CreateAsync();
        var one = await RunningAsync(bed, "one");
        var two = await RunningAsync(bed, "two");
        await StatusesAsync(bed.Store, Some.Event(one, 0, "k", "of one"), Some.Event(two, 0, "k", "of two"));

        var found = await bed.Store.Messaging.ReadEventsAsync(
            [new("two", "k"), new("one", "unset"), new("unknown", "k"), new("one", "k")], Cancel);

        Assert.Equal(
            [new EventRow(new("one", "k"), Some.Value("of one")), new EventRow(new("two", "k"), Some.Value("of two"))],
            found.OrderBy(row => row.Key.WorkflowId, StringComparer.Ordinal));
        Assert.Empty(await bed.Store.Messaging.ReadEventsAsync([], Cancel));
    }

    [Fact]
    public async Task Events_come_in_ordinal_order_and_those_of_an_unknown_workflow_are_null()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await StatusesAsync(bed.Store, Some.Event(owner, 0, "b", "1"), Some.Event(owner, 1, "a", "2"), Some.Event(owner, 2, "B", "3"));

        Assert.Equal([Row("B", "3"), Row("a", "2"), Row("b", "1")], await bed.Store.Messaging.ReadAllEventsAsync("w", Cancel));
        Assert.Null(await bed.Store.Messaging.ReadAllEventsAsync("unknown", Cancel));
    }

    [Fact]
    public async Task Forks_are_found_as_far_as_they_go()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"), A.Enqueued("z"), A.Enqueued("a"), A.Enqueued("deep"), A.Enqueued("apart"));
        await bed.ExecuteAsync(
            """
            UPDATE workflow_status
               SET forked_from = CASE workflow_uuid WHEN 'w' THEN 'deep' WHEN 'deep' THEN 'a' WHEN 'apart' THEN 'else' ELSE 'w' END
            """);

        Assert.Equal(["z", "a", "deep"], await bed.Store.Messaging.ReadForksAsync("w", Cancel));
        Assert.Empty(await bed.Store.Messaging.ReadForksAsync("unknown", Cancel));
    }

    private static EventRow Row(string key, string text) => new(new EventKey("w", key), Some.Value(text));

    private static async Task<string[]> HistoryAsync(StoreBed bed) =>
        [.. (await bed.QueryAsync("SELECT function_id, value FROM workflow_events_history ORDER BY function_id"))
            .Select(row => $"{row["function_id"]} {row["value"]}")];
}
