namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Streams as they are read: while they are written, to their end, in time. Scenarios ST-02, ST-08, ST-10.</summary>
public abstract class StreamReadSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);
    private readonly Probe gate = new();

    [Theory]
    [InlineData(WorkflowState.Success)]
    [InlineData(WorkflowState.Error)]
    [InlineData(WorkflowState.Cancelled)]
    public async Task A_reader_that_waits_already_ends_with_a_writer_that_does_not_close(WorkflowState end)
    {
        var workflow = Ending(end);
        var engine = await LaunchAsync(workflow);
        var other = await LaunchOtherAsync();
        var handle = await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        var readers = new[] { engine.ReadAllAsync<int>("W", "s"), other.ReadAllAsync<int>("W", "s") };
        await WaitingAsync(engine);
        await WaitingAsync(other);

        await (end == WorkflowState.Cancelled ? engine.CancelAsync("W", cancellationToken: Cancel) : Task.CompletedTask);
        gate.Open();
        await StateAsync(engine, handle.Id, end);

        foreach (var reader in readers)
        {
            Assert.Equal(end == WorkflowState.Cancelled ? [1] : [1, 2], await reader);
        }

        Assert.Equal(0, engine.Core.Wakeups.Streams.Count + other.Core.Wakeups.Streams.Count);
    }

    // ST-02: they are told. A poll would come after minutes.
    [Theory]
    [InlineData(WorkflowState.Success)]
    [InlineData(WorkflowState.Error)]
    [InlineData(WorkflowState.Cancelled)]
    public async Task The_end_of_a_writer_wakes_its_readers_long_before_a_poll(WorkflowState end)
    {
        var (workflow, rarely) = (Ending(end), TimeSpan.FromMinutes(3));
        var engine = await LaunchAsync(options => options.PollInterval = rarely, workflow);
        var other = await LaunchAsync(options =>
            (options.ExecutorId, options.PollInterval) = ("executor-2", Database.PushesSignals ? rarely : null));
        await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        var readers = new[] { engine.ReadAllAsync<int>("W", "s"), other.ReadAllAsync<int>("W", "s") };
        await WaitingAsync(engine);
        await WaitingAsync(other);

        await (end == WorkflowState.Cancelled ? engine.CancelAsync("W", cancellationToken: Cancel) : Task.CompletedTask);
        gate.Open();

        Assert.All(await Task.WhenAll(readers).Within(Bounded.Limit), read => Assert.Equal(
            end == WorkflowState.Cancelled ? [1] : [1, 2], read));
    }

    // As a program that is not ours ends it, and tells nobody; it has written its last value just before.
    [Theory]
    [InlineData("SUCCESS")]
    [InlineData("ERROR")]
    [InlineData("CANCELLED")]
    [InlineData("MAX_RECOVERY_ATTEMPTS_EXCEEDED")]
    public async Task A_writer_that_ends_unheard_ends_its_readers_with_the_next_poll(string end)
    {
        var engine = await LaunchAsync(options => options.PollInterval = TimeSpan.FromMilliseconds(300));
        await Database.ExecuteAsync(
            "INSERT INTO workflow_status (workflow_uuid, status, name, application_name, created_at, updated_at) "
            + "VALUES ('W', 'PENDING', 'elsewhere', 'others', 1, 1)");
        await Database.InsertStreamValueAsync("W", "s", 0, "1");
        var reading = engine.ReadAllAsync<int>("W", "s");
        await Eventually.TrueAsync(
            () => engine.Core.Wakeups.Streams.Count == 1 && !reading.IsCompleted, Bounded.Limit, "it waits for the second");

        await Database.InsertStreamValueAsync("W", "s", 1, "2");
        await Database.ExecuteAsync($"UPDATE workflow_status SET status = '{end}', completed_at = 2 WHERE workflow_uuid = 'W'");

        Assert.Equal([1, 2], await reading);
    }

    // ST-01: the close ends the readers, whatever the writer does afterwards; so does that of a stream without a value.
    [Fact]
    public async Task A_reader_ends_with_the_close_though_the_writer_goes_on()
    {
        var after = new Probe();
        var workflow = Flows.Series(
            "writer",
            () =>
            [
                Step.WriteStream("s", 1),
                Step.Run("wait", s => gate.PassAsync(s)),
                Step.CloseStream("s"),
                Step.CloseStream("empty"),
                Step.Run("go on", s => after.PassAsync(s)),
            ]);
        var engine = await LaunchAsync(workflow);
        var other = await LaunchOtherAsync();
        var handle = await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        var waiting = new[] { engine.ReadAllAsync<int>("W", "s"), other.ReadAllAsync<int>("W", "s") };
        await WaitingAsync(engine);
        await WaitingAsync(other);
        gate.Open();
        await after.ReachedAsync();

        Assert.Equal([1], await waiting[0].Within(Bounded.Limit));
        Assert.Equal([1], await waiting[1].Within(Bounded.Limit));
        Assert.Equal([1], await other.ReadAllAsync<int>("W", "s").Within(Bounded.Limit));
        Assert.Empty(await other.ReadAllAsync<int>("W", "empty").Within(Bounded.Limit));
        Assert.Equal(WorkflowState.Pending, await engine.StateOfAsync("W"));
        after.Open();
        await handle.ResultAsync();
    }

    [Fact]
    public async Task A_reader_ends_with_a_writer_that_another_process_cancels()
    {
        var workflow = Flows.Series("writer", () => [Step.WriteStream("s", 1), Step.Run("wait", s => gate.PassAsync(s))]);
        var engine = await LaunchAsync(workflow);
        var other = await LaunchOtherAsync();
        await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        var readers = new[] { engine.ReadAllAsync<int>("W", "s"), other.ReadAllAsync<int>("W", "s") };
        await WaitingAsync(engine);
        await WaitingAsync(other);

        await other.CancelAsync("W", cancellationToken: Cancel);

        Assert.Equal([1], await readers[0].Within(Bounded.Limit));
        Assert.Equal([1], await readers[1].Within(Bounded.Limit));
    }

    [Fact]
    public async Task Many_readers_each_read_all_from_where_they_begin()
    {
        const int Values = 250;
        var workflow = Flows.Series(
            "writer",
            () => [.. Enumerable.Range(0, Values).Select(i => Step.WriteStream("s", i)), Step.CloseStream("s")]);
        var engine = await LaunchAsync(workflow);
        var other = await LaunchOtherAsync();
        await engine.BeginAsync(workflow, default, "W");

        var readers = await Task.WhenAll(Enumerable.Range(0, 20).Select(
            i => (i % 2 == 0 ? engine : other).ReadAllAsync<int>("W", "s", offset: i * 10)));

        Assert.All(readers.Index(), read => Assert.Equal(Enumerable.Range(read.Index * 10, Values - (read.Index * 10)), read.Item));
        Assert.Empty(await engine.ReadAllAsync<int>("W", "s", offset: Values));
        Assert.Empty(await engine.ReadAllAsync<int>("W", "s", offset: Values + 7));
    }

    [Fact]
    public async Task The_time_allowed_is_that_of_each_value()
    {
        var time = new ManualTimeProvider();
        var workflow = Flows.Series("writer", () => [Step.Run("wait", s => gate.PassAsync(s))]);
        var engine = await LaunchAsync(
            options => (options.TimeProvider, options.PollInterval) = (time, TimeSpan.FromMilliseconds(50)), workflow);
        await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        await using var reader = engine.ReadStreamAsync<int>("W", "s", 0, TimeSpan.FromMinutes(3), Cancel).GetAsyncEnumerator(Cancel);

        foreach (var offset in new[] { 0, 1 })
        {
            var next = reader.MoveNextAsync();
            await WaitingAsync(engine);
            time.Advance(TimeSpan.FromMinutes(2));
            await Database.InsertStreamValueAsync("W", "s", offset, $"{offset}");
            Assert.True(await next.Within(Bounded.Limit));
            Assert.Equal(offset, reader.Current);
        }

        var late = reader.MoveNextAsync();
        await Eventually.TrueAsync(() => time.TimersPending == 1, Bounded.Limit);
        time.Advance(TimeSpan.FromMinutes(3) + TimeSpan.FromMilliseconds(1));
        var error = await Assert.ThrowsAsync<StreamTimeoutException>(() => late.Within(Bounded.Limit));

        Assert.Equal(("DBOS5004", "W", "s", 2, 3), (error.Code, error.WorkflowId, error.Key, error.Offset, error.Timeout.Minutes));
        await Database.InsertStreamValueAsync("W", "s", 2, "2");
        await foreach (var value in engine.ReadStreamAsync<int>("W", "s", 2, Long, Cancel))
        {
            Assert.Equal(2, value);
            break;
        }
    }

    [Fact]
    public async Task No_time_looks_once()
    {
        var workflow = Flows.Series("writer", () => [Step.WriteStream("s", 1), Step.Run("wait", s => gate.PassAsync(s))]);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        await using var reader = engine.ReadStreamAsync<int>("W", "s", 0, TimeSpan.Zero, Cancel).GetAsyncEnumerator(Cancel);

        Assert.True(await reader.MoveNextAsync());
        await Assert.ThrowsAsync<StreamTimeoutException>(() => reader.MoveNextAsync().AsTask());
    }

    [Fact]
    public async Task A_stream_of_an_unknown_workflow_is_not_an_empty_one()
    {
        var engine = await LaunchAsync();

        var error = await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.ReadAllAsync<int>("nope", "s"));

        Assert.Equal("nope", error.WorkflowId);
    }

    [Theory]
    [InlineData("leaves the loop")]
    [InlineData("cancels")]
    public async Task A_reader_that_goes_away_leaves_nothing_behind(string how)
    {
        var workflow = Flows.Series("writer", () => [Step.WriteStream("s", 1), Step.Run("wait", s => gate.PassAsync(s))]);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var reader = engine.ReadStreamAsync<int>("W", "s", cancellationToken: giveUp.Token).GetAsyncEnumerator(Cancel);
        Assert.True(await reader.MoveNextAsync());
        if (how == "cancels")
        {
            var next = reader.MoveNextAsync();
            await WaitingAsync(engine);
            await giveUp.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.Within(Bounded.Limit));
        }

        await reader.DisposeAsync();

        Assert.Equal(0, engine.Core.Wakeups.Streams.Count);
    }

    [Fact]
    public async Task A_value_of_another_type_is_refused_to_its_reader_and_stays_for_others()
    {
        var workflow = Flows.Series("writer", () => [Step.WriteStream("s", 1), Step.WriteStream("s", "text"), Step.CloseStream("s")]);
        var reading = Flows.One("reader", () => Step.ReadStream<int>("W", "s", 1));
        var engine = await LaunchAsync(workflow, reading);
        await engine.RunAsync(workflow, default, "W");
        await using var reader = engine.ReadStreamAsync<int>("W", "s", cancellationToken: Cancel).GetAsyncEnumerator(Cancel);

        Assert.True(await reader.MoveNextAsync());
        var refused = await Assert.ThrowsAsync<SerializationFailedException>(() => reader.MoveNextAsync().AsTask());
        Assert.Equal("W", refused.WorkflowId);
        Assert.StartsWith("DBOS1005: Value 1 of stream 's' of workflow 'W' cannot be decoded", refused.Message, StringComparison.Ordinal);
        var failed = await Assert.ThrowsAnyAsync<DbosException>(() => engine.RunAsync(reading, default, "R"));
        Assert.Contains("step 0 'DBOS.readStreamOffset' of workflow 'R' was given", failed.Message, StringComparison.Ordinal);

        Assert.Equal(["text"], await engine.ReadAllAsync<string>("W", "s", offset: 1));
        Assert.Equal(3, await Database.CountAsync("SELECT count(*) FROM streams"));
    }

    [Fact]
    public async Task A_step_reads_a_value_or_the_end_and_a_replay_reads_nothing()
    {
        var writer = Flows.Series(
            "writer", () => [Step.WriteStream<int?>("s", 7), Step.WriteStream<int?>("s", null), Step.CloseStream("s")]);
        var unclosed = Flows.Series("unclosed", () => [Step.WriteStream("s", 8)]);
        var reader = Workflow.Define<Unit, string>("reader", Body);
        var engine = await LaunchAsync(writer, unclosed, reader);
        var portable = new StartOptions { Id = "W", Format = PayloadFormat.PortableJson };
        await (await engine.StartAsync(writer, default, portable, Cancel)).ResultAsync();
        await engine.RunAsync(unclosed, default, "U");

        Assert.Equal("True:7 True: False: False: False: True:8 False:", await engine.RunAsync(reader, default, "R"));
        await Database.ExecuteAsync("DELETE FROM streams");
        engine = await FlipAndRelaunchAsync(engine, ["R"], writer, unclosed, reader);

        Assert.Equal("True:7 True: False: False: False: True:8 False:", await engine.ResultAsync<string>("R"));
        var rows = await Database.StepRowsAsync("R");
        Assert.Equal(("0 DBOS.readStreamOffset 7 portable_json", 7), (rows[0], rows.Length));
        Assert.All(rows, row => Assert.Contains(" DBOS.readStreamOffset ", row));

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            List<string> read = [];
            foreach (var (id, offset) in new[] { ("W", 0), ("W", 1), ("W", 2), ("W", 3), ("W", 9), ("U", 0), ("U", 1) })
            {
                yield return Step.ReadStream<int?>(id, "s", offset, TimeSpan.Zero).As(out var value);
                read.Add($"{value.Result.HasValue}:{value.Result.Value}");
            }

            yield return string.Join(' ', read);
        }
    }

    [Fact]
    public async Task A_step_that_gets_no_value_in_time_or_reads_of_nobody_fails_and_that_is_recorded()
    {
        var writer = Flows.Series("writer", () => [Step.Run("wait", s => gate.PassAsync(s))]);
        var reader = Workflow.Define<Unit, string>("reader", Body);
        var engine = await LaunchAsync(writer, reader);
        await engine.BeginAsync(writer, default, "W");
        await gate.ReachedAsync();

        Assert.Equal("DBOS5004 True DBOS5004 DBOS5001", await engine.RunAsync(reader, default, "R"));
        await Database.InsertStreamValueAsync("W", "s", 0, "1");
        engine = await FlipAndRelaunchAsync(engine, ["R"], writer, reader);

        Assert.Equal("DBOS5004 True DBOS5004 DBOS5001", await engine.ResultAsync<string>("R"));
        Assert.Equal(
            "0 DBOS.readStreamOffset failed, 1 DBOS.readStreamOffset failed, 2 DBOS.readStreamOffset failed", await engine.StepsAsync("R"));

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.ReadStream<int>("W", "s", 0, TimeSpan.FromMilliseconds(100)).Try(out var late);
            yield return Step.ReadStream<int>("W", "s", 0, TimeSpan.Zero).Try(out var once);
            yield return Step.ReadStream<int>("nope", "s", 0).Try(out var nobody);
            yield return $"{late.Error!.Code} {late.Error.Is<StreamTimeoutException>()} {once.Error!.Code} {nobody.Error!.Code}";
        }
    }

    [Fact]
    public async Task A_step_waits_for_its_value_without_limit()
    {
        var writer = Flows.Series("writer", () => [Step.Run("wait", s => gate.PassAsync(s)), Step.WriteStream("s", 7)]);
        var reader = Flows.One("reader", () => Step.ReadStream<int>("W", "s", 0));
        var engine = await LaunchAsync(writer);
        var other = await LaunchAsync(options => options.ExecutorId = "executor-2", reader);
        await engine.BeginAsync(writer, default, "W");
        var handle = await other.BeginAsync(reader, default, "R");
        await WaitingAsync(other);

        gate.Open();

        Assert.Equal(new Optional<int>(true, 7), await handle.ResultAsync());
    }

    private WorkflowDefinition<Unit, Unit> Ending(WorkflowState end) => Flows.Series(
        "writer",
        () =>
        [
            Step.WriteStream("s", 1),
            Step.Run("wait", s => gate.PassAsync(s)),
            Step.WriteStream("s", 2),
            Step.Run("end", _ => end == WorkflowState.Error ? throw new InvalidOperationException("broken") : Task.CompletedTask),
        ]);

    private static Task WaitingAsync(WorkflowClient client) =>
        Eventually.TrueAsync(() => client.Core.Wakeups.Streams.Count >= 1, Bounded.Limit, "a reader waits");

    private Task<WorkflowEngine> LaunchOtherAsync() => LaunchAsync(options => options.ExecutorId = "executor-2");
}
