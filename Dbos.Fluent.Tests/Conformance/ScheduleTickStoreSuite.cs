using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Moments of a schedule: each starts one workflow, once, as the schedule's overlap allows.</summary>
public abstract class ScheduleTickStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private const long First = 1_000_000;
    private const long Second = 2_000_000;
    private const long Third = 3_000_000;

    [Fact]
    public async Task Due_moment_starts_its_workflow_and_counts_as_fired()
    {
        await using var bed = await ArrangeAsync();

        Assert.Equal(TickOutcome.Started, await FireAsync(bed, First));

        HasColumns(
            await bed.RowAsync(Scheduling.IdOf(First)),
            ("status", "ENQUEUED"), ("queue_name", A.Queue), ("schedule_name", "nightly"), ("owner_xid", null), ("name", A.Name));
        HasColumns(await bed.RowAsync(Scheduling.IdOf(First), "workflow_input"), ("inputs", "input of " + Scheduling.IdOf(First)));
        Assert.Equal(First, (await ReadAsync(bed)).LastFiredAtMs);
        HasColumns((await bed.QueryAsync("SELECT * FROM workflow_schedules"))[0], ("last_fired_at", "1970-01-01T00:16:40.000Z"));
    }

    [Fact]
    public async Task Moment_with_jitter_starts_delayed()
    {
        await using var bed = await ArrangeAsync();
        var tick = Scheduling.Tick(First);

        await bed.Store.Schedules.FireAsync(
            tick with { Row = tick.Row with { State = WorkflowState.Delayed, DelayMs = 700 } }, Cancel);

        HasColumns(
            await bed.RowAsync(Scheduling.IdOf(First)), ("status", "DELAYED"), ("delay_until_epoch_ms", bed.Time.NowMs + 700));
    }

    [Fact]
    public async Task Moment_that_has_fired_and_those_before_it_fire_no_more()
    {
        await using var bed = await ArrangeAsync();
        await FireAsync(bed, Second);

        Assert.Equal(TickOutcome.AlreadyFired, await FireAsync(bed, Second, by: "another engine"));
        Assert.Equal(TickOutcome.AlreadyFired, await FireAsync(bed, First));

        Assert.Equal(Second, (await ReadAsync(bed)).LastFiredAtMs);
        Assert.Equal(1, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Moment_whose_answer_was_lost_was_started_by_this_call()
    {
        await using var bed = await ArrangeAsync();
        await FireAsync(bed, First);
        var before = await bed.DumpAsync();

        Assert.Equal(TickOutcome.Started, await FireAsync(bed, First));
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Moment_whose_workflow_exists_counts_as_fired()
    {
        await using var bed = await ArrangeAsync();
        await CommitAsync(bed.Store, A.Start(A.Enqueued(Scheduling.IdOf(First)) with { ScheduleName = "nightly" }));

        Assert.Equal(TickOutcome.AlreadyFired, await FireAsync(bed, First));

        Assert.Equal(First, (await ReadAsync(bed)).LastFiredAtMs);
        Assert.Equal(1, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Unknown_schedule_is_gone()
    {
        await using var bed = await Fixture.CreateAsync();

        foreach (var kind in Enum.GetValues<TickKind>())
        {
            Assert.Equal(TickOutcome.Gone, await FireAsync(bed, First, kind));
        }

        Assert.Equal(0, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Paused_schedule_fires_only_what_a_person_asks_for()
    {
        await using var bed = await ArrangeAsync();
        await bed.Store.Schedules.SetPausedAsync("nightly", true, Cancel);

        Assert.Equal(TickOutcome.Paused, await FireAsync(bed, First));
        Assert.Equal(TickOutcome.Started, await FireAsync(bed, Second, TickKind.Asked));

        Assert.Null((await ReadAsync(bed)).LastFiredAtMs);
        Assert.Equal(1, await bed.CountAsync("workflow_status"));
        HasColumns(await bed.RowAsync(Scheduling.IdOf(Second, TickKind.Asked)), ("status", "ENQUEUED"), ("schedule_name", "nightly"));
    }

    [Fact]
    public async Task What_a_person_asks_for_is_started_once_and_leaves_what_last_fired()
    {
        await using var bed = await ArrangeAsync(Overlap.Skip);
        await FireAsync(bed, Second);

        Assert.Equal(TickOutcome.Started, await FireAsync(bed, First, TickKind.Asked));
        Assert.Equal(TickOutcome.AlreadyFired, await FireAsync(bed, First, TickKind.Asked, by: "somebody else"));
        Assert.Equal(TickOutcome.Started, await FireAsync(bed, Third, TickKind.Asked));

        Assert.Equal(Second, (await ReadAsync(bed)).LastFiredAtMs);
    }

    [Fact]
    public async Task Runs_may_overlap_where_the_schedule_allows_it()
    {
        await using var bed = await ArrangeAsync();

        Assert.Equal(TickOutcome.Started, await FireAsync(bed, First));
        Assert.Equal(TickOutcome.Started, await FireAsync(bed, Second));
    }

    [Fact]
    public async Task Moment_during_a_run_is_left_out_where_the_schedule_skips()
    {
        await using var bed = await ArrangeAsync(Overlap.Skip);
        await FireAsync(bed, First);

        Assert.Equal(TickOutcome.Skipped, await FireAsync(bed, Second));
        Assert.Equal(Second, (await ReadAsync(bed)).LastFiredAtMs);
        await EndAsync(bed, First);
        Assert.Equal(TickOutcome.AlreadyFired, await FireAsync(bed, Second));
        Assert.Equal(TickOutcome.Started, await FireAsync(bed, Third));
    }

    [Theory]
    [InlineData("ENQUEUED", true)]
    [InlineData("DELAYED", true)]
    [InlineData("PENDING", true)]
    [InlineData("SUCCESS", false)]
    [InlineData("ERROR", false)]
    [InlineData("CANCELLED", false)]
    [InlineData("MAX_RECOVERY_ATTEMPTS_EXCEEDED", false)]
    public async Task Run_goes_on_until_it_has_ended_in_whatever_way(string status, bool goesOn)
    {
        await using var bed = await ArrangeAsync(Overlap.Skip);
        await FireAsync(bed, First);
        await bed.ExecuteAsync($"UPDATE workflow_status SET status = '{status}'");

        Assert.Equal(goesOn ? TickOutcome.Skipped : TickOutcome.Started, await FireAsync(bed, Second));
    }

    [Fact]
    public async Task Moment_during_a_run_waits_for_its_end_and_further_ones_are_left_out()
    {
        await using var bed = await ArrangeAsync(Overlap.QueueOne);
        await FireAsync(bed, First);

        Assert.Equal(TickOutcome.Queued, await FireAsync(bed, Second));
        Assert.Equal((Second, Second), ((await ReadAsync(bed)).WaitingTickMs, (await ReadAsync(bed)).LastFiredAtMs));
        Assert.Equal(TickOutcome.Skipped, await FireAsync(bed, Third));
        Assert.Equal((Second, Third), ((await ReadAsync(bed)).WaitingTickMs, (await ReadAsync(bed)).LastFiredAtMs));
        Assert.Equal(1, await bed.CountAsync("workflow_status"));
    }

    [Fact]
    public async Task Waiting_moment_starts_when_the_run_before_it_has_ended()
    {
        await using var bed = await ArrangeAsync(Overlap.QueueOne);
        await FireAsync(bed, First);
        await FireAsync(bed, Second);
        await FireAsync(bed, Third);

        Assert.Equal(TickOutcome.Queued, await FireAsync(bed, Second, TickKind.Waiting));
        await EndAsync(bed, First);
        Assert.Equal(TickOutcome.Started, await FireAsync(bed, Second, TickKind.Waiting));
        Assert.Equal(TickOutcome.AlreadyFired, await FireAsync(bed, Second, TickKind.Waiting, by: "another engine"));

        Assert.Equal((null, Third), ((await ReadAsync(bed)).WaitingTickMs, (await ReadAsync(bed)).LastFiredAtMs));
        HasColumns(await bed.RowAsync(Scheduling.IdOf(Second)), ("status", "ENQUEUED"));
    }

    [Fact]
    public async Task Moment_that_does_not_wait_is_not_started_as_if_it_did()
    {
        await using var bed = await ArrangeAsync(Overlap.QueueOne);
        await FireAsync(bed, First);
        await FireAsync(bed, Second);
        await EndAsync(bed, First);

        Assert.Equal(TickOutcome.AlreadyFired, await FireAsync(bed, Third, TickKind.Waiting));
        Assert.Equal(Second, (await ReadAsync(bed)).WaitingTickMs);
    }

    [Fact]
    public async Task Waiting_moment_of_a_paused_schedule_waits_on()
    {
        await using var bed = await ArrangeAsync(Overlap.QueueOne);
        await FireAsync(bed, First);
        await FireAsync(bed, Second);
        await EndAsync(bed, First);
        await bed.Store.Schedules.SetPausedAsync("nightly", true, Cancel);

        Assert.Equal(TickOutcome.Paused, await FireAsync(bed, Second, TickKind.Waiting));
        Assert.Equal(Second, (await ReadAsync(bed)).WaitingTickMs);
    }

    [Fact]
    public async Task Change_of_the_schedule_keeps_the_moment_that_waits()
    {
        await using var bed = await ArrangeAsync(Overlap.QueueOne);
        await FireAsync(bed, First);
        await FireAsync(bed, Second);

        await bed.Store.Schedules.WriteAsync([Scheduling.Nightly with { Overlap = Overlap.QueueOne }], ScheduleWrite.Apply, Cancel);

        Assert.Equal(Second, (await ReadAsync(bed)).WaitingTickMs);
    }

    [Fact]
    public async Task One_of_many_engines_starts_a_moment()
    {
        await using var bed = await ArrangeAsync(Overlap.Skip);
        IStore[] stores = [bed.Store, bed.Open(), bed.Open()];

        for (var race = 1; race <= 30; race++)
        {
            var tick = race * 1_000L;
            var outcomes = await Task.WhenAll(stores.Select((store, index) =>
                store.Schedules.FireAsync(Scheduling.Tick(tick, by: $"engine {index}"), Cancel))).Within(Bounded.Limit);
            Assert.Equal(
                [TickOutcome.Started, TickOutcome.AlreadyFired, TickOutcome.AlreadyFired], outcomes.Order());
            await EndAsync(bed, tick);
        }

        Assert.Equal(30, await bed.CountAsync("workflow_status"));
        Assert.Equal(30_000, (await ReadAsync(bed)).LastFiredAtMs);
    }

    [Fact]
    public async Task Moment_that_waits_is_told_of_to_each_engine_that_fires_it()
    {
        await using var bed = await ArrangeAsync(Overlap.QueueOne);
        await FireAsync(bed, First);
        Assert.Equal(TickOutcome.Queued, await FireAsync(bed, Second));

        Assert.Equal(TickOutcome.Queued, await FireAsync(bed, Second, by: "another engine"));

        Assert.Equal(Second, (await ReadAsync(bed)).WaitingTickMs);
    }

    [Fact]
    public async Task Moment_that_waits_holds_up_nothing_once_the_schedule_skips()
    {
        await using var bed = await ArrangeAsync(Overlap.QueueOne);
        await FireAsync(bed, First);
        await FireAsync(bed, Second);
        await EndAsync(bed, First);
        await bed.Store.Schedules.WriteAsync([Scheduling.Nightly with { Overlap = Overlap.Skip }], ScheduleWrite.Update, Cancel);

        Assert.Equal(TickOutcome.Started, await FireAsync(bed, Third));
    }

    public static TheoryData<string> Changes() => ["cron", "zone", "context", "queue", "jitter", "from", "until"];

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task Moment_of_a_schedule_that_was_changed_since_it_was_read_starts_nothing(string change)
    {
        await using var bed = await ArrangeAsync(Overlap.QueueOne);
        await FireAsync(bed, First);
        await FireAsync(bed, Second);
        await EndAsync(bed, First);
        var known = await ReadAsync(bed);
        var row = Scheduling.Nightly with { Overlap = Overlap.QueueOne };
        row = change switch
        {
            "cron" => row with { Cron = "0 4 * * *" },
            "zone" => row with { TimeZone = "Europe/Paris" },
            "context" => row with { Context = "another" },
            "queue" => row with { Queue = "another" },
            "jitter" => row with { JitterMs = 1 },
            "from" => row with { FromMs = 1 },
            _ => row with { UntilMs = 1 },
        };
        await bed.Store.Schedules.WriteAsync([row], ScheduleWrite.Update, Cancel);
        var before = await bed.DumpAsync();

        Assert.Equal(TickOutcome.Changed, await FireKnownAsync(Third, TickKind.Due));
        Assert.Equal(TickOutcome.Changed, await FireKnownAsync(Second, TickKind.Waiting));
        Assert.Equal(before, await bed.DumpAsync());

        known = await ReadAsync(bed);
        Assert.Equal(TickOutcome.Started, await FireKnownAsync(Second, TickKind.Waiting));
        Assert.Equal(TickOutcome.Queued, await FireKnownAsync(Third, TickKind.Due));

        Task<TickOutcome> FireKnownAsync(long momentMs, TickKind kind) =>
            bed.Store.Schedules.FireAsync(Scheduling.Tick(momentMs, kind) with { Known = known }, Cancel);
    }

    private static Task<TickOutcome> FireAsync(StoreBed bed, long momentMs, TickKind kind = TickKind.Due, string? by = null) =>
        bed.Store.Schedules.FireAsync(Scheduling.Tick(momentMs, kind, by), Cancel);

    private static async Task<ScheduleRow> ReadAsync(StoreBed bed) =>
        Assert.IsType<ScheduleRow>(await bed.Store.Schedules.ReadAsync("nightly", Cancel));

    // As its run would end it.
    private static Task<int> EndAsync(StoreBed bed, long momentMs) => bed.ExecuteAsync(
        "UPDATE workflow_status SET status = 'SUCCESS', completed_at = 1 WHERE workflow_uuid = @id", ("@id", Scheduling.IdOf(momentMs)));

    private async Task<StoreBed> ArrangeAsync(Overlap overlap = Overlap.Allow)
    {
        var bed = await Fixture.CreateAsync();
        await bed.Store.Schedules.WriteAsync([Scheduling.Nightly with { Overlap = overlap }], ScheduleWrite.Create, Cancel);
        return bed;
    }
}
