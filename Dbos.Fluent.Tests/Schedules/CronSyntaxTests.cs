using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Schedules;

/// <summary>What can be written in a cron expression. 1 January 2026, where the tests begin, is a Thursday.</summary>
public sealed class CronSyntaxTests
{
    private const string Start = "2026-01-01T00:00:00Z";

    [Theory]
    [InlineData("* * * * *", "01-01 00:01, 01-01 00:02, 01-01 00:03")]
    [InlineData("* * * * * *", "01-01 00:00:01, 01-01 00:00:02, 01-01 00:00:03")]
    [InlineData("30 15 4 * * *", "01-01 04:15:30, 01-02 04:15:30, 01-03 04:15:30")]
    [InlineData("5 4 * * *", "01-01 04:05, 01-02 04:05, 01-03 04:05")]
    [InlineData("59 59 23 31 12 *", "12-31 23:59:59, 12-31 23:59:59, 12-31 23:59:59")]
    public void Five_fields_begin_with_the_minute_and_six_with_the_second(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("0,30 12 * * *", "01-01 12:00, 01-01 12:30, 01-02 12:00")]
    [InlineData("30,0,30 12 * * *", "01-01 12:00, 01-01 12:30, 01-02 12:00")]
    [InlineData("0 9-11 * * *", "01-01 09:00, 01-01 10:00, 01-01 11:00, 01-02 09:00")]
    [InlineData("0 9-9 * * *", "01-01 09:00, 01-02 09:00")]
    [InlineData("0 0 1 3-4,12 *", "03-01 00:00, 04-01 00:00, 12-01 00:00, 03-01 00:00")]
    [InlineData("07 08 09 * *", "01-09 08:07, 02-09 08:07")]
    public void Values_ranges_and_lists(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("*/20 * * * *", "01-01 00:20, 01-01 00:40, 01-01 01:00")]
    [InlineData("10-40/15 7 * * *", "01-01 07:10, 01-01 07:25, 01-01 07:40, 01-02 07:10")]
    [InlineData("50/5 7 * * *", "01-01 07:50, 01-01 07:55, 01-02 07:50")]
    [InlineData("*/40 7 * * *", "01-01 07:00, 01-01 07:40, 01-02 07:00")]
    [InlineData("*/60 7 * * *", "01-01 07:00, 01-02 07:00")]
    [InlineData("0 0 */10 * *", "01-11 00:00, 01-21 00:00, 01-31 00:00, 02-01 00:00")]
    [InlineData("0 0 1 */5 *", "06-01 00:00, 11-01 00:00, 01-01 00:00")]
    [InlineData("0 0 * * */3", "01-03 00:00, 01-04 00:00, 01-07 00:00, 01-10 00:00")]
    public void Steps_begin_at_the_first_value(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("0 0 1 FEB,oct *", "02-01 00:00, 10-01 00:00, 02-01 00:00")]
    [InlineData("0 0 1 Jun-Aug/2 *", "06-01 00:00, 08-01 00:00, 06-01 00:00")]
    [InlineData("0 0 * * mon", "01-05 00:00, 01-12 00:00")]
    [InlineData("0 0 * * Tue-THU", "01-06 00:00, 01-07 00:00, 01-08 00:00, 01-13 00:00")]
    public void Names_in_any_case(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("0 0 * * 0", "01-04 00:00, 01-11 00:00")]
    [InlineData("0 0 * * 7", "01-04 00:00, 01-11 00:00")]
    [InlineData("0 0 * * 7-7", "01-04 00:00, 01-11 00:00")]
    [InlineData("0 0 * * 5-7", "01-02 00:00, 01-03 00:00, 01-04 00:00, 01-09 00:00")]
    [InlineData("0 0 * * FRI-MON", "01-02 00:00, 01-03 00:00, 01-04 00:00, 01-05 00:00, 01-09 00:00")]
    [InlineData("0 0 * * SAT-SUN", "01-03 00:00, 01-04 00:00, 01-10 00:00")]
    [InlineData("0 0 * * SAT-TUE/2", "01-03 00:00, 01-05 00:00, 01-10 00:00")]
    [InlineData("0 0 * * 7-2", "01-04 00:00, 01-05 00:00, 01-06 00:00, 01-11 00:00")]
    [InlineData("0 0 * * 7/3", "01-03 00:00, 01-04 00:00, 01-07 00:00")]
    [InlineData("0 0 * * 0-7", "01-02 00:00, 01-03 00:00, 01-04 00:00, 01-05 00:00")]
    public void Days_of_the_week_are_a_circle_in_which_7_is_Sunday(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("0 0 L * *", "01-31 00:00, 02-28 00:00, 03-31 00:00, 04-30 00:00")]
    [InlineData("0 0 l 2 ?", "02-28 00:00, 02-28 00:00, 02-29 00:00")]
    [InlineData("0 0 L,15 * *", "01-15 00:00, 01-31 00:00, 02-15 00:00, 02-28 00:00")]
    [InlineData("0 0 30,L 1-2 *", "01-30 00:00, 01-31 00:00, 02-28 00:00, 01-30 00:00")]
    public void L_is_the_last_day_of_the_month(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("0 0 13 * FRI", "01-02 00:00, 01-09 00:00, 01-13 00:00, 01-16 00:00")]
    [InlineData("0 0 L * MON", "01-05 00:00, 01-12 00:00, 01-19 00:00, 01-26 00:00, 01-31 00:00, 02-02 00:00")]
    [InlineData("0 0 13 * *", "01-13 00:00, 02-13 00:00")]
    [InlineData("0 0 13 * ?", "01-13 00:00, 02-13 00:00")]
    [InlineData("0 0 ? * FRI", "01-02 00:00, 01-09 00:00")]
    [InlineData("0 0 ? * ?", "01-02 00:00, 01-03 00:00")]
    public void A_day_matches_either_of_two_restricted_fields(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("0 0 */2 * MON", "01-05 00:00, 01-19 00:00, 02-09 00:00")]
    [InlineData("0 0 1-31/2 * MON", "01-03 00:00, 01-05 00:00, 01-07 00:00")]
    [InlineData("0 0 13 * */5", "02-13 00:00, 03-13 00:00, 09-13 00:00")]
    public void A_day_must_match_both_fields_if_one_has_a_star(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("@yearly", "01-01 00:00, 01-01 00:00")]
    [InlineData("@annually", "01-01 00:00, 01-01 00:00")]
    [InlineData("@monthly", "02-01 00:00, 03-01 00:00")]
    [InlineData("@weekly", "01-04 00:00, 01-11 00:00")]
    [InlineData("@daily", "01-02 00:00, 01-03 00:00")]
    [InlineData("@midnight", "01-02 00:00, 01-03 00:00")]
    [InlineData(" @Hourly ", "01-01 01:00, 01-01 02:00")]
    public void Macros(string cron, string expected) => Check(cron, expected);

    [Theory]
    [InlineData("  0   12\t*  *\n* ", "01-01 12:00, 01-02 12:00")]
    public void Blanks_of_any_kind_and_number_part_the_fields(string cron, string expected) => Check(cron, expected);

    [Fact]
    public void An_expression_is_read_the_same_under_any_culture()
    {
        var culture = System.Globalization.CultureInfo.CurrentCulture;
        try
        {
            System.Globalization.CultureInfo.CurrentCulture = new System.Globalization.CultureInfo("tr-TR");
            Check("0 0 1 apr,jul *", "04-01 00:00, 07-01 00:00");
            Check("0 0 * * fri", "01-02 00:00");
        }
        finally
        {
            System.Globalization.CultureInfo.CurrentCulture = culture;
        }
    }

    [Theory]
    [InlineData("Europe/Paris")]
    [InlineData("UTC")]
    [InlineData("Etc/GMT+5")]
    public void Zones_have_IANA_ids(string timeZone) => Assert.NotNull(CronSchedule.Parse("@daily", timeZone).NextAfter(Moments.At(Start)));

    private static void Check(string cron, string expected) =>
        Assert.Equal(expected, Moments.Utc(cron, Start, expected.Split(',').Length));
}
