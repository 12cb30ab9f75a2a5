using System.Globalization;
using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Workflows that are started by the clock. Scenarios SC.</summary>
public abstract class ScheduleSuite(IDatabaseFixture fixture) : VirtualScheduleSuite(fixture)
{
    private const int CronUnreadable = 1402;
    private const int ContextUnreadable = 1403;
    private const int NoScheduleToPause = 1406;
    private const int MomentSkipped = 1407;

    private readonly Probe gate = new();

    [Fact]
    public async Task Each_moment_starts_one_workflow_however_many_engines_follow_it()
    {
        var workflow = Noted();
        await LaunchVirtualAsync(options => options.Schedule("tick", EachMinute, workflow, options: new() { Context = "c" }));
        var other = await LaunchVirtualAsync(options =>
        {
            options.ExecutorId = "executor-2";
            options.Schedule("tick", EachMinute, workflow, options: new() { Context = "c" });
        });
        for (var minute = 1; minute <= 5; minute++)
        {
            Time.Advance(TimeSpan.FromMinutes(1));
            var run = await ArrivesAsync();
            Assert.Equal((Start.AddMinutes(minute), "c"), (run.ScheduledAt, run.Context));
            Assert.True(run.StartedAt >= run.ScheduledAt);
        }

        var rows = await Database.QueryAsync(
            "SELECT workflow_uuid, queue_name FROM workflow_status WHERE schedule_name = 'tick' ORDER BY workflow_uuid");
        Assert.Equal(
            Enumerable.Range(1, 5).Select(minute => $"sched-tick-2026-01-01T00:0{minute}:00.000Z"), rows.Select(row => row[0]));
        Assert.All(rows, row => Assert.Equal("_dbos_internal_queue", row[1]));
        var status = (await other.Schedules.GetAsync("tick", Cancel))!;
        Assert.Equal(
            new ScheduleStatus("tick", "noted", EachMinute, "UTC", false, Start.AddMinutes(5), Start.AddMinutes(6)), status);
    }

    [Fact]
    public async Task A_schedule_is_made_paused_resumed_changed_and_deleted_while_engines_run()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        await engine.Schedules.CreateAsync("tick", EachMinute, workflow, options: new() { Context = "one" }, cancellationToken: Cancel);
        await Assert.ThrowsAsync<ConflictingRegistrationException>(
            () => engine.Schedules.CreateAsync("tick", EachMinute, workflow, cancellationToken: Cancel));
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("one", (await ArrivesAsync()).Context);

