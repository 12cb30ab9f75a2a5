using System.Globalization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>A schedule on the machine's own clock, where the other suites move time themselves. Scenario SC-01.</summary>
public abstract class RealClockScheduleSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task A_schedule_of_seconds_fires_each_of_them_once_for_two_engines()
    {
        var runs = System.Threading.Channels.Channel.CreateUnbounded<ScheduledRun>();
        var workflow = Workflow.Define<ScheduledRun>("noted").Step("note", x => runs.Writer.WriteAsync(x.Input).AsTask()).End();
        var engine = await LaunchAsync(options => options.Schedule("beat", "* * * * * *", workflow));
        await LaunchAsync(options => options.Schedule("beat", "* * * * * *", workflow).ExecutorId = "executor-2");
        List<ScheduledRun> seen = [];
        List<DateTimeOffset?> fired = [];
        while (seen.Count < 3)
        {
            seen.Add(await runs.Reader.ReadAsync(Cancel).AsTask().Within(Bounded.Limit));
            fired.Add((await engine.Schedules.GetAsync("beat", Cancel))!.LastFiredAt);
        }

        var moments = seen.ConvertAll(run => run.ScheduledAt);
        Assert.Distinct(moments);
        Assert.Equal(fired.Order(), fired);
        Assert.All(fired.Zip(moments), pair => Assert.True(pair.First >= pair.Second, $"{pair.First} is before {pair.Second}"));
        Assert.All(seen, run => Assert.InRange(run.StartedAt - run.ScheduledAt, TimeSpan.Zero, Bounded.Limit));
        Assert.All(moments, moment => Assert.Equal(0, moment.Millisecond));
        var ids = await Database.QueryAsync(
            "SELECT workflow_uuid FROM workflow_status WHERE schedule_name = 'beat' ORDER BY workflow_uuid");
        Assert.Subset(ids.Select(row => row[0]!).ToHashSet(), moments.Select(moment => $"sched-beat-{Text(moment)}").ToHashSet());
        var first = DateTimeOffset.Parse(ids[0][0]!["sched-beat-".Length..], CultureInfo.InvariantCulture);
        Assert.Equal(
            Enumerable.Range(0, ids.Count).Select(second => $"sched-beat-{Text(first.AddSeconds(second))}"), ids.Select(row => row[0]!));

        static string Text(DateTimeOffset moment) =>
            moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }
}
