using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Schedules;

/// <summary>What is wrong with an expression, where, and what would be right.</summary>
public sealed class CronErrorTests
{
    private const string Parts = "five fields (minute, hour, day of month, month, day of week), or six with the second first";
    private const string Macros = "@yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly";

    [Theory]
    [InlineData("60 * * * *", 1, "minute", "'60'", "0 to 59")]
    [InlineData("0 24 * * *", 3, "hour", "'24'", "0 to 23")]
    [InlineData("0 0 0 * *", 5, "day of month", "'0'", "1 to 31, or L by itself")]
    [InlineData("0 0 1 13 *", 7, "month", "'13'", "1 to 12, or JAN to DEC")]
    [InlineData("0 0 * * 8", 9, "day of week", "'8'", "0 to 7, or SUN to SAT")]
    [InlineData("75 0 0 * * *", 1, "second", "'75'", "0 to 59")]
    [InlineData("0 75 0 * * *", 3, "minute", "'75'", "0 to 59")]
    [InlineData("1,2,61 * * * *", 5, "minute", "'61'", "0 to 59")]
    [InlineData("1-99 * * * *", 3, "minute", "'99'", "0 to 59")]
    [InlineData("99999999999999999999 * * * *", 1, "minute", "'99999999999999999999'", "0 to 59")]
    public void Values_out_of_range(string cron, int position, string field, string found, string expected) =>
        Check(cron, position, field, found, expected);

    [Theory]
    [InlineData("50-10 * * * *", 1, "minute", "'50-10'", "a range that goes up; over the end it is '50-59,0-10'")]
    [InlineData("0 6,22-2 * * *", 5, "hour", "'22-2'", "a range that goes up; over the end it is '22-23,0-2'")]
    [InlineData("0 0 1 NOV-FEB/2 *", 7, "month", "'NOV-FEB'", "a range that goes up; over the end it is '11-12,1-2'")]
    public void Ranges_that_go_down(string cron, int position, string field, string found, string expected) =>
        Check(cron, position, field, found, expected);

    [Theory]
    [InlineData("*/0 * * * *", 3, "minute", "'0'", "a step of 1 to 60")]
    [InlineData("*/90 * * * *", 3, "minute", "'90'", "a step of 1 to 60")]
    [InlineData("0 8-18/x * * *", 8, "hour", "'x'", "a step of 1 to 24")]
    [InlineData("0 0 * * */8", 11, "day of week", "'8'", "a step of 1 to 7")]
    [InlineData("0 0 * */MON *", 9, "month", "'MON'", "a step of 1 to 12")]
    [InlineData("0 */ * * *", 5, "hour", "nothing", "a step of 1 to 24")]
    [InlineData("0 */-2 * * *", 5, "hour", "'-2'", "a step of 1 to 24")]
    public void Steps_that_are_none(string cron, int position, string field, string found, string expected) =>
        Check(cron, position, field, found, expected);

    [Theory]
    [InlineData("x * * * *", 1, "minute", "'x'", "0 to 59")]
    [InlineData("-5 * * * *", 1, "minute", "'-5'", "0 to 59")]
    [InlineData("5x * * * *", 1, "minute", "'5x'", "0 to 59")]
    [InlineData("1,,2 * * * *", 3, "minute", "',2'", "0 to 59")]
    [InlineData(",1 * * * *", 1, "minute", "',1'", "0 to 59")]
    [InlineData("0 1, * * *", 5, "hour", "nothing", "0 to 23")]
    [InlineData("0 1- * * *", 5, "hour", "nothing", "0 to 23")]
    [InlineData("/5 * * * *", 1, "minute", "'/5'", "0 to 59")]
    [InlineData("٣ * * * *", 1, "minute", "'٣'", "0 to 59")]
    [InlineData("*5 * * * *", 2, "minute", "'5'", "',' or a blank here")]
    [InlineData("*-5 * * * *", 2, "minute", "'-5'", "',' or a blank here")]
    [InlineData("1-2-3 * * * *", 4, "minute", "'-3'", "',' or a blank here")]
    [InlineData("*/2/3 * * * *", 4, "minute", "'/3'", "',' or a blank here")]
    [InlineData("1;2 * * * *", 2, "minute", "';2'", "',' or a blank here")]
    [InlineData("0 0 * * *\0", 10, "day of week", "'\0'", "',' or a blank here")]
    public void Things_that_are_no_value(string cron, int position, string field, string found, string expected) =>
        Check(cron, position, field, found, expected);

    [Theory]
    [InlineData("0 0 1 MAI *", 7, "month", "'MAI'", "1 to 12, or JAN to DEC")]
    [InlineData("0 0 1 MON *", 7, "month", "'MON'", "1 to 12, or JAN to DEC")]
    [InlineData("0 0 * * MONDAY", 9, "day of week", "'MONDAY'", "0 to 7, or SUN to SAT")]
    [InlineData("0 0 MON * *", 5, "day of month", "'MON'", "1 to 31, or L by itself")]
    public void Names_that_are_none(string cron, int position, string field, string found, string expected) =>
        Check(cron, position, field, found, expected);

