using System.Globalization;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>
/// Schedules that two processes follow, of which now the one and now the other is killed and started again, and in the end both are.
/// Scenario SC-01.
/// </summary>
public abstract class ScheduleKillSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private const string EachSecond = "* * * * * *";

    // On a busy machine the process that follows may be late by a second. If the other one, just begun, then fires the next moment first,
    // the late one counts as fired: a schedule that does not catch up leaves it out.
    private const string EachOtherSecond = "*/2 * * * * *";
    private const string Beat = "beat";
    private const string CaughtUp = "caught up";
    private const int Kills = 3;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    // A process that has been replaced needs about one more until it follows.
    private static readonly TimeSpan KillAfter = TimeSpan.FromSeconds(4);

    private readonly ChildProcess[] followers = new ChildProcess[2];
    private readonly Dictionary<string, List<DateTimeOffset>> fired = new() { [Beat] = [], [CaughtUp] = [] };

    [Fact]
    public async Task Each_moment_is_fired_once_and_none_is_left_out_although_one_of_two_processes_is_killed_every_few_seconds()
    {
        StartFollowers();
        await FollowedAsync();
        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel).Within(Bounded.Limit);
        await client.Schedules.CreateAsync(Beat, EachOtherSecond, Workflows.Ticked, cancellationToken: Cancel);
        await client.Schedules.CreateAsync(
            CaughtUp, EachSecond, Workflows.Ticked, options: new() { AutomaticBackfill = true }, cancellationToken: Cancel);
        for (var kill = 0; kill < Kills; kill++)
        {
            await KillOneAsync();
        }

        // What comes while nobody follows is left out by the one schedule, so it ends here; the other one makes up for it.
        await client.Schedules.PauseAsync(Beat, Cancel);
        await KillBothAsync();
        var dead = DateTimeOffset.UtcNow;
        await LookUntilAsync(() => DateTimeOffset.UtcNow > dead + Second, "a moment comes that nobody fires");
        StartFollowers();
        await LookUntilAsync(() => fired[CaughtUp][^1] > dead + Second, "somebody follows again");
        await client.Schedules.PauseAsync(CaughtUp, Cancel);
        await LookUntilAsync(async () => await Database.UnfinishedAsync() == 0, "everything ends");

        var repeated = await EachMomentRanOnceAsync(Beat, 2 * Second) + await EachMomentRanOnceAsync(CaughtUp, Second);
        TestContext.Current.TestOutputHelper?.WriteLine($"{fired[CaughtUp].Distinct().Count()} moments, {repeated} effects repeated");
    }

    private void StartFollowers()
    {
        for (var number = 0; number < followers.Length; number++)
        {
            StartFollower(number);
        }
    }

    private void StartFollower(int number) =>
        followers[number] = StartWorker("serve", [], ("executor", $"follower-{number}"), ("quick", "yes"));

    private async Task FollowedAsync()
    {
        foreach (var follower in followers)
        {
            await follower.ReachedAsync("launched");
        }
    }

    // One of them always follows: nobody is killed before the other one does, and has had a moment to show it.
    private async Task KillOneAsync()
    {
        await FollowedAsync();
        await LookUntilAsync(() => fired[Beat].Count > 0, "the first moment is fired");
        await LookAsync();
        var inside = $"inside {(fired[Beat][^1] + KillAfter).ToUnixTimeMilliseconds()}";
        await LookUntilAsync(() => followers.Any(follower => follower.HasReached(inside)), "a moment begins to run");
        var number = Array.FindIndex(followers, follower => follower.HasReached(inside));
        await followers[number].KillAsync();
        StartFollower(number);
    }

    private async Task KillBothAsync()
    {
        await FollowedAsync();
        foreach (var follower in followers)
        {
            await follower.KillAsync();
        }
    }

    private Task LookUntilAsync(Func<bool> condition, string what) => LookUntilAsync(() => Task.FromResult(condition()), what);

    private Task LookUntilAsync(Func<Task<bool>> condition, string what) => Eventually.TrueAsync(
        async () =>
        {
            await LookAsync();
            return await condition();
        },
        Bounded.Limit,
        what);

    private async Task LookAsync()
    {
        foreach (var row in await Database.QueryAsync("SELECT schedule_name, last_fired_at FROM workflow_schedules"))
        {
            if (row[1] is { } moment)
            {
                fired[row[0]!].Add(DateTimeOffset.Parse(moment, CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>
    /// Asserts from the database and the ledger that the moments of a schedule are evenly apart, and that each ran to its end: its effect
    /// took place once, or once more for each process that was killed while it ran.
    /// </summary>
    /// <returns>How many effects were repeated.</returns>
    private async Task<int> EachMomentRanOnceAsync(string schedule, TimeSpan apart)
    {
        var prefix = $"sched-{schedule}-";
        var rows = await Database.QueryAsync(
            $"SELECT workflow_uuid, recovery_attempts FROM workflow_status WHERE schedule_name = '{schedule}' ORDER BY workflow_uuid");
        var moments = rows.ConvertAll(row => DateTimeOffset.Parse(row[0]![prefix.Length..], CultureInfo.InvariantCulture));
        Assert.All(moments.Zip(moments.Skip(1)), pair => Assert.Equal(apart, pair.Second - pair.First));
        Assert.Equal(fired[schedule][^1], moments[^1]);
        Assert.Equal(fired[schedule].Order(), fired[schedule]);

        var effects = Ledger.Read()
            .Where(effect => effect.Key.WorkflowId.StartsWith(prefix, StringComparison.Ordinal))
            .OrderBy(effect => effect.Key.WorkflowId, StringComparer.Ordinal)
            .ToList();
        Assert.Equal(
            rows.Zip(moments, (row, moment) => (row[0]!, $"{moment.ToUnixTimeMilliseconds()}")), effects.Select(effect => effect.Key));
        Assert.All(effects.Zip(rows), pair =>
        {
            var attempts = int.Parse(pair.Second[1]!, CultureInfo.InvariantCulture);
            Assert.InRange(attempts, 1, 1 + Kills + 1);
            Assert.InRange(pair.First.Value, 1, attempts);
        });
        return effects.Sum(effect => effect.Value - 1);
    }
}
