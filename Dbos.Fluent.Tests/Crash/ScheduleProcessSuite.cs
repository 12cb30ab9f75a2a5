using System.Globalization;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>A schedule that two processes follow. Scenario SC-01.</summary>
public abstract class ScheduleProcessSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private const int Ticks = 4;

    [Fact]
    public async Task Two_processes_fire_each_moment_once_and_leave_none_out()
    {
        ChildProcess[] workers = [StartWorker("serve", [], ("executor", "one")), StartWorker("serve", [], ("executor", "two"))];
        foreach (var worker in workers)
        {
            await worker.ReachedAsync("launched");
        }

        await using var client = await WorkflowClient.ConnectAsync(Database.Use, Cancel).Within(Bounded.Limit);
        await client.Schedules.CreateAsync("beat", "* * * * * *", Workflows.Ticked, cancellationToken: Cancel);
        List<DateTimeOffset?> fired = [];
        await Eventually.TrueAsync(
            async () =>
            {
                fired.Add((await client.Schedules.GetAsync("beat", Cancel))!.LastFiredAt);
                return await Database.WorkflowsAsync("status = 'SUCCESS'") >= Ticks;
            },
            Bounded.Limit,
            $"{Ticks} moments have come");
        await client.Schedules.PauseAsync("beat", Cancel);
        await Eventually.TrueAsync(async () => await Database.UnfinishedAsync() == 0, Bounded.Limit, "everything ends");

        var ids = (await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status ORDER BY 1")).ConvertAll(row => row[0]!);
        var moments = ids.ConvertAll(id => DateTimeOffset.Parse(id["sched-beat-".Length..], CultureInfo.InvariantCulture));
        Assert.All(moments.Zip(moments.Skip(1)), pair => Assert.Equal(TimeSpan.FromSeconds(1), pair.Second - pair.First));

        // The workflow notes the moment that it was told, once.
        Assert.Equal(
            ids.Zip(moments, (id, moment) => ((id, Step: $"{moment.ToUnixTimeMilliseconds()}"), 1)),
            Ledger.Read().Select(effect => ((effect.Key.WorkflowId, effect.Key.Step), effect.Value)).OrderBy(effect => effect.Item1));
        Assert.Equal(fired.Where(moment => moment is not null).Order(), fired.Where(moment => moment is not null));
    }
}
