using Dbos.Fluent.Model;
using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Schedules;

/// <summary>What follows from a schedule's name and a moment, and the moments of a stretch of time.</summary>
public sealed class OccurrenceTests
{
    private static readonly DateTimeOffset Tick = Moments.At("2026-03-29T01:00:00Z");

    [Fact]
    public void Ids_have_the_form_that_DBOS_gives_them()
    {
        Assert.Equal("sched-nightly report-2026-03-29T01:00:00.000Z", new Occurrence("nightly report", Tick).WorkflowId);
        Assert.Equal("sched-a-2026-03-29T01:00:00.000Z", new Occurrence("a", Tick.ToOffset(TimeSpan.FromHours(2))).WorkflowId);
        Assert.Equal("sched-a-trigger-2026-03-29T01:00:00.042Z", Occurrence.TriggeredId("a", Tick.AddMilliseconds(42.9)));
        Assert.Equal("2026-03-29T01:00:00.000Z", EpochMs.ToIso(Tick));
    }

    [Fact]
    public void Both_passes_of_a_repeated_hour_have_ids_of_their_own()
    {
        var hourly = CronSchedule.Parse("30 * * * *", "Europe/Paris");
        var ticks = hourly.Between(Moments.At("2026-10-25T00:00Z"), Moments.At("2026-10-25T02:00Z"));

        Assert.Equal(
            ["sched-a-2026-10-25T00:30:00.000Z", "sched-a-2026-10-25T01:30:00.000Z"],
            ticks.Select(tick => new Occurrence("a", tick).WorkflowId));
    }

    [Fact]
    public void Jitter_is_the_same_everywhere_and_less_than_its_limit()
    {
        var jitter = TimeSpan.FromMinutes(5);
        var delays = Enumerable.Range(0, 10_000)
            .Select(minute => new Occurrence("nightly", Tick.AddMinutes(minute)))
            .Select(occurrence => occurrence.StartWithin(jitter) - occurrence.At)
            .ToList();

        Assert.All(delays, delay => Assert.InRange(delay, TimeSpan.Zero, jitter - TimeSpan.FromMilliseconds(1)));
        Assert.All(delays, delay => Assert.Equal(0, delay.Ticks % TimeSpan.TicksPerMillisecond));

        // Spread evenly: each tenth has its tenth of them, give or take.
        Assert.All(delays.CountBy(delay => (int)(10 * delay / jitter)), tenth => Assert.InRange(tenth.Value, 850, 1150));

        // Pinned: engines of different versions must agree too.
        Assert.Equal(Tick.AddMilliseconds(96_156), new Occurrence("nightly", Tick).StartWithin(jitter));
    }

    [Fact]
    public void Jitter_differs_from_schedule_to_schedule()
    {
        var starts = Enumerable.Range(0, 100).Select(number => new Occurrence($"job {number}", Tick).StartWithin(TimeSpan.FromHours(1)));

        Assert.InRange(starts.Distinct().Count(), 98, 100);
    }

    [Fact]
    public void No_jitter_is_no_delay_and_a_negative_one_an_error()
    {
        var occurrence = new Occurrence("a", Tick);

        Assert.Equal(Tick, occurrence.StartWithin(TimeSpan.Zero));
        Assert.Equal(Tick, occurrence.StartWithin(TimeSpan.FromMicroseconds(999)));
        Assert.InRange(occurrence.StartWithin(TimeSpan.FromDays(10_000)), Tick, Tick + TimeSpan.FromDays(10_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => occurrence.StartWithin(TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public void Backfill_takes_from_in_and_until_out()
    {
        var hourly = CronSchedule.Parse("@hourly", "UTC");

        Assert.Equal(["01:00", "02:00", "03:00"], Times(hourly.Between(Moments.At("2026-01-01T00:30Z"), Moments.At("2026-01-01T03:30Z"))));
        Assert.Equal(["01:00", "02:00"], Times(hourly.Between(Moments.At("2026-01-01T01:00Z"), Moments.At("2026-01-01T03:00Z"))));
        Assert.Empty(hourly.Between(Moments.At("2026-01-01T01:00Z"), Moments.At("2026-01-01T01:00Z")));
        Assert.Empty(hourly.Between(Moments.At("2026-01-01T02:00Z"), Moments.At("2026-01-01T01:00Z")));
    }

    [Fact]
    public void Catching_up_leaves_out_what_has_taken_place()
    {
        var hourly = CronSchedule.Parse("@hourly", "UTC");

        Assert.Equal(["02:00"], Times(hourly.After(Moments.At("2026-01-01T01:00Z"), Moments.At("2026-01-01T03:00Z"))));
    }

    [Fact]
    public void Midnights_in_New_York_are_at_five()
    {
        var daily = CronSchedule.Parse("@daily", "America/New_York");

        Assert.Equal(["05:00", "05:00"], Times(daily.Between(Moments.At("2026-01-01T00:00Z"), Moments.At("2026-01-03T00:00Z"))));
    }

    [Fact]
    public void Occurrences_are_found_as_they_are_asked_for()
    {
        var secondly = CronSchedule.Parse("* * * * * *", "Europe/Paris");

        Assert.Equal(3, secondly.Between(DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue).Take(3).Count());
    }

    private static IEnumerable<string> Times(IEnumerable<DateTimeOffset> moments) => moments.Select(moment => $"{moment:HH:mm}");
}
