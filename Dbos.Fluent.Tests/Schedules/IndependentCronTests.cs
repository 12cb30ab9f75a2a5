using System.Text.Json;
using Dbos.Fluent.Schedules;

namespace Dbos.Fluent.Tests.Schedules;

/// <summary>Occurrences are those that a library finds that is not ours, most of all around changes of clocks.</summary>
/// <remarks>
/// <para>
/// That library (croner, from npm) follows Vixie's cron as we do, and it can be told to take the same jobs for fixed-time jobs. One rule
/// differs: what it skips in a gap and does not make up for, we make up for at the end of the gap. These are the times of an interval job
/// that does not take place within the length of the gap after it, and those of a gap that ends on another day. There, our next occurrence
/// but one must be its next; all the rest must be equal. <see cref="RandomCron"/> keeps to expressions that both read alike.
/// </para>
/// <para>
/// The rules of the zones come from two sources too, the system's and node's own. Where they disagree about an occurrence's offset, nothing
/// can be compared; that is counted, and must be rare.
/// </para>
/// </remarks>
public sealed class IndependentCronTests
{
    private const string Script = "cron.mjs";
    private const int Expressions = 6_000;
    private const int MomentsEach = 20;
    private const int ComparedMin = 100_000;

    private int equal;
    private int madeUpFor;
    private int otherRules;

    [Fact]
    public async Task Another_library_finds_the_same_occurrences()
    {
        var questions = Questions(Seeds.Fixed(20_263));

        var answers = await NodeScript.AnswersAsync(Script, [.. questions.Select(question => question.Line)]);

        for (var index = 0; index < questions.Count; index++)
        {
            Assert.False(answers[index].StartsWith("error", StringComparison.Ordinal), $"{questions[index].Line}: {answers[index]}");
            Compare(questions[index], JsonSerializer.Deserialize<long[]?[]>(answers[index])!);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{equal} equal, {madeUpFor} made up for at the end of a gap by us only, {otherRules} under other rules of the zone");
        Assert.True(equal + madeUpFor >= ComparedMin);
        Assert.True(madeUpFor < equal / 20);
        Assert.True(otherRules < equal / 100);
    }

    private void Compare(Question question, long[]?[] answers)
    {
        var schedule = CronSchedule.Parse(question.Cron.Text, question.TimeZone);
        var zone = TimeZoneInfo.FindSystemTimeZoneById(question.TimeZone);
        for (var index = 0; index < answers.Length; index++)
        {
            var ours = schedule.NextAfter(question.After[index]);
            DateTimeOffset? theirs = answers[index] is { } answer ? DateTimeOffset.FromUnixTimeMilliseconds(answer[0]) : null;
            if (ours == theirs)
            {
                equal++;
            }
            else if (theirs is { } moment && zone.GetUtcOffset(moment) != TimeSpan.FromMinutes(answers[index]![1]))
            {
                otherRules++;
            }
            else
            {
                Assert.True(
                    ours is { } gapEnd && IsMadeUpFor(question.Cron, zone, gapEnd) && schedule.NextAfter(gapEnd) == theirs,
                    $"'{question.Cron.Text}' in {question.TimeZone} after {question.After[index]:o}: we say {ours:u}, they say {theirs:u}");
                madeUpFor++;
            }
        }
    }

    private static bool IsMadeUpFor(GeneratedCron cron, TimeZoneInfo zone, DateTimeOffset gapEnd)
    {
        var before = gapEnd.AddSeconds(-1);
        var last = before.ToOffset(zone.GetUtcOffset(before));
        var first = gapEnd.ToOffset(zone.GetUtcOffset(gapEnd));
        return first.Offset > last.Offset && !cron.Matches(first.DateTime) && (cron.IsInterval || first.Date != last.Date);
    }

    // In the order of zones, as changing to another takes node some time.
    private static List<Question> Questions(Random random)
    {
        var crons = new RandomCron(random);
        List<Question> questions = [];
        foreach (var timeZone in ZoneChanges.Zones)
        {
            var changes = ZoneChanges.Of(timeZone, 2000, 2025);
            for (var count = 0; count < Expressions / ZoneChanges.Zones.Length; count++)
            {
                var change = changes[random.Next(changes.Count)];
                var after = Enumerable.Range(0, MomentsEach).Select(_ => change + Distance(random));
                questions.Add(new Question(timeZone, crons.Next(), [.. after]));
            }
        }

        return questions;
    }

    private static TimeSpan Distance(Random random) => random.Next(10) switch
    {
        0 => TimeSpan.FromSeconds(random.Next(-1, 2)),
        1 => TimeSpan.FromDays(random.NextInt64(-400, 400)),
        < 5 => TimeSpan.FromMilliseconds(random.Next(-3 * 3_600_000, 3 * 3_600_000)),
        _ => TimeSpan.FromSeconds(random.Next(-48 * 3600, 48 * 3600)),
    };

    private sealed record Question(string TimeZone, GeneratedCron Cron, IReadOnlyList<DateTimeOffset> After)
    {
        public string Line { get; } = JsonSerializer.Serialize(
            new { zone = TimeZone, cron = Cron.Text, after = After.Select(moment => moment.ToUnixTimeMilliseconds()) });
    }
}
