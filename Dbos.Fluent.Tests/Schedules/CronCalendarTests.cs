using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Schedules;

/// <summary>Where the calendar itself is irregular, and where it ends.</summary>
public sealed class CronCalendarTests
{
    [Theory]
    [InlineData("0 0 29 2 *", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z")]
    [InlineData("0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z")]
    [InlineData("0 0 29 2 *", "1996-02-29T00:00:00Z", "2000-02-29T00:00:00Z")]
    [InlineData("0 12 L 2 *", "2100-02-01T00:00:00Z", "2100-02-28T12:00:00Z")]
    [InlineData("0 0 31 * *", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z")]
    public void Leap_years_and_short_months(string cron, string after, string expected) => Check(cron, after, expected);

    // 29 February is a Sunday in 2088 and, as 2100 is no leap year, not again before 2128.
    [Fact]
    public void Day_and_weekday_that_rarely_meet()
    {
        Check("0 0 29 2 */7", "2088-02-29T00:00:00Z", "2128-02-29T00:00:00Z");
        Check("0 0 29 2 */7", "2088-02-28T23:59:59Z", "2088-02-29T00:00:00Z");
    }

    [Theory]
    [InlineData("* * * * *", "2025-12-31T23:59:00Z", "2026-01-01T00:00:00Z")]
    [InlineData("59 59 23 31 12 *", "2025-12-31T23:59:58Z", "2025-12-31T23:59:59Z")]
    [InlineData("59 59 23 31 12 *", "2025-12-31T23:59:59Z", "2026-12-31T23:59:59Z")]
    [InlineData("0 0 1 1 *", "2025-12-31T23:59:59.9999999Z", "2026-01-01T00:00:00Z")]
    [InlineData("0 0 * * MON", "2025-12-30T00:00:00Z", "2026-01-05T00:00:00Z")]
    public void Turn_of_the_year(string cron, string after, string expected) => Check(cron, after, expected);

    [Theory]
    [InlineData("Pacific/Kiritimati", "2025-12-31T10:00:00Z")]
    [InlineData("Pacific/Pago_Pago", "2026-01-01T11:00:00Z")]
    [InlineData("Asia/Kathmandu", "2025-12-31T18:15:00Z")]
    public void Turn_of_the_year_in_a_zone(string timeZone, string expected) =>
        Assert.Equal(Moments.At(expected), CronSchedule.Parse("@yearly", timeZone).NextAfter(Moments.At("2025-12-31T00:00:00Z")));

    [Theory]
    [InlineData("0 0 30 2 *")]
    [InlineData("0 0 31 4,6,9,11 *")]
    [InlineData("* * * 30-31 FEB *")]
    public void Days_that_never_come(string cron)
    {
        Assert.Null(CronSchedule.Parse(cron, "UTC").NextAfter(Moments.At("2026-01-01T00:00:00Z")));
        Assert.Null(CronSchedule.Parse(cron, "Europe/Paris").NextAfter(Moments.At("2026-01-01T00:00:00Z")));
        Assert.Empty(CronSchedule.Parse(cron, "UTC").Between(DateTimeOffset.MinValue, DateTimeOffset.MaxValue));
    }

    [Theory]
    [InlineData("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z")]
    [InlineData("* * * * *", "2026-01-01T00:00:59.9999999Z", "2026-01-01T00:01:00Z")]
    [InlineData("* * * * * *", "2026-01-01T00:00:00.001Z", "2026-01-01T00:00:01Z")]
    [InlineData("0 12 * * *", "2026-01-01T13:59:59.5+02:00", "2026-01-01T12:00:00Z")]
    [InlineData("0 12 * * *", "2026-01-01T14:00:00+02:00", "2026-01-02T12:00:00Z")]
    public void Next_is_strictly_after_whatever_the_fraction_and_the_offset(string cron, string after, string expected) =>
        Check(cron, after, expected);

    [Theory]
    [InlineData("UTC")]
    [InlineData("Pacific/Kiritimati")]
    [InlineData("Pacific/Pago_Pago")]
    public void Ends_of_the_calendar(string timeZone)
    {
        foreach (var cron in new[] { "* * * * * *", "0 0 1 1 *", "30 2 29 2 *" })
        {
            var schedule = CronSchedule.Parse(cron, timeZone);

            Assert.Null(schedule.NextAfter(DateTimeOffset.MaxValue));
            Assert.Null(schedule.NextAfter(Moments.At("9999-01-01T15:00:00Z")));
            Assert.NotNull(schedule.NextAfter(DateTimeOffset.MinValue));
            Assert.Single(schedule.Between(DateTimeOffset.MinValue, DateTimeOffset.MaxValue).Take(1));
            Assert.NotNull(schedule.NextAfter(Moments.At("9990-01-01T00:00:00Z")));
        }
    }

    private static void Check(string cron, string after, string expected) =>
        Assert.Equal(Moments.At(expected), CronSchedule.Parse(cron, "UTC").NextAfter(Moments.At(after)));
}
