using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Streams as they are written: order, closing, retries, replays. Scenarios ST-01, ST-04, ST-09.</summary>
public abstract class StreamSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task Values_are_read_in_the_order_written_each_stream_by_itself()
    {
        var workflow = Flows.Series(
            "writer",
            () =>
            [
                Step.WriteStream("a", new Reading(1, "one")),
                Step.WriteStream("b", 10),
                Step.WriteStream<Reading?>("a", null),
                Step.Run("write", async s =>
                {
                    await s.Client.WriteStreamAsync("b", 20, s);
                    await s.Client.WriteStreamAsync("a", new Reading(3, "three"), s);
                    await s.Client.CloseStreamAsync("b", s);
                }),
                Step.CloseStream("a"),
                Step.CloseStream("empty"),
            ]);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "W");

        Assert.Equal([new Reading(1, "one"), null, new Reading(3, "three")], await engine.ReadAllAsync<Reading?>("W", "a"));
        Assert.Equal([10, 20], await engine.ReadAllAsync<int>("W", "b"));
        Assert.Empty(await engine.ReadAllAsync<int>("W", "empty"));
        Assert.Empty(await engine.ReadAllAsync<int>("W", "never written"));
        Assert.Equal(
            "0 DBOS.writeStream, 1 DBOS.writeStream, 2 DBOS.writeStream, 3 write, 4 DBOS.closeStream, 5 DBOS.closeStream",
            await engine.StepsAsync("W"));
    }

    [Fact]
    public async Task A_stream_stands_in_the_table_as_every_dbos_library_writes_it()
    {
        var workflow = Flows.Series(
            "writer",
            () => [Step.WriteStream("s", "v"), Step.Run("write", s => s.Client.WriteStreamAsync("s", 2, s)), Step.CloseStream("s")]);
        var engine = await LaunchAsync(workflow);
        await (await engine.StartAsync(workflow, default, new() { Id = "W", Format = PayloadFormat.PortableJson }, Cancel)).ResultAsync();

        Assert.Equal(
            ["s|0|\"v\"|0|portable_json", "s|1|2|1|portable_json", "s|2|\"__DBOS_STREAM_CLOSED__\"|2|portable_json"],
            await RowsAsync());
        Assert.Equal("0 DBOS.writeStream - portable_json", (await Database.StepRowsAsync("W"))[0]);
        Assert.Equal("2 DBOS.closeStream - portable_json", (await Database.StepRowsAsync("W"))[2]);
    }

    [Fact]
    public async Task A_retried_step_writes_for_each_attempt_and_a_replay_writes_nothing()
    {
        var workflow = Flows.Series(
            "writer",
            () =>
            [
                Step.Run("write", async s =>
                {
                    await s.Client.WriteStreamAsync("s", s.Attempt, s);
                    if (s.Attempt < 4)
                    {
                        throw new InvalidOperationException("again");
                    }
                }).Retry(attempts: 4, delay: TimeSpan.Zero),
                Step.WriteStream("s", 5),
            ]);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "W");
        Assert.Equal([1, 2, 3, 4, 5], await engine.ReadAllAsync<int>("W", "s"));
        var rows = await RowsAsync();

        engine = await FlipAndRelaunchAsync(engine, ["W"], workflow);
        await engine.ResultAsync<Unit>("W");

        Assert.Equal(rows, await RowsAsync());
        Assert.Equal([1, 2, 3, 4, 5], await engine.ReadAllAsync<int>("W", "s"));
        Assert.Equal("0 write, 1 DBOS.writeStream", await engine.StepsAsync("W"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_whose_answer_is_lost_is_there_once(bool afterEffect)
    {
        var failed = 0;
        Func<StoreCall, CancellationToken, Task> fail = (call, _) =>
            call.Batch.Any(unit => unit is Storage.StreamUnit or Storage.EventUnit) && Interlocked.Increment(ref failed) % 2 == 1
                ? throw CallFaults.Unavailable("Every other time.")
                : Task.CompletedTask;
        var faults = new CallFaults();
        (faults.Before, faults.After) = afterEffect ? (faults.Before, fail) : (fail, faults.After);
        var workflow = Flows.Series(
            "writer", () => [Step.WriteStream("s", 1), Step.SetEvent("k", 2), Step.WriteStream("s", 3), Step.CloseStream("s")]);
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), workflow);

        await engine.RunAsync(workflow, default, "W");

        Assert.Equal(8, failed);
        Assert.Equal([1, 3], await engine.ReadAllAsync<int>("W", "s"));
        Assert.Equal(3, (await RowsAsync()).Length);
        Assert.Equal(1, await Database.CountAsync("SELECT count(*) FROM workflow_events_history"));
    }

    [Fact]
    public async Task A_write_after_the_close_is_a_recorded_failure_and_closing_again_is_nothing()
    {
        var workflow = Workflow.Define<Unit, string>("writer", Body);
        var engine = await LaunchAsync(workflow);
        var first = await engine.RunAsync(workflow, default, "W");
        var rows = await RowsAsync();

        engine = await FlipAndRelaunchAsync(engine, ["W"], workflow);

        Assert.Equal("DBOS5005 True W s True", first);
        Assert.Equal(first, await engine.ResultAsync<string>("W"));
        Assert.Equal([0], await engine.ReadAllAsync<int>("W", "s"));
        Assert.Equal((2, rows.Length), (rows.Length, (await RowsAsync()).Length));
        Assert.Equal(
            "0 DBOS.writeStream, 1 DBOS.closeStream, 2 DBOS.writeStream failed, 3 DBOS.closeStream, 4 write failed, 5 close",
            await engine.StepsAsync("W"));

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.WriteStream("s", 0);
            yield return Step.CloseStream("s");
            yield return Step.WriteStream("s", 1).Try(out var late);
            yield return Step.CloseStream("s");
            yield return Step.Run("write", s => s.Client.WriteStreamAsync("s", 2, s)).Try(out var inside);
            yield return Step.Run("close", s => s.Client.CloseStreamAsync("s", s));
            var (failure, message) = (late.Error!, late.Error!.Message);
            var named = $"{(message.Contains("'W'") ? "W" : "")} {(message.Contains("'s'") ? "s" : "")}";
            yield return $"{failure.Code} {failure.Is<StreamClosedException>()} {named} {inside.Error!.Is<StreamClosedException>()}";
        }
    }

    [Fact]
    public async Task A_write_after_the_close_ends_a_workflow_that_does_not_tolerate_it()
    {
        var workflow = Flows.Series("writer", () => [Step.CloseStream("s"), Step.WriteStream("s", 1)]);
        var engine = await LaunchAsync(workflow);

        var failure = await (await engine.BeginAsync(workflow, default, "W")).FailureAsync();

        Assert.True(failure.Is<StreamClosedException>());
    }

    [Fact]
    public async Task The_text_that_closes_a_stream_is_no_value_of_one_and_what_holds_it_is()
    {
        const string Marker = "__DBOS_STREAM_CLOSED__";
        var workflow = Flows.Series(
            "writer", () => [Step.WriteStream("s", new Reading(1, Marker)), Step.WriteStream("s", $"\"{Marker}\""), Step.CloseStream("s")]);
        var refusing = Flows.Series("refusing", () => [Step.Run("write", s => s.Client.WriteStreamAsync("s", Marker, s))]);
        var engine = await LaunchAsync(workflow, refusing);
        var handle = await engine.StartAsync(workflow, default, new() { Id = "W", Format = PayloadFormat.PortableJson }, Cancel);
        await handle.ResultAsync();
        var failure = await (await engine.BeginAsync(refusing, default, "R")).FailureAsync();

        Assert.Throws<ArgumentException>(() => Step.WriteStream("s", Marker));
        Assert.True(failure.Is<ArgumentException>());
        Assert.Equal(3, (await RowsAsync()).Length);
        Assert.Equal(2, (await engine.ReadAllAsync<System.Text.Json.JsonElement>("W", "s")).Count);
    }

    [Fact]
    public async Task A_thousand_values_of_one_step_keep_their_order_and_are_stored_together()
    {
        const int Values = 1000;
        var commits = 0;
        var faults = new CallFaults
        {
            Before = (call, _) =>
            {
                commits += call.Batch.Any(unit => unit is Storage.StreamUnit) ? 1 : 0;
                return Task.CompletedTask;
            },
        };
        var workflow = Flows.Series(
            "writer",
            () =>
            [
                Step.Run("write", s => Task.WhenAll(Enumerable.Range(0, Values).Select(i => s.Client.WriteStreamAsync("s", i, s)))),
                Step.CloseStream("s"),
            ]);
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), workflow);
        var handle = await engine.BeginAsync(workflow, default, "W");

        var values = await engine.ReadAllAsync<int>("W", "s");

        await handle.ResultAsync();
        Assert.Equal(Enumerable.Range(0, Values), values);
        Assert.Equal(Values + 1, (await RowsAsync()).Length);
        Assert.InRange(commits, 2, 50);
    }

    [Fact]
    public async Task Large_values_of_one_step_are_stored_in_units_that_a_server_takes()
    {
        const int Values = 5;
        var (gathered, sizes) = (new TaskCompletionSource(), new List<long>());
        var faults = new CallFaults
        {
            Before = async (call, token) =>
            {
                foreach (var unit in call.Batch.OfType<Storage.StreamUnit>())
                {
                    sizes.Add(unit.Size);
                    await gathered.Task.WaitAsync(token);
                }
            },
        };
        var large = new string('x', 4_000_000);
        var workflow = Flows.Series("writer", () => [Step.Run("write", WriteAsync)]);
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), workflow);

        await engine.RunAsync(workflow, default, "W");

        Assert.Equal(Values, (await RowsAsync()).Length);
        Assert.Equal(3, sizes.Count);
        Assert.All(sizes, size => Assert.InRange(size, 1, 16 << 20));

        async Task WriteAsync(StepContext context)
        {
            var writes = Enumerable.Range(0, Values).Select(_ => context.Client.WriteStreamAsync("s", large, context)).ToArray();
            gathered.SetResult();
            await Task.WhenAll(writes);
        }
    }

    [Fact]
    public async Task Steps_that_write_one_stream_at_once_lose_nothing_and_keep_each_their_order()
    {
        const int Steps = 4;
        const int Each = 50;
        var workflow = Flows.Series(
            "writer",
            () =>
            [
                Step.All(Enumerable.Range(0, Steps).Select(step => Step.Run($"step {step}", s => WriteAsync(s, step)))),
                Step.CloseStream("s"),
            ]);
        var engine = await LaunchAsync(workflow);
        await engine.RunAsync(workflow, default, "W");

        var values = await engine.ReadAllAsync<int>("W", "s");

        Assert.Equal(Steps * Each, values.Count);
        Assert.All(
            values.ToLookup(value => value / Each), ofStep => Assert.Equal(Enumerable.Range(ofStep.Key * Each, Each), ofStep));
        Assert.Equal(Each, await Database.CountAsync("SELECT count(*) FROM streams WHERE function_id = 2"));

        static async Task<int> WriteAsync(StepContext s, int step)
        {
            for (var i = 0; i < Each; i++)
            {
                await s.Client.WriteStreamAsync("s", (step * Each) + i, s);
            }

            return step;
        }
    }

    private async Task<string[]> RowsAsync()
    {
        var rows = await Database.QueryAsync(
            """SELECT key, "offset", value, function_id, serialization FROM streams ORDER BY key, "offset" """);
        return [.. rows.Select(row => string.Join('|', row))];
    }

    private sealed record Reading(int Number, string Text);
}
