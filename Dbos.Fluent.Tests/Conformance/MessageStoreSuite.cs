using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Messages: all of a send or none, each received once, in the order of their sending.</summary>
public abstract class MessageStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Message_is_stored_with_its_topic_and_format()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w"), Some.Message("b", "w", null))));

        Assert.Equal(
            [
                new StoredMessage("a", Some.Topic, Some.Value("text of a"), bed.Time.NowMs, false),
                new StoredMessage("b", null, Some.Value("text of b"), bed.Time.NowMs, false),
            ],
            await bed.Store.Messaging.ReadMessagesAsync("w", Cancel));
        Assert.Equal(["__null__topic__", "approval"], await TopicsAsync(bed));
    }

    [Fact]
    public async Task Send_of_a_workflow_is_recorded_with_its_messages()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "sender");
        await RunningAsync(bed, "w");

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, Some.Send(owner, 3, Some.Message("a", "w"))));

        await HasStepsAsync(bed, "sender", Some.Row(3, "DBOS.send"));
        await HasMessagesAsync(bed, "w", "a");
    }

    [Fact]
    public async Task Messages_are_received_in_the_order_in_which_they_were_sent()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("z", "w"), Some.Message("a", "w")));
        await CommitAsync(bed.Store, Some.Send(Some.Message("m", "w")));
        bed.Time.Advance(TimeSpan.FromSeconds(1));
        await CommitAsync(bed.Store, Some.Send(Some.Message("b", "w")));

        Assert.Equal(["z", "a", "m", "b"], await ReceiveAllAsync(bed, owner, Some.Topic));
        await HasMessagesAsync(bed, "w", "z", "a", "m", "b");
    }

    [Fact]
    public async Task Message_sent_by_a_clock_that_is_behind_comes_after_those_that_wait_already()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("z", "w")));
        await bed.ExecuteAsync("UPDATE notifications SET created_at_epoch_ms = created_at_epoch_ms + 5000");
        await CommitAsync(bed.Store, Some.Send(Some.Message("b", "w"), Some.Message("a", "w")));

        Assert.Equal(["z", "b", "a"], await ReceiveAllAsync(bed, owner, Some.Topic));
        await HasMessagesAsync(bed, "w", "z", "b", "a");
    }

    [Fact]
    public async Task Messages_of_other_senders_come_by_their_time()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("ours", "w")));
        await bed.ExecuteAsync(
            """
            INSERT INTO notifications (message_uuid, destination_uuid, topic, message, created_at_epoch_ms)
            VALUES ('late', 'w', 'approval', 'text of late', @late), ('early', 'w', 'approval', 'text of early', 1)
            """,
            ("@late", bed.Time.NowMs + 1));

        Assert.Equal(["early", "ours", "late"], await ReceiveAllAsync(bed, owner, Some.Topic));
    }

    [Fact]
    public async Task Topics_are_received_apart()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w", null), Some.Message("b", "w", "other"), Some.Message("c", "w")));

        Assert.Equal(["c"], await ReceiveAllAsync(bed, owner, Some.Topic));
        Assert.Equal(["a"], await ReceiveAllAsync(bed, owner, null, 10));
        Assert.Equal([new InboxKey("w", "other")], await UnreadAsync(bed, new("w", null), new("w", "other"), new("unknown", null)));
    }

    [Fact]
    public async Task Received_message_is_the_output_of_its_step_and_stays_as_consumed()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w") with { Value = new Payload("\"hello\"", A.Portable) }));

        var result = await CommitAsync(bed.Store, Some.Receive(owner, 4));

        Assert.Equal((CommitStatus.Written, new Payload("\"hello\"", A.Portable)), (result.Status, result.Received));
        await HasStepsAsync(bed, "w", Some.Row(4, "DBOS.recv") with { Output = "\"hello\"", Format = A.Portable });
        HasColumns((await bed.QueryAsync("SELECT * FROM notifications"))[0], ("consumed", 1), ("consumed_by_function_id", 4));
        Assert.True(Assert.Single((await bed.Store.Messaging.ReadMessagesAsync("w", Cancel))!).Consumed);
    }

    [Fact]
    public async Task Receive_without_a_message_writes_only_that_it_has_begun()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var begun = Some.Row(1, "DBOS.sleep") with { Output = "99" };

        var unit = Some.Receive(owner, 0) with { Begun = [begun], With = [Some.Row(2, "Dbos.Fluent.any")] };
        Assert.Equal(CommitStatus.NothingThere, (await CommitAsync(bed.Store, unit)).Status);
        await HasStepsAsync(bed, "w", begun);

        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w")));
        Assert.Equal(Some.Value("text of a"), (await CommitAsync(bed.Store, unit)).Received);
        await HasStepsAsync(bed, "w", Received(0, "a"), begun, Some.Row(2, "Dbos.Fluent.any"));
    }

    [Fact]
    public async Task Repeated_receive_whose_acknowledgement_was_lost_takes_no_second_message()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w"), Some.Message("b", "w")));
        var unit = Some.Receive(owner, 0);
        await CommitAsync(bed.Store, unit);

        var again = await CommitAsync(bed.Store, unit);
        await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);
        var late = await bed.Store.Commits.CommitWaitingAsync(unit, Cancel);

        Assert.All([again, late], result => Assert.Equal(CommitStatus.Written, result.Status));
        Assert.All([again, late], result => Assert.Equal(Some.Value("text of a"), result.Received));
        Assert.Equal([new InboxKey("w", Some.Topic)], await UnreadAsync(bed, new InboxKey("w", Some.Topic)));
    }

    [Fact]
    public async Task Two_receives_of_one_batch_take_a_message_each_and_a_third_finds_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        var results = await bed.Store.Commits.CommitAsync(
            [
                Some.Send(Some.Message("a", "w"), Some.Message("b", "w")),
                Some.Receive(owner, 0),
                Some.Receive(owner, 2),
                Some.Receive(owner, 4),
                A.Checkpoints(owner, 6),
            ],
            Cancel);

        Assert.Equal([Some.Value("text of a"), Some.Value("text of b"), null], results.Skip(1).Take(3).Select(result => result.Received));
        Assert.Equal([CommitStatus.NothingThere, CommitStatus.Written], results.Skip(3).Select(result => result.Status));
        await HasStepsAsync(bed, "w", Received(0, "a"), Received(2, "b"), A.Checkpoint(6));
    }

    [Fact]
    public async Task Message_id_that_stands_is_there_already_also_once_it_was_consumed()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var unit = Some.Send(Some.Message("key::w", "w"), Some.Message("other", "w"));
        await CommitAsync(bed.Store, unit);
        await CommitAsync(bed.Store, Some.Receive(owner, 0));
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, unit));
        Assert.Equal([CommitStatus.Written, CommitStatus.Written], await StatusesAsync(bed.Store, unit, unit));

        await HasMessagesAsync(bed, "w", "key::w", "other");
        Assert.Equal(["other"], await ReceiveAllAsync(bed, owner, Some.Topic, 10));
        Assert.Equal(2, await bed.CountAsync("fluent_message_order"));
    }

    [Fact]
    public async Task One_key_may_go_to_two_workflows()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "one");
        await RunningAsync(bed, "two");

        await CommitAsync(bed.Store, Some.Send(Some.Message("key::one", "one"), Some.Message("key::two", "two")));

        await HasMessagesAsync(bed, "one", "key::one");
        await HasMessagesAsync(bed, "two", "key::two");
    }

    [Fact]
    public async Task Send_to_a_workflow_that_does_not_exist_writes_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        var results = await bed.Store.Commits.CommitAsync(
            [
                Some.Send(owner, 0, Some.Message("a", "w"), Some.Message("b", "unknown"), Some.Message("c", "unheard of")),
                Some.Send(Some.Message("d", "unknown")),
                A.Checkpoints(owner, 1),
                Some.Send(owner, 2, Some.Message("e", "w")),
            ],
            Cancel);

        Assert.Equal(
            [CommitStatus.NoDestination, CommitStatus.NoDestination, CommitStatus.Written, CommitStatus.Written],
            results.Select(result => result.Status));
        Assert.Equal(["unknown", "unknown", null, null], results.Select(result => result.MissingId));
        await HasMessagesAsync(bed, "w", "e");
        await HasStepsAsync(bed, "w", A.Checkpoint(1), Some.Row(2, "DBOS.send"));
    }

    [Fact]
    public async Task Message_to_a_workflow_that_has_ended_is_stored()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, A.Outcome(await RunningAsync(bed, "w")));

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w"))));

        await HasMessagesAsync(bed, "w", "a");
    }

    [Fact]
    public async Task Message_goes_to_a_workflow_that_the_same_batch_starts()
    {
        await using var bed = await Fixture.CreateAsync();

        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Written],
            await StatusesAsync(bed.Store, A.Start(A.Enqueued("w")), Some.Send(Some.Message("a", "w"))));

        await HasMessagesAsync(bed, "w", "a");
    }

    [Fact]
    public async Task Send_and_receive_with_another_token_are_not_written()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w")));
        var stale = owner with { Token = "stale" };

        var receive = Some.Receive(stale, 2) with { Begun = [Some.Row(3, "DBOS.sleep")] };
        var statuses = await StatusesAsync(bed.Store, Some.Send(stale, 0, Some.Message("b", "w")), receive, Some.Receive(owner, 0));

        Assert.Equal([CommitStatus.NotOwned, CommitStatus.NotOwned, CommitStatus.Written], statuses);
        await HasMessagesAsync(bed, "w", "a");
        await HasStepsAsync(bed, "w", Received(0, "a"));
    }

    [Fact]
    public async Task Repeated_send_whose_acknowledgement_was_lost_counts_as_written_though_the_row_was_taken_away_since()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var unit = Some.Send(owner, 0, Some.Message("a", "w"));
        await CommitAsync(bed.Store, unit);
        await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);

        Assert.Equal(CommitResult.Written with { MovedOn = true }, await CommitAsync(bed.Store, unit));

        await HasMessagesAsync(bed, "w", "a");
    }

    [Fact]
    public async Task Repeated_receive_whose_acknowledgement_was_lost_tells_that_the_row_was_taken_away_since()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w")));
        var first = await CommitAsync(bed.Store, Some.Receive(owner, 0));
        await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);

        Assert.Equal(first with { MovedOn = true }, await CommitAsync(bed.Store, Some.Receive(owner, 0)));
    }

    [Fact]
    public async Task Guarded_send_without_rows_is_written_only_while_owned()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");

        var unit = new SendUnit(owner, [], [Some.Message("a", "w")]);
        Assert.Equal([CommitStatus.Written, CommitStatus.Written], await StatusesAsync(bed.Store, unit, A.Outcome(owner)));
        Assert.Equal(CommitResult.NotOwned, await CommitAsync(bed.Store, unit with { Messages = [Some.Message("b", "w")] }));

        await HasMessagesAsync(bed, "w", "a");
    }

    [Fact]
    public async Task Outcome_comes_after_the_receive_and_the_send_before_it()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await CommitAsync(bed.Store, Some.Send(Some.Message("a", "w")));

        var statuses = await StatusesAsync(
            bed.Store, Some.Receive(owner, 0), Some.Send(owner, 2, Some.Message("b", "w")), A.Outcome(owner), Some.Receive(owner, 3));

        Assert.Equal([CommitStatus.Written, CommitStatus.Written, CommitStatus.Written, CommitStatus.NotOwned], statuses);
        Assert.Equal([new InboxKey("w", Some.Topic)], await UnreadAsync(bed, new InboxKey("w", Some.Topic)));
    }

    [Fact]
    public async Task Messages_of_a_workflow_that_does_not_exist_are_null()
    {
        await using var bed = await Fixture.CreateAsync();
        await RunningAsync(bed, "w");

        Assert.Null(await bed.Store.Messaging.ReadMessagesAsync("unknown", Cancel));
        Assert.Empty((await bed.Store.Messaging.ReadMessagesAsync("w", Cancel))!);
        Assert.Empty(await UnreadAsync(bed));
    }

    private static CheckpointRow Received(int sequence, string id) =>
        Some.Row(sequence, "DBOS.recv") with { Output = "text of " + id, Format = A.Native };

    // Receives until nothing is there, as every second step from the given one on.
    private static async Task<List<string>> ReceiveAllAsync(StoreBed bed, Ownership owner, string? topic, int first = 0)
    {
        var ids = new List<string>();
        while (await CommitAsync(bed.Store, Some.Receive(owner, first + (2 * ids.Count), topic)) is { Received: { } received })
        {
            ids.Add(received.Text!["text of ".Length..]);
        }

        return ids;
    }

    private static Task<IReadOnlyList<InboxKey>> UnreadAsync(StoreBed bed, params InboxKey[] inboxes) =>
        bed.Store.Messaging.ReadUnreadAsync(inboxes, Cancel);

    private static async Task HasMessagesAsync(StoreBed bed, string workflowId, params string[] expected) =>
        Assert.Equal(expected, (await bed.Store.Messaging.ReadMessagesAsync(workflowId, Cancel))!.Select(message => message.Id));

    private static async Task HasStepsAsync(StoreBed bed, string workflowId, params CheckpointRow[] expected) =>
        Assert.Equal(expected, (await bed.Store.Workflows.ReadHistoryAsync(workflowId, Cancel))!.Value.Checkpoints);

    private static async Task<string[]> TopicsAsync(StoreBed bed) =>
        [.. (await bed.QueryAsync("SELECT topic FROM notifications")).Select(row => (string)row["topic"]!).Order(StringComparer.Ordinal)];
}
