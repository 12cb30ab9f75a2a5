namespace Dbos.Fluent.Tests.Conformance;

/// <summary>How messages are sent: keys, several at once, to forks; and what is seen of them. Scenarios SV-02, SV-06, SV-07.</summary>
public abstract class MessageSendSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly WorkflowDefinition<Unit, Unit> Nothing = Flows.Nothing();

    [Fact]
    public async Task One_key_delivers_once_to_each_destination_also_after_it_was_received()
    {
        var receiver = Flows.Receiver<int>();
        var engine = await LaunchAsync(receiver);
        var handles = new[] { await engine.BeginAsync(receiver, 2, "A"), await engine.BeginAsync(receiver, 1, "B") };

        await engine.SendAsync("A", 1, idempotencyKey: "key", cancellationToken: Cancel);
        await engine.SendAsync("B", 2, idempotencyKey: "key", cancellationToken: Cancel);
        Assert.Equal([2], await handles[1].ResultAsync());
        await Eventually.TrueAsync(async () => await Database.UnreadAsync() == 0, Bounded.Limit);
        await engine.SendAsync("A", 3, idempotencyKey: "key", cancellationToken: Cancel);
        await engine.SendAsync("A", 4, idempotencyKey: "other key", cancellationToken: Cancel);

        Assert.Equal([1, 4], await handles[0].ResultAsync());
        Assert.Equal(
            ["key::A", "key::B", "other key::A"],
            (await Database.QueryAsync("SELECT message_uuid FROM notifications ORDER BY message_uuid")).Select(row => row[0]));
    }

    [Fact]
    public async Task Keys_and_ids_that_hold_the_separator_between_them_are_not_taken_for_each_other()
    {
        (string Id, string Key)[] pairs = [("b::c", "a"), ("c", "a::b"), (":c", "a"), ("c", "a:"), ("c", "a")];
        var engine = await LaunchAsync(Nothing);
        foreach (var id in pairs.Select(pair => pair.Id).Distinct())
        {
            await engine.RunAsync(Nothing, default, id);
        }

        for (var times = 0; times < 2; times++)
        {
            await engine.SendManyAsync(
                pairs.Select(pair => (pair.Id, pair.Key, (string?)null, (string?)pair.Key)), cancellationToken: Cancel);
        }

        Assert.Equal(["\"a\""], await ValuesAsync("b::c"));
        Assert.Equal(["\"a\""], await ValuesAsync(":c"));
        Assert.Equal(["\"a::b\"", "\"a:\"", "\"a\""], await ValuesAsync("c"));

        async Task<IEnumerable<string>> ValuesAsync(string id) =>
            (await engine.GetMessagesAsync(id, Cancel)).Select(message => message.Value);
    }

    [Fact]
    public async Task One_key_delivers_once_whichever_workflow_sends_it()
    {
        var sender = Flows.Series("sender", () => [Step.Send("R", 1, null, "key"), Step.Send("R", 2, null, "key")]);
        var engine = await LaunchAsync(sender, Nothing);
        await engine.RunAsync(Nothing, default, "R");

        await engine.RunAsync(sender, default, "A");
        await engine.RunAsync(sender, default, "B");

        Assert.Equal("1", Assert.Single(await engine.GetMessagesAsync("R", Cancel)).Value);
        Assert.Equal("0 DBOS.send, 1 DBOS.send", await engine.StepsAsync("B"));
    }

    [Theory]
    [InlineData(true, "0,1")]
    [InlineData(false, "0,1,2")]
    public async Task A_step_sends_once_for_each_attempt_unless_it_gives_a_key(bool keyed, string expected)
    {
        var workflow = Workflow.Define<Unit>("retrying", Body);
        var engine = await LaunchAsync(workflow, Nothing);
        await engine.RunAsync(Nothing, default, "R");

        await engine.RunAsync(workflow, default, "A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, Nothing);
        await engine.ResultAsync<Unit>("A");

        var values = (await engine.GetMessagesAsync("R", Cancel)).Select(message => message.Value);
        Assert.Equal(expected, string.Join(',', values));
        Assert.Equal("0 send", await engine.StepsAsync("A"));

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("send", async s =>
            {
                if (s.Attempt == 1)
                {
                    await s.Client.SendAsync("R", 0, cancellationToken: s);
                }

                await s.Client.SendAsync("R", s.Attempt, idempotencyKey: keyed ? s.IdempotencyKey : null, cancellationToken: s);
                if (s.Attempt < 2)
                {
                    throw new InvalidOperationException("again");
                }
            }).Retry(delay: TimeSpan.Zero);
        }
    }

    [Fact]
    public async Task Several_messages_arrive_in_the_order_given_and_are_one_step()
    {
        var receiver = Flows.Receiver<int>();
        var sender = Flows.Series(
            "sender", () => [Step.SendMany([("A", 1, null, null), ("B", 2, null, null), ("A", 3, (string?)null, (string?)null)])]);
        var engine = await LaunchAsync(receiver, sender);
        var handles = new[] { await engine.BeginAsync(receiver, 4, "A"), await engine.BeginAsync(receiver, 1, "B") };

        await engine.RunAsync(sender, default, "S");
        await engine.SendManyAsync([("A", 4, null, null), ("A", 5, (string?)null, (string?)null)], cancellationToken: Cancel);

        Assert.Equal([1, 3, 4, 5], await handles[0].ResultAsync());
        Assert.Equal([2], await handles[1].ResultAsync());
        Assert.Equal(["0 DBOS.sendBulk - portable_json"], await Database.StepRowsAsync("S"));
    }

    [Fact]
    public async Task No_messages_are_nothing_and_one_step()
    {
        var workflow = Flows.Series("sender", () => [Step.SendMany<int>([]), Step.SendMany<int>([])]);
        var engine = await LaunchAsync(workflow);

        await engine.SendManyAsync<int>([], cancellationToken: Cancel);
        await engine.RunAsync(workflow, default, "A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);
        await engine.ResultAsync<Unit>("A");

        Assert.Equal("0 DBOS.sendBulk, 1 DBOS.sendBulk", await engine.StepsAsync("A"));
        Assert.Equal(0, await Database.MessagesAsync());
    }

    [Fact]
    public async Task A_format_that_is_none_is_refused_as_in_a_step()
    {
        const PayloadFormat None = (PayloadFormat)7;
        var engine = await LaunchAsync(Nothing);
        await engine.RunAsync(Nothing, default, "A");
        (string, int, string?, string?)[] many = [("A", 1, null, null)];

        Assert.Throws<ArgumentOutOfRangeException>("format", () => Step.Send("A", 1, format: None));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            "format", () => engine.SendAsync("A", 1, format: None, cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            "format", () => engine.SendAsync("A", 1, format: None, toForks: true, cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("format", () => engine.SendManyAsync(many, None, Cancel));

        Assert.Equal(0, await Database.MessagesAsync());
    }

    [Fact]
    public async Task Of_several_messages_none_is_sent_where_one_has_nowhere_to_go_or_a_key_stands_twice()
    {
        var engine = await LaunchAsync(Nothing);
        await engine.RunAsync(Nothing, default, "A");
        (string, int, string?, string?) fine = ("A", 1, null, "key");

        var missing = await Assert.ThrowsAsync<NonExistentWorkflowException>(
            () => engine.SendManyAsync([fine, ("nope", 2, null, null)], cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.SendManyAsync([fine, ("A", 2, "t", "key")], cancellationToken: Cancel));

        Assert.Equal("nope", missing.WorkflowId);
        Assert.Equal(0, await Database.MessagesAsync());
        await engine.SendManyAsync([fine, ("A", 2, null, null)], cancellationToken: Cancel);
        Assert.Equal(2, await Database.MessagesAsync());
    }

    // SV-02: the key is free afterwards, and whoever waits at the other destination has not been told of anything.
    [Theory]
    [InlineData("client")]
    [InlineData("workflow")]
    [InlineData("step")]
    public async Task Nothing_is_left_of_messages_of_which_one_has_nowhere_to_go(string sender)
    {
        (string, int, string?, string?)[] messages = [("R", 1, null, "key"), ("nope", 2, null, "key")];
        var receiver = Flows.Receiver<int>();
        var sending = Workflow.Define<bool, string>("sending", Body);
        var engine = await LaunchAsync(receiver, sending, Nothing);
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel);
        var handle = await engine.BeginAsync(receiver, 1, "R");
        await Eventually.TrueAsync(() => engine.Core.Wakeups.Inboxes.Count == 1, Bounded.Limit, "it waits");

        var refused = sender == "client"
            ? await RefusedAsync(() => client.SendManyAsync(messages, cancellationToken: Cancel))
                + await RefusedAsync(() => client.SendAsync("nope", 2, cancellationToken: Cancel))
            : await engine.RunAsync(sending, true, "S") + await engine.RunAsync(sending, false, "S2");

        Assert.Equal("nope nope ", refused);
        Assert.Equal(0, await Database.MessagesAsync());
        await client.SendAsync("R", 3, idempotencyKey: "key", cancellationToken: Cancel);
        Assert.Equal([3], await handle.ResultAsync());
        await engine.RunAsync(Nothing, default, "nope");
        await client.SendManyAsync(messages, cancellationToken: Cancel);
        Assert.Equal((2, 1), (await Database.MessagesAsync(), await Database.UnreadAsync()));

        async IAsyncEnumerable<StepOr<string>> Body(bool bulk, WorkflowContext workflow)
        {
            Step<Unit> send = (sender, bulk) switch
            {
                ("workflow", true) => Step.SendMany(messages),
                ("workflow", false) => Step.Send("nope", 2),
                (_, true) => Step.Run("send", s => s.Workflows.SendManyAsync(messages, cancellationToken: s)),
                (_, false) => Step.Run("send", s => s.Client.SendAsync("nope", 2, cancellationToken: s)),
            };
            yield return send.Try(out var sent);
            yield return sent.Error!.Is<NonExistentWorkflowException>() && sent.Error!.Message.Contains("'nope'") ? "nope " : "another ";
        }

        static async Task<string> RefusedAsync(Func<Task> send) =>
            (await Assert.ThrowsAsync<NonExistentWorkflowException>(send)).WorkflowId + " ";
    }

    [Fact]
    public async Task A_missing_destination_ends_a_workflow_that_does_not_tolerate_it()
    {
        var sender = Flows.Series("sender", () => [Step.SendMany([("A", 1, null, null), ("nope", 2, (string?)null, (string?)null)])]);
        var engine = await LaunchAsync(sender, Nothing);
        await engine.RunAsync(Nothing, default, "A");

        var failure = await (await engine.BeginAsync(sender, default, "S")).FailureAsync();

        Assert.True(failure.Is<NonExistentWorkflowException>());
        Assert.Equal(0, await Database.MessagesAsync());
    }

    [Fact]
    public async Task More_than_a_server_takes_at_once_is_refused_before_anything_is_stored()
    {
        (string, string, string?, string?)[] messages =
            [.. Enumerable.Range(0, 20).Select(_ => ("A", new string('x', 100), "t", (string?)null))];
        var sender = Flows.Series("sender", () => [Step.SendMany(messages[..5]), Step.SendMany(messages)]);
        var engine = await LaunchAsync(options => options.Limits = new() { SendBytesMax = 2_000 }, sender, Nothing);
        await engine.RunAsync(Nothing, default, "A");

        var failure = await (await engine.BeginAsync(sender, default, "S")).FailureAsync();
        var refused = await Assert.ThrowsAsync<SerializationFailedException>(
            () => engine.SendManyAsync(messages, cancellationToken: Cancel));

        Assert.True(failure.Is<SerializationFailedException>());
        Assert.Contains("2,000 bytes that one send may store. Send them in portions", refused.Message, StringComparison.Ordinal);
        Assert.Equal("0 DBOS.sendBulk, 1 DBOS.sendBulk failed", await engine.StepsAsync("S"));
        Assert.Equal(5, await Database.MessagesAsync());
    }

    [Fact]
    public async Task A_message_for_forks_too_goes_to_all_of_them_and_theirs()
    {
        var engine = await LaunchAsync(Nothing);
        foreach (var id in new[] { "root", "fork", "fork of the fork", "stranger" })
        {
            await engine.RunAsync(Nothing, default, id);
        }

        await Database.ExecuteAsync("UPDATE workflow_status SET forked_from = 'root' WHERE workflow_uuid = 'fork'");
        await Database.ExecuteAsync("UPDATE workflow_status SET forked_from = 'fork' WHERE workflow_uuid = 'fork of the fork'");

        await engine.SendAsync("root", 1, idempotencyKey: "key", toForks: true, cancellationToken: Cancel);
        await engine.SendAsync("root", 2, idempotencyKey: "key", toForks: true, cancellationToken: Cancel);
        await engine.SendAsync("fork", 3, cancellationToken: Cancel);
        var missing = await Assert.ThrowsAsync<NonExistentWorkflowException>(
            () => engine.SendAsync("nope", 4, toForks: true, cancellationToken: Cancel));

        Assert.Equal(("1", "1 3", "1", ""), (await Of("root"), await Of("fork"), await Of("fork of the fork"), await Of("stranger")));
        Assert.Equal("nope", missing.WorkflowId);

        async Task<string> Of(string id) => string.Join(' ', (await engine.GetMessagesAsync(id, Cancel)).Select(message => message.Value));
    }

    [Fact]
    public async Task The_messages_of_a_workflow_are_listed_as_they_arrived_read_or_not()
    {
        var receiver = Flows.Receiver<Parcel>("t");
        var engine = await LaunchAsync(receiver);
        var before = DateTimeOffset.UtcNow.AddSeconds(-5);
        await engine.SendManyAsync<Parcel?>([], cancellationToken: Cancel);
        var handle = await engine.BeginAsync(receiver, 1, "R");
        await engine.SendAsync("R", new Parcel("pens", 1.10m), "t", "key", cancellationToken: Cancel);
        await handle.ResultAsync();
        await engine.SendAsync<string?>("R", null, cancellationToken: Cancel);
        await engine.SendAsync("R", new Parcel("ink", 2), format: PayloadFormat.PortableJson, cancellationToken: Cancel);

        var messages = await engine.GetMessagesAsync("R", Cancel);

        Assert.Equal(
            [
                ("key::R", "t", """{"Item":"pens","Weight":1.10}""", true),
                ("", null, "null", false),
                ("", null, """{"Item":"ink","Weight":"2"}""", false),
            ],
            messages.Select(message => (message.Id == "key::R" ? message.Id : "", message.Topic, message.Value, message.Consumed)));
        Assert.All(messages, message => Assert.InRange(message.SentAt, before, before.AddMinutes(5)));
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.GetMessagesAsync("nope", Cancel));
    }

    [Fact]
    public async Task Senders_that_use_the_same_keys_at_once_deliver_each_once_whatever_their_order()
    {
        const int Rounds = 10;
        var engine = await LaunchAsync(Nothing);
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2");
        await engine.RunAsync(Nothing, default, "A");
        await engine.RunAsync(Nothing, default, "B");

        await Task.WhenAll(Enumerable.Range(0, Rounds * 4).Select(i =>
        {
            (string, int, string?, string?)[] messages = [("A", 1, null, $"key {i % Rounds}"), ("B", 2, null, $"key {i % Rounds}")];
            return (i % 2 == 0 ? engine : other).SendManyAsync(
                (i / Rounds) % 2 == 0 ? messages : [messages[1], messages[0]], cancellationToken: Cancel);
        })).Within(Bounded.Limit);

        Assert.Equal(Rounds * 2, await Database.MessagesAsync());
    }

    [Fact]
    public async Task Caller_who_has_given_up_already_sends_nothing()
    {
        var receiving = Parkable.Receiving();
        var engine = await LaunchAsync(receiving);
        var handle = await engine.BeginAsync(receiving, default, "A");
        var given = new CancellationToken(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.SendAsync("A", 7, "t", cancellationToken: given));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => engine.SendManyAsync([("A", 7, (string?)"t", (string?)null)], cancellationToken: given));
        await engine.SendAsync("A", 8, "t", cancellationToken: Cancel);

        Assert.Equal(8, await handle.ResultAsync());
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM notifications"));
    }

    [Fact]
    public async Task A_message_to_a_workflow_that_has_ended_is_kept_and_never_read()
    {
        var engine = await LaunchAsync(Nothing);
        await engine.RunAsync(Nothing, default, "A");

        await engine.SendAsync("A", 1, cancellationToken: Cancel);

        Assert.False(Assert.Single(await engine.GetMessagesAsync("A", Cancel)).Consumed);
        Assert.Equal(WorkflowState.Success, await engine.StateOfAsync("A"));
    }

    private sealed record Parcel(string Item, decimal Weight);
}
