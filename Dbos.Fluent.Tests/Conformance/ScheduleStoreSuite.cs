using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Schedules as rows: making, changing, pausing and deleting them.</summary>
public abstract class ScheduleStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly ScheduleRow Full = Scheduling.Nightly with
    {
        LastFiredAtMs = 1_767_268_800_000,
        TimeZone = "Europe/Paris",
        Context = "a context",
        AutomaticBackfill = true,
        Queue = A.Queue,
        Overlap = Overlap.QueueOne,
        JitterMs = 5_000,
        FromMs = 1_000,
        UntilMs = 9_000_000_000_000,
    };

    [Fact]
    public async Task Schedule_comes_back_as_it_was_made()
    {
        await using var bed = await Fixture.CreateAsync();

        Assert.Equal(new ScheduleWritten(null), await WriteAsync(bed, ScheduleWrite.Create, Full));

        Assert.Equal(Full, await ReadAsync(bed));
        Assert.Equal([Full], await bed.Store.Schedules.ReadAllAsync(A.Application, Cancel));
    }

    [Fact]
    public async Task Clock_of_the_store_can_be_read()
    {
        await using var bed = await Fixture.CreateAsync();

        Assert.Equal(bed.Time.NowMs, await bed.Store.Schedules.ReadNowMsAsync(Cancel));
    }

    [Fact]
    public async Task Row_says_to_other_SDKs_what_they_look_at()
    {
        await using var bed = await Fixture.CreateAsync();

        await WriteAsync(bed, ScheduleWrite.Create, Full);

        var row = Assert.Single(await bed.QueryAsync("SELECT * FROM workflow_schedules"));
        HasColumns(
            row,
            ("schedule_name", "nightly"),
            ("workflow_name", A.Name),
            ("schedule", "0 3 * * *"),
            ("status", "ACTIVE"),
            ("context", "a context"),
            ("last_fired_at", "2026-01-01T12:00:00.000Z"),
            ("automatic_backfill", 1),
            ("cron_timezone", "Europe/Paris"),
            ("queue_name", A.Queue),
            ("application_name", A.Application));
        Assert.NotEqual("", row["schedule_id"]);
    }

    [Fact]
    public async Task Schedule_of_another_SDK_is_read_with_the_defaults()
    {
        await using var bed = await Fixture.CreateAsync();

        await bed.ExecuteAsync(
            """
            INSERT INTO workflow_schedules (
                schedule_id, schedule_name, workflow_name, workflow_class_name, schedule, status, context, last_fired_at)
            VALUES ('id', 'nightly', 'checkout', '', '0 3 * * *', 'PAUSED', 'null', '2026-01-01T03:00:00.000Z')
            """);

        var expected = Scheduling.Nightly with
        {
            Context = "null",
            Paused = true,
            ApplicationName = null,
            LastFiredAtMs = new DateTimeOffset(2026, 1, 1, 3, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds(),
        };
        Assert.Equal(expected, await ReadAsync(bed));
        Assert.Equal([expected], await bed.Store.Schedules.ReadAllAsync(A.Application, Cancel));
    }

    [Fact]
    public async Task Creating_what_exists_names_it_and_writes_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);

        var written = await WriteAsync(
            bed,
            ScheduleWrite.Create,
            Scheduling.Nightly with { Name = "another" },
            Scheduling.Nightly,
            Scheduling.Nightly with { Name = "z" });

        Assert.Equal("nightly", written.Conflict);
        Assert.Equal([Full], await bed.Store.Schedules.ReadAllAsync(null, Cancel));
    }

    [Fact]
    public async Task Updating_what_does_not_exist_names_it_and_writes_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);

        var written = await WriteAsync(bed, ScheduleWrite.Update, Scheduling.Nightly, Scheduling.Nightly with { Name = "unknown" });

        Assert.Equal("unknown", written.Conflict);
        Assert.Equal([Full], await bed.Store.Schedules.ReadAllAsync(null, Cancel));
    }

    [Theory]
    [InlineData(nameof(ScheduleWrite.Update))]
    [InlineData(nameof(ScheduleWrite.Reschedule))]
    [InlineData(nameof(ScheduleWrite.Apply))]
    public async Task Change_keeps_the_rows_id_its_pause_and_when_it_last_fired(string mode)
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);
        await WriteAsync(bed, ScheduleWrite.Apply, Scheduling.Nightly);
        await bed.Store.Schedules.SetPausedAsync("nightly", true, Cancel);
        await bed.Store.Schedules.SetPausedAsync("nightly", false, Cancel);
        await bed.Store.Schedules.SetPausedAsync("nightly", true, Cancel);
        var fired = bed.Time.GetUtcNow().ToUnixTimeMilliseconds();
        bed.Time.Advance(TimeSpan.FromHours(1));
        var id = (await bed.QueryAsync("SELECT schedule_id FROM workflow_schedules"))[0]["schedule_id"];

        Assert.Null((await WriteAsync(bed, Enum.Parse<ScheduleWrite>(mode), Scheduling.Nightly with { Cron = "* * * * *" })).Conflict);

        Assert.Equal(Scheduling.Nightly with { Cron = "* * * * *", Paused = true, LastFiredAtMs = fired }, await ReadAsync(bed));
        Assert.Equal(id, (await bed.QueryAsync("SELECT schedule_id FROM workflow_schedules"))[0]["schedule_id"]);
    }

    [Fact]
    public async Task Update_keeps_workflow_and_application_and_apply_changes_the_workflow_of_its_own()
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);
        var changed = Full with { WorkflowName = "refund", ApplicationName = A.OtherApplication, Cron = "1 1 1 1 1" };

        await WriteAsync(bed, ScheduleWrite.Update, changed);
        Assert.Equal(Full with { Cron = "1 1 1 1 1" }, await ReadAsync(bed));
        await WriteAsync(bed, ScheduleWrite.Apply, changed with { ApplicationName = null });
        Assert.Equal(changed with { ApplicationName = Full.ApplicationName }, await ReadAsync(bed));
    }

    [Fact]
    public async Task Rescheduling_writes_the_expression_and_its_zone_alone()
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);
        var other = Scheduling.Nightly with { WorkflowName = "refund", Cron = "1 1 1 1 1", TimeZone = "Europe/London" };
        bed.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Null((await WriteAsync(bed, ScheduleWrite.Reschedule, other)).Conflict);
        var unknown = await WriteAsync(bed, ScheduleWrite.Reschedule, other with { Name = "unknown" });

        Assert.Equal("unknown", unknown.Conflict);
        Assert.Equal(
            Full with { Cron = other.Cron, TimeZone = other.TimeZone, LastFiredAtMs = bed.Time.NowMs }, await ReadAsync(bed));
    }

    [Fact]
    public async Task Applying_leaves_the_schedule_of_another_application_and_all_that_is_applied_with_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);
        var others = Full with { ApplicationName = A.OtherApplication, Cron = "1 1 1 1 1" };

        var written = await bed.Store.Schedules.WriteAsync(
            [others with { Name = "Another" }, others], ScheduleWrite.Apply, Cancel);

        Assert.Equal(Full.Name, written.Conflict);
        Assert.Equal([Full], await bed.Store.Schedules.ReadAllAsync(null, Cancel));
    }

    [Fact]
    public async Task Applying_makes_what_is_missing_and_changes_what_is_there()
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);
        var hourly = Scheduling.Nightly with { Name = "Hourly", Cron = "0 * * * *" };

        await WriteAsync(bed, ScheduleWrite.Apply, hourly, Full with { Context = "newer" });

        Assert.Equal([hourly, Full with { Context = "newer" }], await bed.Store.Schedules.ReadAllAsync(A.Application, Cancel));
    }

    [Fact]
    public async Task Schedules_applied_by_many_at_once_stand_once()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open(), bed.Open()];
        ScheduleRow[] rows = [Full, Scheduling.Nightly with { Name = "a" }, Scheduling.Nightly with { Name = "z" }];

        for (var race = 0; race < 20; race++)
        {
            await Task.WhenAll(stores.SelectMany((store, index) => (Task[])
            [
                store.Schedules.WriteAsync(index == 0 ? [.. rows.Reverse()] : rows, ScheduleWrite.Apply, Cancel),
                store.Schedules.WriteAsync(rows, ScheduleWrite.Apply, Cancel),
            ])).Within(Bounded.Limit);
        }

        Assert.Equal(["a", "nightly", "z"], (await bed.Store.Schedules.ReadAllAsync(null, Cancel)).Select(row => row.Name));
        Assert.Equal(Full, await ReadAsync(bed));
    }

    [Fact]
    public async Task One_of_two_creations_at_once_wins()
    {
        await using var bed = await Fixture.CreateAsync();
        IStore[] stores = [bed.Store, bed.Open()];

        for (var race = 0; race < 50; race++)
        {
            var row = Scheduling.Nightly with { Name = $"schedule {race}" };
            var written = await Task.WhenAll(stores.Select(store => store.Schedules.WriteAsync([row], ScheduleWrite.Create, Cancel)))
                .Within(Bounded.Limit);
            Assert.Equal([null, row.Name], written.Select(one => one.Conflict).Order());
        }
    }

    [Fact]
    public async Task Schedules_are_listed_by_application_and_in_ordinal_order()
    {
        await using var bed = await Fixture.CreateAsync();
        foreach (var (name, application) in new[] { ("b", A.Application), ("a", null), ("C", A.Application), ("d", A.OtherApplication) })
        {
            await WriteAsync(bed, ScheduleWrite.Create, Scheduling.Nightly with { Name = name, ApplicationName = application });
        }

        Assert.Equal(["C", "a", "b"], (await bed.Store.Schedules.ReadAllAsync(A.Application, Cancel)).Select(row => row.Name));
        Assert.Equal(["C", "a", "b", "d"], (await bed.Store.Schedules.ReadAllAsync(null, Cancel)).Select(row => row.Name));
    }

    [Fact]
    public async Task Pause_is_shown_to_other_SDKs_and_ended_by_catching_up()
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);

        Assert.True(await bed.Store.Schedules.SetPausedAsync("nightly", true, Cancel));
        Assert.Equal(Full with { Paused = true }, await ReadAsync(bed));
        HasColumns((await bed.QueryAsync("SELECT * FROM workflow_schedules"))[0], ("status", "PAUSED"));
        Assert.True(await bed.Store.Schedules.SetPausedAsync("nightly", false, Cancel));
        Assert.Equal(Full, await ReadAsync(bed));
    }

    [Fact]
    public async Task End_of_a_pause_skips_what_was_missed_and_never_goes_back()
    {
        await using var bed = await Fixture.CreateAsync();
        bed.Time.Advance(TimeSpan.FromMilliseconds(123));
        var moment = bed.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await WriteAsync(bed, ScheduleWrite.Create, Full with { AutomaticBackfill = false, Paused = true });

        await bed.Store.Schedules.SetPausedAsync("nightly", false, Cancel);
        HasColumns((await bed.QueryAsync("SELECT * FROM workflow_schedules"))[0], ("last_fired_at", "2026-01-01T12:00:00.123Z"));
        await bed.ExecuteAsync("UPDATE workflow_schedules SET status = 'PAUSED', last_fired_at = '2026-01-01T12:00:00.124Z'");
        await bed.Store.Schedules.SetPausedAsync("nightly", false, Cancel);

        Assert.Equal(moment + 1, (await ReadAsync(bed))!.LastFiredAtMs);
    }

    // From then on whatever it names is caught up on, also what it names before it has ever fired.
    [Fact]
    public async Task Schedule_that_catches_up_counts_from_when_it_was_made_or_told_to()
    {
        await using var bed = await Fixture.CreateAsync();
        var (now, patient) = (bed.Time.NowMs, Full with { LastFiredAtMs = null, AutomaticBackfill = false });
        await WriteAsync(bed, ScheduleWrite.Create, Full with { Name = "eager", LastFiredAtMs = null }, patient);
        Assert.Equal([now, null], (await bed.Store.Schedules.ReadAllAsync(null, Cancel)).Select(row => row.LastFiredAtMs));

        bed.Time.Advance(TimeSpan.FromMinutes(1));
        await WriteAsync(bed, ScheduleWrite.Update, patient with { AutomaticBackfill = true });

        Assert.Equal(now + 60_000, (await ReadAsync(bed))!.LastFiredAtMs);
    }

    // In minutes from now: the bounds before and after the write, and when it counts as fired, which was an hour ago.
    [Theory]
    [InlineData(null, -5, null, null, 0)]
    [InlineData(null, -5, null, -2, 0)]
    [InlineData(null, -5, null, -5, -60)]
    [InlineData(null, 5, null, null, -60)]
    [InlineData(null, null, null, 5, -60)]
    [InlineData(5, null, null, null, 0)]
    [InlineData(5, null, 2, null, 0)]
    [InlineData(5, null, 5, null, -60)]
    [InlineData(-90, null, null, null, -60)]
    [InlineData(null, null, -5, null, -60)]
    public async Task Moments_outside_the_former_bounds_of_a_schedule_that_catches_up_were_never_due(
        int? from, int? until, int? newFrom, int? newUntil, int fired)
    {
        foreach (var mode in new[] { ScheduleWrite.Update, ScheduleWrite.Apply })
        {
            await using var bed = await Fixture.CreateAsync();
            var row = Full with { LastFiredAtMs = At(-60), FromMs = At(from), UntilMs = At(until) };
            await WriteAsync(bed, ScheduleWrite.Create, row);

            await WriteAsync(bed, mode, row with { FromMs = At(newFrom), UntilMs = At(newUntil) });

            Assert.Equal(At(fired), (await ReadAsync(bed))!.LastFiredAtMs);

            long? At(int? minutes) => bed.Time.NowMs + (minutes * 60_000L);
        }
    }

    [Fact]
    public async Task Moments_from_the_former_beginning_of_a_schedule_that_catches_up_stay_due()
    {
        await using var bed = await Fixture.CreateAsync();
        var row = Full with { LastFiredAtMs = bed.Time.NowMs - 60_000, FromMs = bed.Time.NowMs - 10_000 };
        await WriteAsync(bed, ScheduleWrite.Create, row);

        await WriteAsync(bed, ScheduleWrite.Update, row with { FromMs = null });

        Assert.Equal(row.FromMs - 1, (await ReadAsync(bed))!.LastFiredAtMs);
    }

    [Theory]
    [InlineData(ScheduleWrite.Update)]
    [InlineData(ScheduleWrite.Apply)]
    public async Task What_came_while_a_schedule_did_not_catch_up_is_not_caught_up_on(object mode)
    {
        await using var bed = await Fixture.CreateAsync();
        var row = Full with { LastFiredAtMs = bed.Time.NowMs - 60_000, AutomaticBackfill = false };
        await WriteAsync(bed, ScheduleWrite.Create, row);

        await WriteAsync(bed, (ScheduleWrite)mode, row with { AutomaticBackfill = true });

        Assert.Equal(bed.Time.NowMs, (await ReadAsync(bed))!.LastFiredAtMs);
    }

    // Done once more after a lost answer, say: what is due at this moment and not fired yet is still to be fired.
    [Fact]
    public async Task End_of_no_pause_skips_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        var active = Full with { AutomaticBackfill = false };
        await WriteAsync(bed, ScheduleWrite.Create, active);
        bed.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.True(await bed.Store.Schedules.SetPausedAsync("nightly", false, Cancel));

        Assert.Equal(active, await ReadAsync(bed));
    }

    [Fact]
    public async Task Deleted_schedule_is_gone_with_all_that_was_kept_of_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await WriteAsync(bed, ScheduleWrite.Create, Full);
        await bed.Store.Schedules.SetPausedAsync("nightly", false, Cancel);

        await bed.Store.Schedules.DeleteAsync("nightly", Cancel);

        Assert.Null(await ReadAsync(bed));
        Assert.Empty(await bed.Store.Schedules.ReadAllAsync(null, Cancel));
        await WriteAsync(bed, ScheduleWrite.Create, Scheduling.Nightly);
        Assert.Equal(Scheduling.Nightly, await ReadAsync(bed));
    }

    [Fact]
    public async Task Unknown_schedule_is_null_cannot_be_paused_and_may_be_deleted()
    {
        await using var bed = await Fixture.CreateAsync();

        Assert.Null(await ReadAsync(bed));
        Assert.False(await bed.Store.Schedules.SetPausedAsync("nightly", true, Cancel));
        await bed.Store.Schedules.DeleteAsync("nightly", Cancel);
    }

    private static Task<ScheduleRow?> ReadAsync(StoreBed bed) => bed.Store.Schedules.ReadAsync("nightly", Cancel);

    private static Task<ScheduleWritten> WriteAsync(StoreBed bed, ScheduleWrite mode, params ScheduleRow[] rows) =>
        bed.Store.Schedules.WriteAsync(rows, mode, Cancel);
}