    [Theory]
    [InlineData("? * * * *", 1, "minute", "'?'", "0 to 59")]
    [InlineData("0 0 1 ? *", 7, "month", "'?'", "1 to 12, or JAN to DEC")]
    [InlineData("0 L * * *", 3, "hour", "'L'", "0 to 23")]
    [InlineData("0 0 * * 5L", 9, "day of week", "'5L'", "0 to 7, or SUN to SAT")]
    [InlineData("0 0 * * 5#3", 10, "day of week", "'#3'", "',' or a blank here")]
    [InlineData("0 0 LW * *", 6, "day of month", "'W'", "',' or a blank here")]
    [InlineData("0 0 L-3 * *", 6, "day of month", "'-3'", "',' or a blank here")]
    [InlineData("0 0 1-L * *", 7, "day of month", "'L'", "1 to 31, or L by itself")]
    [InlineData("0 0 15W * *", 5, "day of month", "'15W'", "1 to 31, or L by itself")]
    public void Signs_in_the_wrong_field(string cron, int position, string field, string found, string expected) =>
        Check(cron, position, field, found, expected);

    [Theory]
    [InlineData("", 1, "minute", "nothing", Parts)]
    [InlineData("   ", 4, "minute", "nothing", Parts)]
    [InlineData("*", 2, "hour", "nothing", Parts)]
    [InlineData("0 0 * *", 8, "day of week", "nothing", Parts)]
    [InlineData("0 0 0 * * * 2026", 13, "after the last field", "'2026'", "nothing: a schedule has " + Parts)]
    [InlineData("@fortnightly", 1, "macro", "'@fortnightly'", Macros)]
    [InlineData("  @every 5m", 3, "macro", "'@every'", Macros)]
    public void Too_few_fields_too_many_and_unknown_macros(string cron, int position, string field, string found, string expected) =>
        Check(cron, position, field, found, expected);

    [Theory]
    [InlineData("Europe/Pari", "'Europe/Paris' or 'UTC'")]
    [InlineData("Romance Standard Time", "'Europe/Paris' or 'UTC'")]
    [InlineData("Eastern Standard Time", "'America/New_York' or 'UTC'")]
    [InlineData("", "'Europe/Paris' or 'UTC'")]
    [InlineData("+01:00", "'Europe/Paris' or 'UTC'")]
    public void Unknown_zones(string timeZone, string expected)
    {
        var error = Assert.Throws<ArgumentException>(() => CronSchedule.Parse("@daily", timeZone));

        Assert.Equal($"Time zone '{timeZone}' is unknown; expected an IANA id, as {expected}. (Parameter 'timeZone')", error.Message);
        Assert.Equal("timeZone", error.ParamName);
    }

    [Fact]
    public void Nothing_at_all()
    {
        Assert.Equal("cron", Assert.Throws<ArgumentNullException>(() => CronSchedule.Parse(null!, "UTC")).ParamName);
        Assert.Equal("timeZone", Assert.Throws<ArgumentNullException>(() => CronSchedule.Parse("@daily", null!)).ParamName);
    }

    // Whatever is thrown at it, an expression is read or refused with a position within it.
    [Fact]
    public void No_text_is_worse_than_wrong()
    {
        const string Signs = "0123459*,-/?LlW# \t@MONJAFEBSU\0é";
        var random = Seeds.Fixed(20_261);
        for (var count = 0; count < 50_000; count++)
        {
            var cron = new string([.. Enumerable.Range(0, random.Next(24)).Select(_ => Signs[random.Next(Signs.Length)])]);
            cron = random.Next(3) == 0 ? cron : string.Join(' ', ((string[])[cron, "*", "1", "1-5", "2", "3"]).Take(5 + random.Next(2)));
            try
            {
                CronSchedule.Parse(cron, "UTC").NextAfter(DateTimeOffset.UnixEpoch);
            }
            catch (ArgumentException exception)
            {
                var position = int.Parse(exception.Message.Split("is wrong at position ")[1].Split(',')[0]);
                Assert.InRange(position, 1, cron.Length + 1);
            }
        }
    }

    private static void Check(string cron, int position, string field, string found, string expected)
    {
        var error = Assert.Throws<ArgumentException>(() => CronSchedule.Parse(cron, "UTC"));

        Assert.Equal(
            $"Cron expression '{cron}' is wrong at position {position}, {field}: found {found}, expected {expected}. (Parameter 'cron')",
            error.Message);
        Assert.Equal("cron", error.ParamName);
    }
}
