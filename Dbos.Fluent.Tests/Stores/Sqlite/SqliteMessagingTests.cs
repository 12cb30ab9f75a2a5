using System.Text.RegularExpressions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Storage.Sqlite;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed partial class SqliteMessagingTests : SqliteFileTest
{
    private static readonly string[] None = [];

    [Fact]
    public async Task Messages_are_received_in_the_order_of_their_sends()
    {
        await StartAsync(Direct("w"));
        await CommitAsync(Send("b", "a"));
        await CommitAsync(Send("c"));
        await Database.ExecuteAsync(
            "INSERT INTO notifications (message_uuid, destination_uuid, topic, message, created_at_epoch_ms) "
            + $"VALUES ('z', 'w', 't', 'z', {NowMs})");

        Assert.Equal(["z", "b", "a", "c"], (await Store.Messaging.ReadMessagesAsync("w", Cancel))!.Select(message => message.Id));
        var received = new List<string?>();
        for (var sequence = 0; sequence < 4; sequence++)
        {
            received.Add((await ReceiveAsync(sequence)).Received!.Value.Text);
        }

        Assert.Equal(["z", "text b", "text a", "text c"], received);
        Assert.Equal(CommitStatus.NothingThere, (await ReceiveAsync(4)).Status);
        Assert.Equal("0,1,2,3", await Database.ScalarAsync(
            "SELECT group_concat(consumed_by_function_id) FROM (SELECT * FROM notifications ORDER BY consumed_by_function_id)"));
    }

    [Fact]
    public async Task A_message_that_stands_is_not_sent_again_and_takes_no_place()
    {
        await StartAsync(Direct("w"));

        Assert.Equal([CommitStatus.Written, CommitStatus.Written], await CommitAsync(Send("a", "a"), Send("a", "b")));

        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM notifications"));
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM fluent_message_order"));
    }

    [Fact]
    public async Task A_send_to_a_missing_workflow_writes_nothing_and_leaves_the_rest_of_the_batch()
    {
        await StartAsync(Direct("w"), Direct("sender"));
        var unit = new SendUnit(Owner("sender"), [Row(0)], [Message("a", "w"), Message("b", "gone")]);

        var results = await Store.Commits.CommitAsync([Checkpoint("sender", 1), unit, Send("c")], Cancel);

        Assert.Equal(
            [CommitStatus.Written, CommitStatus.NoDestination, CommitStatus.Written], results.Select(result => result.Status));
        Assert.Equal("gone", results[1].MissingId);
        Assert.Equal("c", await Database.ScalarAsync("SELECT group_concat(message_uuid) FROM notifications"));
        Assert.Equal("1", await Database.ScalarAsync("SELECT group_concat(function_id) FROM operation_outputs"));
    }

    [Fact]
    public async Task A_send_needs_its_owner_and_is_recognised_when_it_was_written()
    {
        await StartAsync(Direct("w"), Direct("sender"));
        var unit = new SendUnit(Owner("sender"), [Row(0)], [Message("a", "w")]);
        var foreign = unit with { Owner = new Ownership("sender", "another"), Rows = [] };

        Assert.Equal([CommitStatus.NotOwned, CommitStatus.Written, CommitStatus.Written], await CommitAsync(foreign, unit, unit));
        await CommitAsync(Success("sender"));
        Assert.Equal([CommitStatus.Written, CommitStatus.NotOwned], await CommitAsync(unit, unit with { Rows = [Row(1)] }));
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM notifications"));
    }

    [Fact]
    public async Task A_receive_writes_its_rows_and_takes_no_second_message_when_it_is_repeated()
    {
        await StartAsync(Direct("w"));
        await CommitAsync(Send("a", "b"));
        var unit = new ReceiveUnit(Owner("w"), "t", Row(2, null) with { Format = null }, [Row(3)], [Row(4)]);

        var first = (await Store.Commits.CommitAsync([unit], Cancel))[0];
        var second = (await Store.Commits.CommitAsync([unit], Cancel))[0];
        await CommitAsync(Success("w"));
        var third = (await Store.Commits.CommitAsync([unit], Cancel))[0];
        var stranger = unit with { Row = unit.Row with { StartedAtMs = 99 } };

        Assert.All([first, second, third], result => Assert.Equal(new Payload("text a", "dotnet_msgpack"), result.Received));
        Assert.Equal([CommitStatus.NotOwned], await CommitAsync(stranger));
        Assert.Equal("a", await Database.ScalarAsync("SELECT group_concat(message_uuid) FROM notifications WHERE consumed = 1"));
        Assert.Equal("2,3,4", await Database.ScalarAsync("SELECT group_concat(function_id) FROM operation_outputs"));
    }

    [Fact]
    public async Task A_receive_of_an_empty_topic_writes_only_what_begins_it()
    {
        await StartAsync(Direct("w"));
        await CommitAsync(Send("a"));

        var unit = new ReceiveUnit(Owner("w"), null, Row(0), [Row(1)], [Row(2)]);

        Assert.Equal([CommitStatus.NothingThere], await CommitAsync(unit));
        Assert.Equal("1", await Database.ScalarAsync("SELECT group_concat(function_id) FROM operation_outputs"));
        await CommitAsync(new SendUnit(null, [], [Message("b", "w") with { Topic = null }]));
        Assert.Equal([CommitStatus.Written], await CommitAsync(unit));
        Assert.Equal("__null__topic__", await Database.ScalarAsync("SELECT topic FROM notifications WHERE message_uuid = 'b'"));
        Assert.Null((await Store.Messaging.ReadMessagesAsync("w", Cancel))![1].Topic);
    }

    [Fact]
    public async Task Unread_inboxes_are_those_with_a_message()
    {
        await StartAsync(Direct("w"), Direct("v"));
        await CommitAsync(Send("a"), new SendUnit(null, [], [Message("b", "v") with { Topic = null }]));
        InboxKey[] inboxes = [new("w", "t"), new("w", null), new("v", null), new("gone", "t")];

        Assert.Equal([inboxes[0], inboxes[2]], await Store.Messaging.ReadUnreadAsync(inboxes, Cancel));
        await ReceiveAsync(0);
        Assert.Equal([inboxes[2]], await Store.Messaging.ReadUnreadAsync(inboxes, Cancel));
        Assert.Null(await Store.Messaging.ReadMessagesAsync("gone", Cancel));
        Assert.True(Assert.Single((await Store.Messaging.ReadMessagesAsync("w", Cancel))!).Consumed);
    }

    [Fact]
    public async Task Events_hold_their_latest_value_and_that_of_each_step()
    {
        await StartAsync(Direct("w"));
        await CommitAsync(Set(0, "k", "one", Row(0)), Set(1, "k", "two", Row(1)), Set(1, "é", "x"), Set(1, "Z", "y"));
        await CommitAsync(Set(0, "k", "again", Row(0)));

        EventKey[] keys = [new("w", "k"), new("w", "none"), new("gone", "k")];
        var set = Assert.Single(await Store.Messaging.ReadEventsAsync(keys, Cancel));
        Assert.Equal(new EventRow(keys[0], new Payload("two", "f")), set);
        Assert.Equal(["Z", "k", "é"], (await Store.Messaging.ReadAllEventsAsync("w", Cancel))!.Select(row => row.Key.Key));
        Assert.Equal(4, await Database.CountAsync("SELECT count(*) FROM workflow_events_history"));
        Assert.Null(await Store.Messaging.ReadAllEventsAsync("gone", Cancel));

        await CommitAsync(Success("w"));
        Assert.Equal([CommitStatus.Written, CommitStatus.NotOwned], await CommitAsync(Set(0, "k", "one", Row(0)), Set(3, "k", "late")));
    }

    [Fact]
    public async Task Streams_are_appended_to_until_they_are_closed()
    {
        await StartAsync(Direct("w"));
        var first = Write(0, ["a", "b"], Row(0));

        Assert.Equal(
            [CommitStatus.Written, CommitStatus.Written, CommitStatus.Written],
            await CommitAsync(first, first, Write(1, ["c"])));
        Assert.Equal(
            [CommitStatus.Written, CommitStatus.StreamClosed, CommitStatus.Written, CommitStatus.Written],
            await CommitAsync(Close(2, Row(2)), Write(3, ["d"], Row(3)), Close(4, Row(4)), first));

        Assert.Equal("0:a:0,1:b:0,2:c:1,3:\"__DBOS_STREAM_CLOSED__\":2", await Database.ScalarAsync(
            """SELECT group_concat("offset" || ':' || value || ':' || function_id) FROM streams"""));
        Assert.Equal("0,2,4", await Database.ScalarAsync("SELECT group_concat(function_id) FROM operation_outputs"));
    }

    [Fact]
    public async Task Streams_are_read_from_many_places_at_once()
    {
        await StartAsync(Direct("w"), Direct("v"));
        await CommitAsync(Write(0, ["a", "b", "c"]), new StreamUnit(Owner("v"), 0, "s", [new Payload("v0", "f")], []));

        Assert.Equal(["0 a b more", "2 c more"], await LookAsync(2, ("w", 0), ("w", 2), ("w", 3), ("v", 1)));
        Assert.Equal(["0 absent"], await LookAsync(2, ("gone", 0)));

        await CommitAsync(Close(1), Success("v"));
        Assert.Equal(
            ["0 a b c end", "3 end", "9 end", "0 v0 end", "1 end"], await LookAsync(3, ("w", 0), ("w", 3), ("w", 9), ("v", 0), ("v", 1)));
        Assert.Equal(["0 a b more"], await LookAsync(2, ("w", 0)));
        Assert.Empty(await LookAsync(2));
    }

    [Fact]
    public async Task Forks_of_forks_are_found_and_a_circle_ends()
    {
        await StartAsync(Direct("w"), Direct("a"), Direct("b"), Direct("c"));
        await Database.ExecuteAsync(
            """
            UPDATE workflow_status SET forked_from = 'w', created_at = created_at + 5 WHERE workflow_uuid IN ('b', 'c');
            UPDATE workflow_status SET forked_from = 'b' WHERE workflow_uuid IN ('a', 'w');
            """);

        Assert.Equal(["a", "b", "c"], await Store.Messaging.ReadForksAsync("w", Cancel));
        Assert.Equal(None, await Store.Messaging.ReadForksAsync("gone", Cancel));
    }

    [Theory]
    [InlineData(MessagingSql.ReadOldest, "idx_fluent_notifications_unread")]
    [InlineData(MessagingSql.ReadUnread, "idx_fluent_notifications_unread")]
    [InlineData(MessagingSql.ReadForks, "idx_workflow_status_forked_from")]
    [InlineData(WorkflowSql.ReadFamily, "idx_workflow_status_parent_workflow_id")]
    [InlineData(ParkSql.FindWoken, "idx_fluent_waits_key")]
    [InlineData(ParkSql.FindReady, "idx_fluent_notifications_unread")]
    [InlineData(ParkSql.ReadNextWake, "idx_fluent_waits_wake_at")]
    public async Task A_statement_uses_its_index(string sql, string index) =>
        Assert.Contains(index, await ExplainAsync(sql), StringComparison.Ordinal);

    [Theory]
    [InlineData(ParkSql.FindDue, "idx_fluent_waits_wake_at")]
    [InlineData(ParkSql.ReadPage, "idx_fluent_waits_open (workflow_uuid>?)")]
    public async Task A_claim_of_parked_workflows_walks_its_index_and_sorts_nothing(string sql, string index)
    {
        var plan = await PlanAsync(sql);

        Assert.Contains(index, plan[0].Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(plan, step => step.Parent == "0" && step.Detail.Contains("TEMP B-TREE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_database_of_the_first_level_is_brought_to_this_one_in_place()
    {
        await StartAsync(Direct("w"));
        await Database.ExecuteAsync(
            """
            DROP TABLE fluent_waits; DROP TABLE fluent_message_order; DROP INDEX idx_fluent_notifications_unread;
            DROP TABLE fluent_queues; DROP TABLE fluent_schedules; DROP TABLE fluent_starts; DROP INDEX idx_fluent_line;
            DELETE FROM fluent_migrations WHERE version > 1;
            """);
        var store = Open();
        Assert.Equal(1, (await store.Schema.ReadLevelAsync(Cancel)).Fluent);

        await store.Schema.MigrateAsync(Cancel);

        Assert.Equal(SchemaLevel.FluentCurrent, (await store.Schema.ReadLevelAsync(Cancel)).Fluent);
        await CommitAsync(Send("a"));
        Assert.Equal([CommitStatus.Written], await CommitAsync(Park("w", 1)));
        Assert.Equal(
            string.Join(',', Enumerable.Range(1, (int)SchemaLevel.FluentCurrent)),
            await Database.ScalarAsync("SELECT group_concat(version) FROM fluent_migrations"));
    }

    [Fact]
    public async Task A_page_that_is_cut_short_by_the_limit_leads_on_behind_what_it_took()
    {
        string[] ids = ["a", "b", "c", "d"];
        await StartAsync([.. ids.Select(id => Direct(id))]);
        await CommitAsync([.. ids.Select(id => ParkForMessage(id, wakeAtMs: id == "b" ? 9 * NowMs : 1))]);

        var first = await Store.Claims.ClaimParkedAsync(Claim("one") with { Limit = 2 }, new ParkedScope.Page("", 10), Cancel);
        var second = await Store.Claims.ClaimParkedAsync(Claim("two") with { Limit = 2 }, new ParkedScope.Page("c", 10), Cancel);

        Assert.Equal(["a", "c", "then c"], [.. first.Claimed.Select(one => one.Id), "then " + first.LastLookedAt]);
        Assert.Equal(["d", "then "], [.. second.Claimed.Select(one => one.Id), "then " + second.LastLookedAt]);
    }

    private static MessageRow Message(string id, string destination) =>
        new(id, destination, "t", new Payload("text " + id, "dotnet_msgpack"));

    private static SendUnit Send(params string[] ids) => new(null, [], [.. ids.Select(id => Message(id, "w"))]);

    private static EventUnit Set(int sequence, string key, string value, params CheckpointRow[] rows) =>
        new(Owner("w"), sequence, key, new Payload(value, "f"), rows);

    private static StreamUnit Write(int sequence, string[] values, params CheckpointRow[] rows) =>
        new(Owner("w"), sequence, "s", [.. values.Select(value => new Payload(value, "f"))], rows);

    private static StreamUnit Close(int sequence, params CheckpointRow[] rows) =>
        new(Owner("w"), sequence, "s", [StreamMarker.Closed], rows);

    private static ParkUnit Park(string id, long wakeAtMs) => new(Owner(id), [new WaitRow(0, WaitKind.Time, id, "", wakeAtMs)]);

    private static ParkUnit ParkForMessage(string id, long wakeAtMs) =>
        new(Owner(id), [new WaitRow(0, WaitKind.Message, id, "t", wakeAtMs)]);

    private async Task<CommitResult> ReceiveAsync(int sequence) => Assert.Single(
        await Store.Commits.CommitAsync([new ReceiveUnit(Owner("w"), "t", Row(sequence, null), [], [])], Cancel));

    private async Task<IEnumerable<string>> LookAsync(int limit, params (string Id, int Offset)[] places)
    {
        var positions = places.Select(place => new StreamPosition(place.Id, "s", place.Offset)).ToList();
        var chunks = await Store.Messaging.ReadStreamsAsync(positions, limit, 1 << 20, Cancel);
        return chunks.Select(
            chunk => string.Join(' ', [$"{chunk.Position.Offset}", .. chunk.Values.Select(value => value.Text), End(chunk)]));

        static string End(StreamChunk chunk) => (chunk.Exists, chunk.Ended) switch
        {
            (false, _) => "absent",
            (_, true) => "end",
            _ => "more",
        };
    }

    private async Task<string> ExplainAsync(string sql) => string.Join('\n', (await PlanAsync(sql)).Select(step => step.Detail));

    private async Task<List<(string Parent, string Detail)>> PlanAsync(string sql)
    {
        var plan = await Database.QueryAsync("EXPLAIN QUERY PLAN " + Parameter().Replace(sql, "?1"));
        return [.. plan.Select(row => (row[1]!, row[3]!))];
    }

    [GeneratedRegex("@[a-z_]+")]
    private static partial Regex Parameter();
}
