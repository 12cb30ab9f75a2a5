using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Schedules that an engine follows across changes of clocks, the turn of a year and a leap day.</summary>
public abstract class ScheduleClockChangeSuite(IDatabaseFixture fixture) : VirtualScheduleSuite(fixture)
{
    private const string Beat = "*/30 * * * *";
    private static readonly TimeSpan HalfHour = TimeSpan.FromMinutes(30);

    public static TheoryData<string, string, string, string[]> Changes => new()
    {
        // In the gap from two to three o'clock, which ends at 01:00 UTC.
        { "2026-03-29T00:15Z", "30 2 * * *", "Europe/Paris", ["2026-03-29T01:00"] },
        { "2026-03-29T00:15Z", "*/30 * * * *", "Europe/Paris", ["00:30", "01:00", "01:30", "02:00", "02:30", "03:00"] },

        // In the hour from two to three o'clock that comes twice, from 00:00 and from 01:00 UTC.
        { "2026-10-24T23:45Z", "30 2 * * *", "Europe/Paris", ["2026-10-25T00:30"] },
        { "2026-10-24T23:45Z", "30 * * * *", "Europe/Paris", ["2026-10-25T00:30", "01:30", "02:30"] },
        { "2026-10-24T23:45Z", "*/30 2 * * *", "Europe/Paris", ["2026-10-25T00:00", "00:30", "01:00", "01:30"] },

        { "2026-12-31T22:15Z", "0 0 1 1 *", "Europe/Paris", ["23:00"] },
        { "2026-12-31T22:45Z", "0 0 1 1 *", "UTC", ["2027-01-01T00:00"] },
        { "2028-02-28T22:45Z", "0 0 29 2 *", "UTC", ["2028-02-29T00:00"] },
        { "2027-02-27T22:45Z", "0 0 L 2 *", "UTC", ["2027-02-28T00:00"] },
        { "2027-02-28T22:45Z", "0 0 29 2 *", "UTC", [] },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task Each_moment_fires_once_across_a_change_of_the_calendar(string from, string cron, string zone, string[] expected)
    {
        var begin = DateTimeOffset.Parse(from, CultureInfo.InvariantCulture);
        Time.Advance(begin - Time.GetUtcNow());
        var workflow = Noted();
        await LaunchVirtualAsync(options => options.Schedule("looked at", cron, workflow, zone).Schedule("the beat", Beat, workflow));

        // The beat comes behind the other, as they go by name: it tells that a moment is over, whether the other names it or not.
        for (var at = begin + (HalfHour / 2); at < begin.AddHours(3); at += HalfHour)
        {
            Time.Advance(at - Time.GetUtcNow());
            await FiredAtAsync(at, "the beat");
        }

        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM workflow_status WHERE status <> 'SUCCESS'") == 0,
            Bounded.Limit,
            "all that started has ended");
        var ids = await Database.QueryAsync(
            "SELECT workflow_uuid FROM workflow_status WHERE schedule_name = 'looked at' ORDER BY workflow_uuid");
        var fired = ids.ConvertAll(row => row[0]!["sched-looked at-".Length..][.."2026-01-01T00:00".Length]);
        Assert.Equal(expected.Length, fired.Count);
        Assert.All(expected.Zip(fired), pair => Assert.EndsWith(pair.First, pair.Second, StringComparison.Ordinal));
        Assert.All(fired, moment => Assert.Contains(DateTimeOffset.Parse(moment + "Z", CultureInfo.InvariantCulture), Runs.Keys));
    }
}
