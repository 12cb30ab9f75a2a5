namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What users get wrong with messages, events and streams: refused where it is given, and nothing is stored of it.</summary>
public abstract class MessagingInputSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const string NoTopic = "__null__topic__";
    private const string StreamClosed = "__DBOS_STREAM_CLOSED__";

    private static readonly WorkflowDefinition<Unit, Unit> Nothing = Flows.Nothing();

    public static TheoryData<string> BadNames() => BadInputSuite.BadIds();

    [Theory]
    [MemberData(nameof(BadNames))]
    public async Task An_id_topic_or_key_that_is_blank_too_long_or_not_printable_is_refused_to_a_client(string bad)
    {
        var engine = await LaunchAsync(Nothing);
        await engine.RunAsync(Nothing, default, "A");
        foreach (var use in new Func<Task>[]
        {
            () => engine.SendAsync(bad, 1, cancellationToken: Cancel),
            () => engine.SendAsync("A", 1, topic: bad, cancellationToken: Cancel),
            () => engine.SendAsync("A", 1, idempotencyKey: bad, cancellationToken: Cancel),
            () => engine.SendAsync(bad, 1, toForks: true, cancellationToken: Cancel),
            () => engine.SendManyAsync([("A", 1, null, null), (bad, 2, (string?)null, (string?)null)], cancellationToken: Cancel),
            () => engine.SendManyAsync([("A", 1, null, null), ("A", 2, bad, (string?)null)], cancellationToken: Cancel),
            () => engine.GetMessagesAsync(bad, Cancel),
            () => engine.GetEventAsync<int>(bad, "k", TimeSpan.Zero, Cancel),
            () => engine.GetEventAsync<int>("A", bad, TimeSpan.Zero, Cancel),
            () => engine.GetAllEventsAsync<int>(bad, Cancel),
            () => engine.ReadAllAsync<int>(bad, "k"),
            () => engine.ReadAllAsync<int>("A", bad),
        })
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(use);
        }

        await NothingIsStoredAsync();
    }

    [Theory]
    [MemberData(nameof(BadNames))]
    public async Task An_id_topic_or_key_that_is_blank_too_long_or_not_printable_is_refused_inside_a_step(string bad)
    {
        var workflow = Workflow.Define<Unit, int>("bad", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal(9, await engine.RunAsync(workflow, default, "A"));
        await NothingIsStoredAsync();

        async IAsyncEnumerable<StepOr<int>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("refused", s => CountAsync(
            [
                () => s.Client.SendAsync(bad, 1),
                () => s.Client.SendAsync("A", 1, bad),
                () => s.Client.SendAsync("A", 1, null, bad),
                () => s.Client.SetEventAsync(bad, 1),
                () => s.Client.WriteStreamAsync(bad, 1),
                () => s.Client.CloseStreamAsync(bad),
                () => s.Client.GetStatusAsync(bad),
                () => s.Client.GetEventAsync<int>("A", bad, TimeSpan.Zero),
                async () => await s.Client.ReadStreamAsync<int>("A", bad).GetAsyncEnumerator().MoveNextAsync(),
            ])).As(out var refused);
            yield return refused.Result;
        }

        static async Task<int> CountAsync(Func<Task>[] uses)
        {
            foreach (var use in uses)
            {
                await Assert.ThrowsAnyAsync<ArgumentException>(use);
            }

            return uses.Length;
        }
    }

    [Theory]
    [InlineData("topic")]
    [InlineData("marker")]
    [InlineData("timeout")]
    [InlineData("key twice")]
    [InlineData("blank id")]
    [InlineData("blank topic")]
    [InlineData("blank key")]
    [InlineData("blank event")]
    [InlineData("blank stream")]
    [InlineData("get timeout")]
    [InlineData("read timeout")]
    [InlineData("offset")]
    public async Task What_is_refused_where_a_step_is_made_ends_the_workflow_and_leaves_no_checkpoint(string what)
    {
        var workflow = Flows.Series("bad", () =>
        [
            what switch
            {
                "topic" => Step.Send("A", 1, NoTopic),
                "marker" => Step.WriteStream("s", StreamClosed),
                "timeout" => Step.Receive<int>(null, TimeSpan.FromSeconds(-1)),
                "blank id" => Step.Send(" ", 1),
                "blank topic" => Step.Receive<int>(" "),
                "blank key" => Step.Send("A", 1, null, " "),
                "blank event" => Step.SetEvent(" ", 1),
                "blank stream" => Step.WriteStream(" ", 1),
                "get timeout" => Step.GetEvent<int>("A", "k", TimeSpan.FromTicks(-1)),
                "read timeout" => Step.ReadStream<int>("A", "s", 0, TimeSpan.MinValue),
                "offset" => Step.ReadStream<int>("A", "s", -1),
                _ => Step.SendMany([("A", 1, null, "key"), ("A", 2, (string?)null, "key")]),
            },
        ]);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.True(failure.Is<ArgumentException>());
        Assert.Equal(0, await CheckpointCountAsync("A"));
        await NothingIsStoredAsync();
    }

    [Fact]
    public async Task The_reserved_topic_and_times_before_now_are_refused_to_a_client()
    {
        var engine = await LaunchAsync(Nothing);
        await engine.RunAsync(Nothing, default, "A");
        var negative = TimeSpan.FromTicks(-1);

        await Assert.ThrowsAsync<ArgumentException>(() => engine.SendAsync("A", 1, NoTopic, cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.GetEventAsync<int>("A", "k", negative, Cancel));
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.ReadStreamAsync<int>("A", "k", -1, null, Cancel));
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.ReadStreamAsync<int>("A", "k", 0, negative, Cancel));
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.ReadStreamAsync<int>("A", "k", 0, TimeSpan.MinValue, Cancel));
        Assert.Throws<ArgumentNullException>(() => { _ = engine.SendManyAsync<int>(null!, cancellationToken: Cancel); });
        await NothingIsStoredAsync();
    }

    [Fact]
    public async Task What_cannot_be_stored_is_refused_to_a_client_with_all_that_would_go_with_it()
    {
        var engine = await LaunchAsync(Nothing);
        await engine.RunAsync(Nothing, default, "A");
        var cycle = new Node();
        cycle.Next = cycle;

        var refused = await Assert.ThrowsAsync<SerializationFailedException>(() => engine.SendAsync("A", cycle, cancellationToken: Cancel));
        Assert.StartsWith("DBOS1005: The message for workflow 'A' cannot be sent", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<SerializationFailedException>(() => engine.SendManyAsync(
            [("A", new Node(), null, null), ("A", cycle, (string?)null, (string?)null)], cancellationToken: Cancel));
        await NothingIsStoredAsync();
    }

    [Theory]
    [InlineData("send")]
    [InlineData("send many")]
    [InlineData("event")]
    [InlineData("stream")]
    public async Task What_cannot_be_stored_is_a_recorded_failure_of_the_step_that_would_write_it(string what)
    {
        var workflow = Workflow.Define<Unit, string>("bad", Body);
        var engine = await LaunchAsync(workflow, Nothing);
        await engine.RunAsync(Nothing, default, "B");

        var told = await engine.RunAsync(workflow, default, "A");
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, Nothing);

        var place = what switch
        {
            "event" => "Event 'k' of workflow 'A' cannot be set",
            "stream" => "A value for stream 's' of workflow 'A' cannot be written",
            _ => "The message for workflow 'B' cannot be sent",
        };
        Assert.Equal($"True True|DBOS1005: {place}|DBOS1005: {place}", told);
        Assert.Equal(told, await engine.ResultAsync<string>("A"));
        Assert.EndsWith(" failed, 1 inside failed", await engine.StepsAsync("A"));
        await NothingIsStoredAsync();

        static string Begin(RecordedFailure failure) => failure.Message[..failure.Message.IndexOf(". ", StringComparison.Ordinal)];

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            var cycle = new Node();
            cycle.Next = cycle;
            yield return (what switch
            {
                "send" => Step.Send("B", cycle),
                "send many" => Step.SendMany([("B", new Node(), null, null), ("B", cycle, (string?)null, (string?)null)]),
                "event" => Step.SetEvent("k", cycle),
                _ => Step.WriteStream("s", cycle),
            }).Try(out var outside);
            yield return Step.Run("inside", s => what switch
            {
                "event" => s.Client.SetEventAsync("k", cycle, s),
                "stream" => s.Client.WriteStreamAsync("s", cycle, s),
                _ => s.Client.SendAsync("B", cycle, cancellationToken: s),
            }).Try(out var inside);
            var (first, second) = (outside.Error!, inside.Error!);
            yield return $"{first.Is<SerializationFailedException>()} {second.Is<SerializationFailedException>()}"
                + $"|{Begin(first)}|{Begin(second)}";
        }
    }

    [Fact]
    public async Task A_stream_value_that_cannot_be_stored_ends_a_workflow_that_does_not_tolerate_it_and_those_before_it_stay()
    {
        var workflow = Flows.Series("bad", () => [Step.WriteStream("s", 1), Step.WriteStream("s", () => 2), Step.WriteStream("s", 3)]);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "A")).FailureAsync();

        Assert.StartsWith(
            "DBOS1005: A value for stream 's' of workflow 'A' cannot be written. ", failure.Message, StringComparison.Ordinal);
        Assert.Equal([1], await engine.ReadAllAsync<int>("A", "s"));
        Assert.Equal("0 DBOS.writeStream, 1 DBOS.writeStream failed", await engine.StepsAsync("A"));
    }

    [Fact]
    public async Task Times_before_now_and_offsets_below_zero_are_refused_inside_a_step()
    {
        var negative = TimeSpan.FromTicks(-1);
        var workflow = Workflow.Define<Unit, string>("bad").Step("refused", x =>
        {
            var client = x.Step.Client;
            var below = TimeSpan.MinValue;
            string?[] parameters =
            [
                Assert.Throws<ArgumentOutOfRangeException>(() => { _ = client.GetEventAsync<int>("A", "k", negative, Cancel); }).ParamName,
                Assert.Throws<ArgumentOutOfRangeException>(() => { _ = client.GetEventAsync<int>("A", "k", below, Cancel); }).ParamName,
                Assert.Throws<ArgumentOutOfRangeException>(() => client.ReadStreamAsync<int>("A", "s", 0, negative, Cancel)).ParamName,
                Assert.Throws<ArgumentOutOfRangeException>(() => client.ReadStreamAsync<int>("A", "s", -1, null, Cancel)).ParamName,
                Assert.ThrowsAny<ArgumentException>(() => { _ = client.SendAsync("A", 1, NoTopic, null, Cancel); }).ParamName,
                Assert.ThrowsAny<ArgumentException>(() => { _ = client.WriteStreamAsync("s", StreamClosed, Cancel); }).ParamName,
            ];
            return Task.FromResult(string.Join(' ', parameters));
        }).As(out var refused).Return(x => x.Get(refused));
        var engine = await LaunchAsync(workflow);

        Assert.Equal("timeout timeout valueTimeout offset topic value", await engine.RunAsync(workflow, default, "A"));
        await NothingIsStoredAsync();
    }

    [Theory]
    [InlineData("event")]
    [InlineData("stream")]
    public async Task A_value_of_another_type_is_refused_to_a_step_with_its_place_and_stays_for_others(string what)
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", "text"), Step.WriteStream("s", "text"), Step.CloseStream("s")]);
        var reader = Workflow.Define<Unit, string>("reader").Step("read", async x => what == "event"
                ? (await x.Step.Client.GetEventAsync<int>("W", "k", TimeSpan.Zero, x.CancellationToken)).Value
                : await x.Step.Client.ReadStreamAsync<int>("W", "s", 0, null, Cancel).FirstAsync(x.CancellationToken))
            .Try(out var read).Return(x => x.Get(read).Error!.Message);
        var engine = await LaunchAsync(setter, reader);
        await engine.RunAsync(setter, default, "W");

        var message = await engine.RunAsync(reader, default, "R");
        engine = await FlipAndRelaunchAsync(engine, ["R"], setter, reader);

        var place = what == "event" ? "Event 'k' of workflow 'W'" : "Value 0 of stream 's' of workflow 'W'";
        Assert.StartsWith($"DBOS1005: {place} cannot be decoded", message, StringComparison.Ordinal);
        Assert.Equal((message, "0 read failed"), (await engine.ResultAsync<string>("R"), await engine.StepsAsync("R")));
        Assert.Equal("text", (await engine.GetEventAsync<string>("W", "k", TimeSpan.Zero, Cancel)).Value);
        Assert.Equal(["text"], await engine.ReadAllAsync<string>("W", "s"));
    }

    [Fact]
    public async Task Any_other_text_is_a_topic_a_key_and_an_id()
    {
        var text = "'; DROP TABLE notifications; -- a::b %_\\ \u20ac \ud83d\ude00" + new string('x', 205);
        var workflow = Workflow.Define<Unit, string>("odd", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, text);
        await engine.SendAsync(text, "message", text, text, cancellationToken: Cancel);

        Assert.Equal("message event value", await handle.ResultAsync());
        Assert.Equal(text, Assert.Single(await engine.GetMessagesAsync(text, Cancel)).Topic);
        Assert.Equal(text, Assert.Single(await engine.GetAllEventsAsync<string>(text, Cancel)).Key);
        Assert.Equal(["value"], await engine.ReadAllAsync<string>(text, text));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.SetEvent(text, "event");
            yield return Step.WriteStream(text, "value");
            yield return Step.Receive<string>(text).As(out var message);
            yield return Step.GetEvent<string>(text, text, TimeSpan.Zero).As(out var set);
            yield return Step.ReadStream<string>(text, text, 0).As(out var value);
            yield return $"{message.Result} {set.Result.Value} {value.Result.Value}";
        }
    }

    [Fact]
    public async Task A_stopped_engine_says_so()
    {
        var engine = await LaunchAsync(Nothing);
        await engine.RunAsync(Nothing, default, "A");
        var waiting = engine.GetEventAsync<int>("A", "k", Timeout.InfiniteTimeSpan, Cancel);
        var reading = engine.ReadAllAsync<int>("A", "k", offset: 0);
        Assert.Empty(await reading);
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        foreach (var use in new Func<Task>[]
        {
            () => waiting.Within(Bounded.Limit),
            () => engine.SendAsync("A", 1, cancellationToken: Cancel),
            () => engine.SendAsync("A", 1, toForks: true, cancellationToken: Cancel),
            () => engine.SendManyAsync<int>([], cancellationToken: Cancel),
            () => engine.GetMessagesAsync("A", Cancel),
            () => engine.GetEventAsync<int>("A", "k", TimeSpan.Zero, Cancel),
            () => engine.GetAllEventsAsync<int>("A", Cancel),
            () => engine.ReadAllAsync<int>("A", "k"),
        })
        {
            Assert.Equal("DBOS1004", (await Assert.ThrowsAsync<EngineNotRunningException>(use)).Code);
        }

        await NothingIsStoredAsync();
    }

    private async Task NothingIsStoredAsync() => Assert.Equal(
        0,
        await Database.CountAsync(
            """
            SELECT (SELECT count(*) FROM notifications) + (SELECT count(*) FROM workflow_events)
                 + (SELECT count(*) FROM workflow_events_history) + (SELECT count(*) FROM streams)
            """));

    private sealed class Node
    {
        public Node? Next { get; set; }
    }
}
