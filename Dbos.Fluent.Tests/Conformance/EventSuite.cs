using System.Diagnostics;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Events: set, overwritten, read, and recorded. Scenarios EV-01, EV-02.</summary>
public abstract class EventSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task The_latest_value_of_each_event_is_read_while_its_workflow_runs_and_after_it_has_ended()
    {
        var gate = new Probe();
        var workflow = Workflow.Define<Unit>("setter", Body);
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "W");
        await gate.ReachedAsync();

        Assert.Equal(("one", "two"), (await ReadAsync("k1"), await ReadAsync("k2")));
        gate.Open();
        await handle.ResultAsync();

        Assert.Equal(("one again", "two again"), (await ReadAsync("k1"), await ReadAsync("k2")));
        var all = await engine.GetAllEventsAsync<string>("W", Cancel);
        Assert.Equal(
            "k1 one again, k2 two again",
            string.Join(", ", all.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {pair.Value}")));
        Assert.Equal("0 DBOS.setEvent, 1 set, 2 wait, 3 DBOS.setEvent, 4 set", await engine.StepsAsync("W"));

        async Task<string?> ReadAsync(string key) => (await engine.GetEventAsync<string>("W", key, TimeSpan.Zero, Cancel)).Value;

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.SetEvent("k1", "one");
            yield return Step.Run("set", s => s.Client.SetEventAsync("k2", "two", s));
            yield return Step.Run("wait", s => gate.PassAsync(s));
            yield return Step.SetEvent("k1", "one again");
            yield return Step.Run("set", s => s.Client.SetEventAsync("k2", "two again", s));
        }
    }

    [Fact]
    public async Task Each_setting_leaves_its_value_as_of_its_step_and_a_replay_leaves_nothing()
    {
        var workflow = Flows.Series(
            "setter",
            () =>
            [
                Step.SetEvent("k", 1),
                Step.Run("set", async s =>
                {
                    await s.Client.SetEventAsync("k", 2, s);
                    await s.Client.SetEventAsync("k", 3, s);
                    await s.Client.SetEventAsync("other", 4, s);
                }),
                Step.SetEvent("k", 5),
            ]);
        var engine = await LaunchAsync(workflow);
        await (await engine.StartAsync(workflow, default, new() { Id = "W", Format = PayloadFormat.PortableJson }, Cancel)).ResultAsync();
        var stored = await Database.StoredStepsAsync("W");
        await Database.ExecuteAsync("UPDATE workflow_events SET value = '6' WHERE key = 'k'");

        engine = await FlipAndRelaunchAsync(engine, ["W"], workflow);
        await engine.ResultAsync<Unit>("W");

        Assert.Equal(
            ["0 k 1 portable_json", "1 k 3 portable_json", "1 other 4 portable_json", "2 k 5 portable_json"],
            await RowsAsync("function_id, key, value, serialization", "workflow_events_history"));
        Assert.Equal(["k 6 portable_json", "other 4 portable_json"], await RowsAsync("key, value, serialization", "workflow_events"));
        Assert.Equal(stored, await Database.StoredStepsAsync("W"));
        Assert.Equal(
            ["0 DBOS.setEvent - portable_json", "2 DBOS.setEvent - portable_json"],
            (await Database.StepRowsAsync("W")).Where(row => row.Contains("DBOS")));
    }

    [Fact]
    public async Task A_null_value_counts_as_set()
    {
        var workflow = Flows.Series("setter", () => [Step.SetEvent<string?>("k", null)]);
        var reader = Flows.One("reader", () => Step.GetEvent<string?>("W", "k", Long));
        var engine = await LaunchAsync(workflow, reader);
        await engine.RunAsync(workflow, default, "W");

        Assert.Equal(new Optional<string?>(true, null), await engine.GetEventAsync<string?>("W", "k", Long, Cancel).Within(Bounded.Limit));
        Assert.Equal(new Optional<string?>(true, null), await engine.RunAsync(reader, default, "R"));
        Assert.Null(Assert.Single(await engine.GetAllEventsAsync<string?>("W", Cancel)).Value);
    }

    [Fact]
    public async Task An_event_that_nobody_has_set_is_waited_for_and_inside_a_workflow_that_is_recorded()
    {
        var timeout = TimeSpan.FromMilliseconds(150);
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1)]);
        var reader = Workflow.Define<Unit, string>("reader", Body);
        var engine = await LaunchAsync(setter, reader);

        var watch = Stopwatch.StartNew();
        Assert.False((await engine.GetEventAsync<int>("W", "k", timeout, Cancel)).HasValue);
        Assert.False((await engine.GetEventAsync<int>("W", "k", timeout, Cancel)).HasValue);
        Assert.InRange(watch.Elapsed, timeout * 1.9, Bounded.Limit);
        Assert.Equal("none none", await engine.RunAsync(reader, default, "R"));
        await engine.RunAsync(setter, default, "W");
        var stored = await Database.StoredStepsAsync("R");
        engine = await FlipAndRelaunchAsync(engine, ["R"], setter, reader);

        Assert.Equal("none none", await engine.ResultAsync<string>("R"));
        Assert.Equal(stored, await Database.StoredStepsAsync("R"));
        Assert.Equal(1, (await engine.GetEventAsync<int>("W", "k", timeout, Cancel)).Value);
        await Assert.ThrowsAsync<NonExistentWorkflowException>(() => engine.GetAllEventsAsync<int>("nope", Cancel));
        var rows = await Database.StepRowsAsync("R");
        Assert.Equal(("0 DBOS.getEvent - -", "2 DBOS.getEvent - -"), (rows[0], rows[2]));
        Assert.All([rows[1], rows[3]], row => Assert.Matches("^[13] DBOS.sleep [0-9]+ portable_json$", row));

        async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.GetEvent<int>("W", "k", timeout).As(out var first);
            yield return Step.GetEvent<int>("W", "k", TimeSpan.Zero).As(out var second);
            yield return $"{(first.Result.HasValue ? "some" : "none")} {(second.Result.HasValue ? "some" : "none")}";
        }
    }

    [Fact]
    public async Task What_a_workflow_read_is_recorded_as_its_setter_wrote_it_and_stays_so_when_the_event_changes()
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", 1)]);
        var reader = Flows.One("reader", () => Step.GetEvent<int>("W", "k", Timeout.InfiniteTimeSpan));
        var engine = await LaunchAsync(setter, reader);
        await (await engine.StartAsync(setter, default, new() { Id = "W", Format = PayloadFormat.PortableJson }, Cancel)).ResultAsync();
        await engine.RunAsync(reader, default, "R");
        await Database.ExecuteAsync("UPDATE workflow_events SET value = '2'");

        engine = await FlipAndRelaunchAsync(engine, ["R"], setter, reader);

        Assert.Equal(new Optional<int>(true, 1), await engine.ResultAsync<Optional<int>>("R"));
        Assert.Equal("0 DBOS.getEvent 1 portable_json", (await Database.StepRowsAsync("R"))[0]);
    }

    [Fact]
    public async Task The_moment_at_which_a_wait_for_an_event_ends_survives_a_relaunch()
    {
        var time = new ManualTimeProvider();
        var reader = Flows.One("reader", () => Step.GetEvent<int>("W", "k", TimeSpan.FromHours(1)));
        var engine = await LaunchAsync(options => options.TimeProvider = time, reader);
        await engine.BeginAsync(reader, default, "R");
        await Eventually.TrueAsync(() => Database.HasStepAsync("R", 1), Bounded.Limit);
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMilliseconds(1));
        engine = await LaunchAsync(options => options.TimeProvider = time, reader);

        Assert.False((await engine.ResultAsync<Optional<int>>("R")).HasValue);
    }

    [Fact]
    public async Task A_value_of_another_type_is_refused_to_its_reader_and_stays_for_others()
    {
        var setter = Flows.Series("setter", () => [Step.SetEvent("k", "text")]);
        var reader = Flows.One("reader", () => Step.GetEvent<int>("W", "k", Long));
        var engine = await LaunchAsync(setter, reader);
        await engine.RunAsync(setter, default, "W");

        var one = await Assert.ThrowsAsync<SerializationFailedException>(() => engine.GetEventAsync<int>("W", "k", Long, Cancel));
        var all = await Assert.ThrowsAsync<SerializationFailedException>(() => engine.GetAllEventsAsync<int>("W", Cancel));
        Assert.Equal(("W", "W"), (one.WorkflowId, all.WorkflowId));
        Assert.StartsWith("DBOS1005: Event 'k' of workflow 'W' cannot be decoded", one.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<DbosException>(() => engine.RunAsync(reader, default, "R"));

        Assert.Equal("text", (await engine.GetEventAsync<string>("W", "k", Long, Cancel)).Value);
    }

    private async Task<string[]> RowsAsync(string columns, string table) =>
        [.. (await Database.QueryAsync($"SELECT {columns} FROM {table} ORDER BY {columns}")).Select(row => string.Join(' ', row))];
}
