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
    public async Task What_is_refused_where_a_step_is_made_ends_the_workflow_and_leaves_no_checkpoint(string what)
    {
        var workflow = Flows.Series("bad", () =>
        [
            what switch
            {
                "topic" => Step.Send("A", 1, NoTopic),
                "marker" => Step.WriteStream("s", StreamClosed),
                "timeout" => Step.Receive<int>(null, TimeSpan.FromSeconds(-1)),
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
        var workflow = Workflow.Define<Unit, bool>("bad", Body);
        var engine = await LaunchAsync(workflow, Nothing);
        await engine.RunAsync(Nothing, default, "B");

        Assert.True(await engine.RunAsync(workflow, default, "A"));
        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow, Nothing);

        Assert.True(await engine.ResultAsync<bool>("A"));
        Assert.EndsWith(" failed, 1 inside failed", await engine.StepsAsync("A"));
        await NothingIsStoredAsync();

        async IAsyncEnumerable<StepOr<bool>> Body(Unit input, WorkflowContext workflow)
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
            yield return outside.Error!.Is<SerializationFailedException>() && inside.Error!.Is<SerializationFailedException>();
        }
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
