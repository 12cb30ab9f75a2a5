using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Schedules;

/// <summary>What schedules do when clocks are changed. Occurrences are written as the zone's clocks show them, with their offset.</summary>
public sealed class CronClockChangeTests
{
    // Paris, 29 March 2026: 02:00 becomes 03:00.
    [Theory]
    [InlineData("30 2 * * *", "2026-03-27T12:00Z", "03-28 02:30+01:00, 03-29 03:00+02:00, 03-30 02:30+02:00")]
    [InlineData("0 2 * * *", "2026-03-28T12:00Z", "03-29 03:00+02:00, 03-30 02:00+02:00")]
    [InlineData("0,15,30 2 * * *", "2026-03-28T12:00Z", "03-29 03:00+02:00, 03-30 02:00+02:00")]
    [InlineData("0 2,3 * * *", "2026-03-28T12:00Z", "03-29 03:00+02:00, 03-30 02:00+02:00, 03-30 03:00+02:00")]
    [InlineData("30 1-3 * * *", "2026-03-28T12:00Z", "03-29 01:30+01:00, 03-29 03:00+02:00, 03-29 03:30+02:00")]
    [InlineData("59 59 2 * * *", "2026-03-28T12:00Z", "03-29 03:00+02:00, 03-30 02:59:59+02:00")]
    [InlineData("30 2 29 3 *", "2024-06-01T00:00Z", "03-29 02:30+01:00, 03-29 03:00+02:00, 03-29 02:30+02:00")]
    public void A_fixed_time_in_a_gap_comes_once_right_after_it(string cron, string after, string expected) =>
        Check(cron, "Europe/Paris", after, expected);

    [Theory]
    [InlineData("*/15 * * * *", "2026-03-29T00:30Z", "03-29 01:45+01:00, 03-29 03:00+02:00, 03-29 03:15+02:00")]
    [InlineData("30 * * * *", "2026-03-29T00:00Z", "03-29 01:30+01:00, 03-29 03:30+02:00, 03-29 04:30+02:00")]
    [InlineData("5-59/15 * * * *", "2026-03-29T00:40Z", "03-29 01:50+01:00, 03-29 03:05+02:00")]
    [InlineData("*/10 * * * * *", "2026-03-29T00:59:40Z", "03-29 01:59:50+01:00, 03-29 03:00+02:00, 03-29 03:00:10+02:00")]
    public void An_interval_goes_on_evenly_over_a_gap(string cron, string after, string expected) =>
        Check(cron, "Europe/Paris", after, expected);

    [Theory]
    [InlineData("0 */2 * * *", "2026-03-28T22:30Z", "03-29 00:00+01:00, 03-29 03:00+02:00, 03-29 04:00+02:00")]
    [InlineData("*/20 2 * * *", "2026-03-28T12:00Z", "03-29 03:00+02:00, 03-30 02:00+02:00")]
    [InlineData("*/20 2,4 * * *", "2026-03-28T12:00Z", "03-29 03:00+02:00, 03-29 04:00+02:00")]
    [InlineData("*/20 2,3 * * *", "2026-03-28T12:00Z", "03-29 03:00+02:00, 03-29 03:20+02:00")]
    public void An_interval_that_would_miss_out_comes_right_after_the_gap(string cron, string after, string expected) =>
        Check(cron, "Europe/Paris", after, expected);

    // Paris, 25 October 2026: 03:00 becomes 02:00.
    [Theory]
    [InlineData("30 2 * * *", "2026-10-24T12:00Z", "10-25 02:30+02:00, 10-26 02:30+01:00")]
    [InlineData("0,30 2 * * *", "2026-10-24T12:00Z", "10-25 02:00+02:00, 10-25 02:30+02:00, 10-26 02:00+01:00")]
    [InlineData("0 2 * * *", "2026-10-25T00:00Z", "10-26 02:00+01:00")]
    [InlineData("45 2 * * *", "2026-10-25T00:10Z", "10-25 02:45+02:00, 10-26 02:45+01:00")]
    [InlineData("45 2 * * *", "2026-10-25T01:10Z", "10-26 02:45+01:00")]
    [InlineData("45 2 * * *", "2026-10-25T01:00Z", "10-26 02:45+01:00")]
    [InlineData("0 3 * * *", "2026-10-24T12:00Z", "10-25 03:00+01:00, 10-26 03:00+01:00")]
    [InlineData("30 1-3 * * *", "2026-10-24T12:00Z", "10-25 01:30+02:00, 10-25 02:30+02:00, 10-25 03:30+01:00")]
    public void A_fixed_time_in_a_repeated_hour_comes_on_the_first_pass(string cron, string after, string expected) =>
        Check(cron, "Europe/Paris", after, expected);