        await engine.Schedules.PauseAsync("tick", Cancel);
        Time.Advance(TimeSpan.FromMinutes(10));
        Assert.True((await engine.Schedules.GetAsync("tick", Cancel))!.Paused);
        await engine.Schedules.ResumeAsync("tick", Cancel);
        await engine.Schedules.UpdateAsync("tick", "*/5 * * * *", options: new() { Context = "two" }, cancellationToken: Cancel);
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(5));
        var run = await ArrivesAsync();
        Assert.Equal((Start.AddMinutes(15), "two"), (run.ScheduledAt, run.Context));

        await engine.Schedules.DeleteAsync("tick", Cancel);
        await engine.Schedules.DeleteAsync("tick", Cancel);
        Assert.Null(await engine.Schedules.GetAsync("tick", Cancel));
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
        await Assert.ThrowsAsync<NonExistentScheduleException>(
            () => engine.Schedules.UpdateAsync("tick", EachMinute, cancellationToken: Cancel));

        // What is deleted fires no more while others do, and is another one when it is made again.
        await engine.Schedules.CreateAsync(
            "beside", "*/5 * * * *", workflow, options: new() { Context = "beside" }, cancellationToken: Cancel);
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("beside", (await ArrivesAsync()).Context);
        await engine.Schedules.DeleteAsync("beside", Cancel);
        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE schedule_name = 'tick'"));
        await engine.Schedules.CreateAsync("tick", EachMinute, workflow, options: new() { Context = "three" }, cancellationToken: Cancel);
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("three", (await ArrivesAsync()).Context);
    }

    [Fact]
    public async Task Applying_keeps_what_has_happened_and_a_mistake_in_one_rejects_all()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        await engine.Schedules.ApplyAsync([new("a", EachMinute, workflow)], Cancel);
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        await ArrivesAsync();
        await engine.Schedules.PauseAsync("a", Cancel);

        var mistaken = await Assert.ThrowsAsync<ArgumentException>(() => engine.Schedules.ApplyAsync(
            [new("a", "0 0 * * *", workflow), new("b", "61 * * * *", workflow)], Cancel));
        Assert.Equal(["a"], (await engine.Schedules.ListAsync(Cancel)).Select(schedule => schedule.Name));
        await engine.Schedules.ApplyAsync([new("a", "0 0 * * *", workflow, "Europe/Paris"), new("b", EachMinute, workflow)], Cancel);

        Assert.Contains("61", mistaken.Message, StringComparison.Ordinal);
        var schedules = await engine.Schedules.ListAsync(Cancel);
        Assert.Equal([("a", true, "0 0 * * *"), ("b", false, EachMinute)], schedules.Select(s => (s.Name, s.Paused, s.Cron)));
        Assert.Equal(Start.AddMinutes(1), schedules[0].LastFiredAt);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => engine.Schedules.ApplyAsync([new("c", EachMinute, workflow)], Cancel)))
            .Within(Bounded.Limit);
        Assert.Equal(3, (await engine.Schedules.ListAsync(Cancel)).Count);
        await engine.Schedules.ApplyAsync([new("c", "*/7 * * * *", workflow, "Asia/Tokyo")], Cancel);
        var changed = (await engine.Schedules.ListAsync(Cancel))[2];
        Assert.Equal(("c", "*/7 * * * *", "Asia/Tokyo"), (changed.Name, changed.Cron, changed.TimeZone));
    }

    // SC-02, SC-03
    [Fact]
    public async Task What_is_applied_with_another_context_gives_it_to_the_next_moment()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        await ApplyAsync("one");
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("one", (await ArrivesAsync()).Context);

        await ApplyAsync("two");
        Time.Advance(TimeSpan.FromMinutes(1));
        var run = await ArrivesAsync();
        Assert.Equal((Start.AddMinutes(2), "two"), (run.ScheduledAt, run.Context));

        await engine.Schedules.PauseAsync("tick", Cancel);
        await ApplyAsync("three");
        var status = (await engine.Schedules.GetAsync("tick", Cancel))!;
        Assert.Equal((true, Start.AddMinutes(2)), (status.Paused, status.LastFiredAt));
        await engine.Schedules.ResumeAsync("tick", Cancel);
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        run = await ArrivesAsync();
        Assert.Equal((Start.AddMinutes(3), "three"), (run.ScheduledAt, run.Context));
        Assert.Equal(3, await Database.WorkflowsAsync("schedule_name = 'tick'"));

        Task ApplyAsync(string context) =>
            engine.Schedules.ApplyAsync([new("tick", EachMinute, workflow, Options: new() { Context = context })], Cancel);
    }

    [Fact]
    public async Task A_backfill_takes_its_beginning_in_and_its_end_out_and_starts_nothing_twice()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        await engine.Schedules.CreateAsync("hourly", "0 * * * *", workflow, cancellationToken: Cancel);
        await engine.Schedules.CreateAsync("midnight", "0 0 * * *", workflow, "America/New_York", cancellationToken: Cancel);
        var day = new DateTimeOffset(2025, 7, 1, 0, 0, 0, TimeSpan.Zero);

        var ids = await engine.Schedules.BackfillAsync("hourly", day, day.AddHours(3), Cancel);
        var again = await engine.Schedules.BackfillAsync("hourly", day, day.AddHours(3), Cancel);
        var nights = await engine.Schedules.BackfillAsync("midnight", day, day.AddDays(2), Cancel);

        Assert.Equal(["T00", "T01", "T02"], ids.Select(id => id.Substring("sched-hourly-2025-07-01".Length, 3)));
        Assert.Equal(ids, again);
        Assert.All(nights, id => Assert.Contains("T04:00:00", id, StringComparison.Ordinal));
        foreach (var id in ids.Concat(nights))
        {
            await engine.ResultAsync<Unit>(id);
        }

        Assert.Equal(ids.Count + nights.Count, Runs.Count);
        Assert.Null((await engine.Schedules.GetAsync("hourly", Cancel))!.LastFiredAt);
        await Assert.ThrowsAsync<NonExistentScheduleException>(
            () => engine.Schedules.BackfillAsync("missing", day, day.AddDays(1), Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => engine.Schedules.BackfillAsync("hourly", day, day.AddHours(-1), Cancel));
    }

    [Fact]
    public async Task A_backfill_keeps_to_the_bounds_of_its_schedule()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        var day = new DateTimeOffset(2025, 7, 1, 0, 0, 0, TimeSpan.Zero);
        var options = new ScheduleOptions { From = day.AddHours(1), Until = day.AddHours(3) };
        await engine.Schedules.CreateAsync("hourly", "0 * * * *", workflow, options: options, cancellationToken: Cancel);

        var ids = await engine.Schedules.BackfillAsync("hourly", day, day.AddDays(1), Cancel);

        Assert.Equal(["T01", "T02"], ids.Select(id => id.Substring("sched-hourly-2025-07-01".Length, 3)));
        Assert.Empty(await engine.Schedules.BackfillAsync("hourly", day.AddHours(5), day.AddDays(1), Cancel));
        Assert.Empty(await engine.Schedules.BackfillAsync("hourly", day.AddDays(-1), day, Cancel));
    }

    // SC-05
    [Theory]
    [InlineData("0 * * * *", "UTC", "2025-01-10T00:30Z", "2025-01-10T03:30Z", "10 01:00,10 02:00,10 03:00")]
    [InlineData("0 * * * *", "UTC", "2025-01-10T01:00Z", "2025-01-10T03:00Z", "10 01:00,10 02:00")]
    [InlineData("0 0 * * *", "UTC", "2025-01-10T00:00Z", "2025-01-12T00:00Z", "10 00:00,11 00:00")]
    [InlineData("0 0 * * *", "America/New_York", "2025-01-10T00:00Z", "2025-01-12T00:00Z", "10 05:00,11 05:00")]
    [InlineData("0 0 * * *", "America/New_York", "2025-01-10T00:00-05:00", "2025-01-12T00:00-05:00", "10 05:00,11 05:00")]
    [InlineData("0 0 * * *", "America/New_York", "2025-01-10T00:00:00.001-05:00", "2025-01-11T00:00:00.001-05:00", "11 05:00")]
    public async Task A_backfill_runs_for_the_moments_of_its_zone(string cron, string zone, string from, string until, string expected)
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        await engine.Schedules.CreateAsync("past", cron, workflow, zone, cancellationToken: Cancel);

        for (var time = 0; time < 2; time++)
        {
            foreach (var id in await engine.Schedules.BackfillAsync("past", At(from), At(until), Cancel))
            {
                await engine.ResultAsync<Unit>(id);
            }

            Assert.Equal(expected, string.Join(',', Runs.Keys.Order().Select(at => at.ToString("dd HH:mm", CultureInfo.InvariantCulture))));
        }

        Assert.Equal(Runs.Count, await Database.WorkflowsAsync("schedule_name = 'past'"));

        static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_trigger_starts_now_and_moves_nothing()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(options => options.Add(new WorkflowQueue("line")), workflow);
        await engine.Schedules.CreateAsync(
            "yearly", "0 0 1 7 *", workflow, options: new() { Queue = "line", Context = "c" }, cancellationToken: Cancel);

        // At a whole second, which it avoids, and twice at another moment, which two cannot share.
        var one = await engine.Schedules.TriggerAsync("yearly", Cancel);
        Time.Advance(TimeSpan.FromMilliseconds(5));
        var now = Time.GetUtcNow();
        string[] ids = [one, await engine.Schedules.TriggerAsync("yearly", Cancel), await engine.Schedules.TriggerAsync("yearly", Cancel)];

        Assert.Equal(3, ids.Distinct().Count());
        await Task.WhenAll(ids.Select(id => engine.ResultAsync<Unit>(id)));
        var status = (await engine.GetStatusAsync(ids[0], Cancel))!;
        Assert.Equal(("line", "yearly"), (status.Queue, status.ScheduleName));
        Assert.Equal([now.AddMilliseconds(-4), now, now.AddMilliseconds(1)], Runs.Keys.Order());
        Assert.All(Runs.Values, run => Assert.Equal("c", run.Context));
        var schedule = (await engine.Schedules.GetAsync("yearly", Cancel))!;
        Assert.Equal((null, new DateTimeOffset(2026, 7, 1, 0, 0, 0, TimeSpan.Zero)), (schedule.LastFiredAt, schedule.NextAt));
        await Assert.ThrowsAsync<NonExistentScheduleException>(() => engine.Schedules.TriggerAsync("missing", Cancel));
    }

    [Theory]
    [InlineData(Overlap.Allow, "00:01,00:02,00:03,00:04")]
    [InlineData(Overlap.Skip, "00:01,00:04")]
    [InlineData(Overlap.QueueOne, "00:01,00:02,00:04")]
    public async Task A_moment_at_which_a_run_goes_on_is_treated_as_the_schedule_says(Overlap overlap, string expected)
    {
        var workflow = Workflow.Define<ScheduledRun>("gated").Step("gate", async x =>
        {
            Runs[x.Input.ScheduledAt] = x.Input;
            Arrivals.Writer.TryWrite(x.Input);
            await gate.PassAsync(x.CancellationToken);
        }).End();
        var engine = await LaunchVirtualAsync(
            options => options.Schedule("tick", EachMinute, workflow, options: new() { Overlap = overlap }));
        Time.Advance(TimeSpan.FromMinutes(1));
        await ArrivesAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        await FiredAsync(2);
        Time.Advance(TimeSpan.FromMinutes(1));
        await FiredAsync(3);
        if (overlap != Overlap.Allow)
        {
            await Eventually.TrueAsync(() => Log.Has(MomentSkipped), Bounded.Limit, "what was skipped is told of");
        }

        gate.Open();
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status <> 'SUCCESS'") == 0
                && Runs.Count == expected.Count(c => c == ','), Bounded.Limit, "all that started has ended");
        Time.Advance(TimeSpan.FromMinutes(1));
        await FiredAsync(4);
        await Eventually.TrueAsync(() => Runs.ContainsKey(Start.AddMinutes(4)), Bounded.Limit, "the last moment has started");

        Assert.Equal(expected, string.Join(',', Runs.Keys.Order().Select(at => at.ToString("HH:mm", CultureInfo.InvariantCulture))));
        Assert.NotNull(engine);
    }

    [Fact]
    public async Task A_schedule_has_a_beginning_an_end_and_a_jitter()
    {
        var workflow = Noted();
        var options = new ScheduleOptions { From = Start.AddMinutes(3), Until = Start.AddMinutes(5), Jitter = TimeSpan.FromSeconds(20) };
        var engine = await LaunchVirtualAsync(o => o.Schedule("tick", EachMinute, workflow, options: options));
        Assert.Equal(Start.AddMinutes(3), (await engine.Schedules.GetAsync("tick", Cancel))!.NextAt);
        await FollowedAsync();
        for (var minute = 3; minute <= 4; minute++)
        {
            // Exactly at the moment, so that nothing but its jitter keeps the run back.
            Time.Advance(Start.AddMinutes(minute) - Time.GetUtcNow());
            await FiredAsync(minute);
            Assert.Equal(
                [["DELAYED", $"{new Occurrence("tick", Start.AddMinutes(minute)).StartWithin(options.Jitter).ToUnixTimeMilliseconds()}"]],
                await Database.QueryAsync(
                    "SELECT status, delay_until_epoch_ms FROM workflow_status WHERE workflow_uuid LIKE "
                    + $"'%:0{minute}:00.000Z'"));
            Assert.False(Arrivals.Reader.TryPeek(out _));
            Time.Advance(TimeSpan.FromSeconds(20));
            await ArrivesAsync();
        }

        Time.Advance(TimeSpan.FromMinutes(3));

        Assert.Equal([Start.AddMinutes(3), Start.AddMinutes(4)], Runs.Keys.Order());
        Assert.Null((await engine.Schedules.GetAsync("tick", Cancel))!.NextAt);
        await Assert.ThrowsAsync<ArgumentException>(() => engine.Schedules.CreateAsync(
            "none", EachMinute, workflow, options: options with { Until = options.From }, cancellationToken: Cancel));
    }

    [Fact]
    public async Task A_schedule_made_by_a_client_fires_for_code_that_is_elsewhere()
    {
        var engine = await LaunchVirtualAsync(_ => { }, Noted());
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel).Within(Bounded.Limit);
        var elsewhere = Workflow.Declare<ScheduledRun, Unit>("registered elsewhere");
        await client.Schedules.CreateAsync("far", EachMinute, elsewhere, options: new() { Queue = "far" }, cancellationToken: Cancel);
        await Database.ExecuteAsync(
            "INSERT INTO workflow_schedules (schedule_id, schedule_name, workflow_name, schedule, status, context, application_name) "
            + "VALUES ('1', 'broken', 'noted', '* * * * *', 'ACTIVE', 'of another kind', 'tests')");
        await Database.ExecuteAsync(
            "INSERT INTO workflow_schedules (schedule_id, schedule_name, workflow_name, schedule, status, context, application_name) "
            + "VALUES ('2', 'unreadable', 'noted', 'every day', 'ACTIVE', '', 'tests')");
        await engine.Schedules.PauseAsync("far", Cancel);
        await engine.Schedules.ResumeAsync("far", Cancel);
        Assert.False(Log.Has(NoScheduleToPause));
        await engine.Schedules.ResumeAsync("fra", Cancel);
        Assert.True(Log.Has(NoScheduleToPause));
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        await FiredAsync(1, "far");

        Assert.Equal("of another kind", (await ArrivesAsync()).Context);
        Assert.True(Log.Has(ContextUnreadable));
        Assert.True(Log.Has(CronUnreadable));
        var row = Assert.Single(await Database.QueryAsync(
            "SELECT status, name, queue_name FROM workflow_status WHERE schedule_name = 'far'"));
        Assert.Equal("ENQUEUED registered elsewhere far", string.Join(' ', row));
        var listed = await engine.Schedules.ListAsync(Cancel);
        Assert.Equal(["broken", "far", "unreadable"], listed.Select(schedule => schedule.Name));
        Assert.Null(listed[2].NextAt);
    }

    [Fact]
    public async Task Schedules_that_cannot_be_are_refused_and_nothing_is_stored()
    {
        var workflow = Noted();
        var other = Workflow.Define<int>("other").End();
        var engine = await LaunchVirtualAsync(
            options => options.Add(new WorkflowQueue("partitioned") { PartitionConcurrency = 1 }), workflow);
        var schedules = engine.Schedules;

        await Assert.ThrowsAsync<ArgumentException>(() => schedules.CreateAsync(" ", EachMinute, workflow, cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentException>(
            () => schedules.CreateAsync(new string('n', 201), EachMinute, workflow, cancellationToken: Cancel));
        var zone = await Assert.ThrowsAsync<ArgumentException>(
            () => schedules.CreateAsync("a", EachMinute, workflow, "Mars/Olympus", cancellationToken: Cancel));
        var cron = await Assert.ThrowsAsync<ArgumentException>(
            () => schedules.CreateAsync("a", "* * 32 * *", workflow, cancellationToken: Cancel));
        var never = await Assert.ThrowsAsync<ArgumentException>(
            () => schedules.CreateAsync("a", "0 0 30 2 *", workflow, cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => schedules.ApplyAsync([new("a", EachMinute, other)], Cancel));
        await Assert.ThrowsAsync<ArgumentException>(
            () => schedules.CreateAsync("a", EachMinute, workflow, options: new() { Queue = "partitioned" }, cancellationToken: Cancel));

        Assert.Throws<ArgumentException>(() => new EngineOptions().Schedule("a", "* * 32 * *", workflow));
        Assert.Throws<ArgumentException>(() => new EngineOptions().Schedule("a", EachMinute, workflow, "Mars/Olympus"));
        Assert.Throws<ArgumentException>(() => new EngineOptions().Schedule("a", "0 0 31 4,6,9,11 *", workflow));
        Assert.Contains("'0 0 30 2 *' names no moment at all", never.Message, StringComparison.Ordinal);
        Assert.Contains("Mars/Olympus", zone.Message, StringComparison.Ordinal);
        Assert.Contains("position 5", cron.Message, StringComparison.Ordinal);
        Assert.Empty(await schedules.ListAsync(Cancel));
    }

    [Fact]
    public async Task A_schedule_that_cannot_be_fired_does_not_hold_up_the_others()
    {
        var faults = new Worker.Faults.CallFaults();
        var workflow = Noted();
        await LaunchVirtualAsync(options =>
        {
            options.WrapStore = store => new Worker.Faults.FaultingStore(store, faults);
            options.Schedule("first", EachMinute, workflow).Schedule("second", EachMinute, workflow);
        });
        var failed = 0;
        faults.Before = (call, _) => call.Kind == Worker.Faults.StoreCallKind.Fire && Interlocked.Increment(ref failed) == 1
            ? Task.FromException(new InvalidOperationException("this one cannot be fired"))
            : Task.CompletedTask;

        Time.Advance(TimeSpan.FromMinutes(1));
        await FiredAsync(1, "first");
        await FiredAsync(1, "second");

        Assert.Equal(2, await Database.CountAsync("SELECT count(*) FROM workflow_status"));
    }
}
