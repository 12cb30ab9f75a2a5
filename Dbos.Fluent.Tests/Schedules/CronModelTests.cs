using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Schedules;

/// <summary>
/// The rules as they are told, applied minute by minute to the days around a change of clocks, name the same moments as the engine, which
/// leaps from match to match.
/// </summary>
public sealed class CronModelTests
{
    private const int ChangesOfEachZone = 8;
    private const int ExpressionsOfEachChange = 5;
    private const int DaysAround = 2;

    /// <summary>A day and an hour, as a minute that is looked at may repeat one of the day before.</summary>
    private const int MinutesBefore = 25 * 60;

    [Fact]
    public void Leaping_finds_what_going_minute_by_minute_finds()
    {
        var random = Seeds.Fixed(20_262);
        var crons = new RandomCron(random);
        var found = 0;
        foreach (var timeZone in ZoneChanges.Zones)
        {
            var changes = ZoneChanges.Of(timeZone, 2000, 2025);
            foreach (var change in random.GetItems([.. changes], ChangesOfEachZone))
            {
                var minutes = Minutes(timeZone, change);
                for (var count = 0; count < ExpressionsOfEachChange; count++)
                {
                    found += Check(crons.Daily(), timeZone, minutes);
                }
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{found} occurrences");
        Assert.True(found > 20_000);
    }

    private static int Check(GeneratedCron cron, string timeZone, IReadOnlyList<Minute> minutes)
    {
        var schedule = CronSchedule.Parse(cron.Text, timeZone);
        var expected = Model(cron, minutes);
        var from = minutes[MinutesBefore].At;

        var actual = schedule.Between(from, minutes[^1].At).ToList();

        Assert.True(expected.SequenceEqual(actual), $"'{cron.Text}' in {timeZone} from {from:u}:\n{Lines(expected)}\nbut\n{Lines(actual)}");

        // The moments do not depend on where one begins.
        foreach (var minute in minutes.Skip(MinutesBefore).Where((_, index) => index % 97 == 0))
        {
            var next = expected.Find(occurrence => occurrence > minute.At);
            var isFound = next == default || next == schedule.NextAfter(minute.At);
            Assert.True(isFound, $"'{cron.Text}' in {timeZone} after {minute.At:u}: {next:u}");
        }

        return actual.Count;
    }

    private static List<DateTimeOffset> Model(GeneratedCron cron, IReadOnlyList<Minute> minutes)
    {
        HashSet<DateTime> seen = [];
        List<DateTimeOffset> occurrences = [];
        for (var index = 1; index < minutes.Count - 1; index++)
        {
            var (at, local) = minutes[index];
            var isNew = seen.Add(local);
            var isDue = cron.Matches(local) && (cron.IsInterval || isNew);
            if (index >= MinutesBefore && (isDue || IsMadeUpFor(cron, minutes[index - 1].Local.AddMinutes(1), local)))
            {
                occurrences.Add(at);
            }
        }

        return occurrences;
    }

    private static bool IsMadeUpFor(GeneratedCron cron, DateTime skippedFrom, DateTime skippedUntil)
    {
        var length = skippedUntil - skippedFrom;
        return length > TimeSpan.Zero
            && MatchesWithin(cron, skippedFrom, length)
            && !(cron.IsInterval && MatchesWithin(cron, skippedUntil, length));
    }

    private static bool MatchesWithin(GeneratedCron cron, DateTime from, TimeSpan length) =>
        Enumerable.Range(0, (int)length.TotalMinutes).Any(minute => cron.Matches(from.AddMinutes(minute)));

    private static List<Minute> Minutes(string timeZone, DateTimeOffset change)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(timeZone);
        var first = change.AddDays(-DaysAround).AddMinutes(-MinutesBefore);
        return [.. Enumerable.Range(0, (2 * DaysAround * 24 * 60) + MinutesBefore)
            .Select(minute => first.AddMinutes(minute))
            .Select(at => new Minute(at, at.ToOffset(zone.GetUtcOffset(at)).DateTime))];
    }

    private static string Lines(IEnumerable<DateTimeOffset> moments) => string.Join('\n', moments.Take(60).Select(moment => $"{moment:u}"));

    private readonly record struct Minute(DateTimeOffset At, DateTime Local);
}