    [Theory]
    [InlineData("30 * * * *", "2026-10-24T23:00Z", "10-25 01:30+02:00, 10-25 02:30+02:00, 10-25 02:30+01:00, 10-25 03:30+01:00")]
    [InlineData("0 * * * *", "2026-10-24T23:00Z", "10-25 02:00+02:00, 10-25 02:00+01:00, 10-25 03:00+01:00")]
    [InlineData("*/30 2 * * *", "2026-10-24T12:00Z", "10-25 02:00+02:00, 10-25 02:30+02:00, 10-25 02:00+01:00, 10-25 02:30+01:00")]
    [InlineData("0 */2 * * *", "2026-10-24T22:00Z", "10-25 02:00+02:00, 10-25 02:00+01:00, 10-25 04:00+01:00")]
    public void An_interval_comes_on_each_pass_of_a_repeated_hour(string cron, string after, string expected) =>
        Check(cron, "Europe/Paris", after, expected);

    // New York, 2026: 8 March 02:00 becomes 03:00, 1 November 02:00 becomes 01:00.
    [Theory]
    [InlineData("30 2 * * *", "2026-03-07T12:00Z", "03-08 03:00-04:00, 03-09 02:30-04:00")]
    [InlineData("30 1 * * *", "2026-10-31T12:00Z", "11-01 01:30-04:00, 11-02 01:30-05:00")]
    [InlineData("*/30 * * * *", "2026-11-01T05:00Z", "11-01 01:30-04:00, 11-01 01:00-05:00, 11-01 01:30-05:00, 11-01 02:00-05:00")]
    public void New_York(string cron, string after, string expected) => Check(cron, "America/New_York", after, expected);

    // Lord Howe, 2026: 4 October 02:00 becomes 02:30, 5 April 02:00 becomes 01:30.
    [Theory]
    [InlineData("15 2 * * *", "2026-10-02T20:00Z", "10-04 02:30+11:00, 10-05 02:15+11:00")]
    [InlineData("0 * * * *", "2026-10-03T14:00Z", "10-04 01:00+10:30, 10-04 02:30+11:00, 10-04 03:00+11:00")]
    [InlineData("*/20 * * * *", "2026-10-03T15:00Z", "10-04 01:40+10:30, 10-04 02:40+11:00, 10-04 03:00+11:00")]
    [InlineData("45 1 * * *", "2026-04-04T12:00Z", "04-05 01:45+11:00, 04-06 01:45+10:30")]
    [InlineData("*/15 * * * *", "2026-04-04T14:30Z", "04-05 01:45+11:00, 04-05 01:30+10:30, 04-05 01:45+10:30")]
    public void Half_an_hour_on_Lord_Howe(string cron, string after, string expected) =>
        Check(cron, "Australia/Lord_Howe", after, expected);

    // Troll changes by two hours: 27 March 2022 01:00 becomes 03:00, 30 October 03:00 becomes 01:00.
    [Theory]
    [InlineData("30 1,2 * * *", "2022-03-26T12:00Z", "03-27 03:00+02:00, 03-28 01:30+02:00")]
    [InlineData("30 1,2 * * *", "2022-10-29T12:00Z", "10-30 01:30+02:00, 10-30 02:30+02:00, 10-31 01:30+00:00")]
    public void Two_hours_at_Troll(string cron, string after, string expected) => Check(cron, "Antarctica/Troll", after, expected);

    [Theory]
    [InlineData("Asia/Hebron", "2021-03-25T12:00Z", "03-26 00:00+02:00, 03-27 01:00+03:00, 03-28 00:00+03:00")]
    [InlineData("Asia/Beirut", "2022-03-25T12:00Z", "03-26 00:00+02:00, 03-27 01:00+03:00, 03-28 00:00+03:00")]
    [InlineData("Africa/Cairo", "2023-04-26T12:00Z", "04-27 00:00+02:00, 04-28 01:00+03:00, 04-29 00:00+03:00")]
    [InlineData("America/Havana", "2026-03-07T06:00Z", "03-08 01:00-04:00, 03-09 00:00-04:00")]
    [InlineData("America/Sao_Paulo", "2018-11-03T12:00Z", "11-04 01:00-02:00, 11-05 00:00-02:00")]
    public void A_day_without_a_midnight_begins_at_one(string timeZone, string after, string expected) =>
        Check("@daily", timeZone, after, expected);

    // The clocks go back from midnight to eleven the evening before, so the day begins twice.
    [Theory]
    [InlineData("@daily", "Asia/Beirut", "2022-10-29T12:00Z", "10-30 00:00+02:00, 10-31 00:00+02:00")]
    [InlineData("30 23 * * *", "Asia/Beirut", "2022-10-29T12:00Z", "10-29 23:30+03:00, 10-30 23:30+02:00")]
    [InlineData("@hourly", "Asia/Beirut", "2022-10-29T19:30Z", "10-29 23:00+03:00, 10-29 23:00+02:00, 10-30 00:00+02:00")]
    [InlineData("30 23 * * *", "Africa/Cairo", "2023-10-26T12:00Z", "10-26 23:30+03:00, 10-27 23:30+02:00")]
    [InlineData("@daily", "America/Havana", "2026-10-31T12:00Z", "11-01 00:00-04:00, 11-02 00:00-05:00")]
    [InlineData("@daily", "Asia/Hebron", "2021-10-28T12:00Z", "10-29 00:00+03:00, 10-30 00:00+02:00")]
    public void A_repeated_midnight(string cron, string timeZone, string after, string expected) => Check(cron, timeZone, after, expected);

    // Samoa went over the date line: after 29 December 2011 came the 31st.
    [Theory]
    [InlineData("0 12 * * *", "2011-12-29T00:00Z", "12-29 12:00-10:00, 12-31 00:00+14:00, 12-31 12:00+14:00")]
    [InlineData("@daily", "2011-12-29T00:00Z", "12-29 00:00-10:00, 12-31 00:00+14:00, 01-01 00:00+14:00")]
    [InlineData("0 0 30 12 *", "2011-06-01T00:00Z", "12-31 00:00+14:00, 12-30 00:00+14:00")]
    [InlineData("30 * * * *", "2011-12-30T08:00Z", "12-29 22:30-10:00, 12-29 23:30-10:00, 12-31 00:30+14:00")]
    public void A_day_that_Samoa_left_out(string cron, string after, string expected) => Check(cron, "Pacific/Apia", after, expected);

    // Kwajalein went the other way in 1969, and back in 1993.
    [Theory]
    [InlineData("0 12 * * *", "1993-08-20T12:00Z", "08-20 12:00-12:00, 08-22 00:00+12:00, 08-22 12:00+12:00")]
    public void A_day_that_Kwajalein_left_out(string cron, string after, string expected) =>
        Check(cron, "Pacific/Kwajalein", after, expected);

    // Casablanca goes back an hour for Ramadan: 19 March 2023 03:00 becomes 02:00, 23 April 02:00 becomes 03:00.
    [Theory]
    [InlineData("30 2 * * *", "2023-03-18T12:00Z", "03-19 02:30+01:00, 03-20 02:30+00:00")]
    [InlineData("30 2 * * *", "2023-04-22T12:00Z", "04-23 03:00+01:00, 04-24 02:30+01:00")]
    [InlineData("30 * * * *", "2023-03-19T01:00Z", "03-19 02:30+01:00, 03-19 02:30+00:00, 03-19 03:30+00:00")]
    public void Ramadan_in_Casablanca(string cron, string after, string expected) => Check(cron, "Africa/Casablanca", after, expected);

    // No daylight saving: Caracas went half an hour back in 2007, Pyongyang half an hour on, from 23:30, in 2018.
    [Theory]
    [InlineData("45 2 * * *", "America/Caracas", "2007-12-08T12:00Z", "12-09 02:45-04:00, 12-10 02:45-04:30")]
    [InlineData("45 23 * * *", "Asia/Pyongyang", "2018-05-04T12:00Z", "05-05 00:00+09:00, 05-05 23:45+09:00")]
    [InlineData("30 1 * * *", "Europe/Moscow", "2014-10-25T00:00Z", "10-26 01:30+04:00, 10-27 01:30+03:00")]
    public void Clocks_that_were_changed_for_good(string cron, string timeZone, string after, string expected) =>
        Check(cron, timeZone, after, expected);

    [Theory]
    [InlineData("15 4 * * *", "Asia/Kathmandu", "2026-01-01T00:00Z", "01-02 04:15+05:45")]
    [InlineData("15 4 * * *", "Asia/Kolkata", "2026-01-01T00:00Z", "01-02 04:15+05:30")]
    [InlineData("0 0 * * *", "Pacific/Marquesas", "2026-01-01T00:00Z", "01-01 00:00-09:30")]
    [InlineData("0 12 * * *", "Europe/Dublin", "2026-10-24T12:00Z", "10-25 12:00+00:00, 10-26 12:00+00:00")]
    public void Odd_and_negative_offsets(string cron, string timeZone, string after, string expected) =>
        Check(cron, timeZone, after, expected);

    // A rare day is leapt to, and the rules of that day count.
    [Theory]
    [InlineData("30 2 31 3 *", "2022-01-01T00:00Z", "03-31 02:30+02:00, 03-31 02:30+02:00, 03-31 03:00+02:00")]
    [InlineData("30 2 27 10 *", "2023-11-01T00:00Z", "10-27 02:30+02:00, 10-27 02:30+01:00")]
    [InlineData("0 12 29 2 *", "2021-07-01T00:00Z", "02-29 12:00+01:00, 02-29 12:00+01:00")]
    [InlineData("*/30 2 25 10 *", "2026-10-25T00:15Z", "10-25 02:30+02:00, 10-25 02:00+01:00, 10-25 02:30+01:00, 10-25 02:00+02:00")]
    public void A_change_of_clocks_years_ahead(string cron, string after, string expected) => Check(cron, "Europe/Paris", after, expected);

    [Fact]
    public void Every_second_of_a_day_of_25_hours_comes_once()
    {
        var secondly = CronSchedule.Parse("* * * * * *", "Europe/Paris");
        var (from, until) = (Moments.At("2026-10-24T22:00Z"), Moments.At("2026-10-25T23:00Z"));

        Assert.Equal(25 * 3600, secondly.Between(from, until).Distinct().Count());
    }

    private static void Check(string cron, string timeZone, string after, string expected) =>
        Assert.Equal(expected, Moments.Local(cron, timeZone, after, expected.Split(',').Length));
}
