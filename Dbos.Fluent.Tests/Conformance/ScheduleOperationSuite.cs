using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Schedules as they are operated: starts by hand, changes at once, and what is told of what did not start.</summary>
public abstract class ScheduleOperationSuite(IDatabaseFixture fixture) : VirtualScheduleSuite(fixture)
{
    private const int MomentSkipped = 1407;
    private const int MomentSkippedBehindStranded = 1408;

    [Fact]
    public async Task A_trigger_takes_no_moment_from_a_schedule_whose_name_ends_in_that_word()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        await engine.Schedules.CreateAsync("a", "0 0 1 7 *", workflow, cancellationToken: Cancel);
        await engine.Schedules.CreateAsync("a-trigger", "30 0 0 1 7 *", workflow, cancellationToken: Cancel);
        Time.Advance(new DateTimeOffset(2026, 7, 1, 0, 0, 29, TimeSpan.Zero) - Time.GetUtcNow());
        await FiredAtAsync(new DateTimeOffset(2026, 7, 1, 0, 0, 0, TimeSpan.Zero), "a");
        await engine.Schedules.PauseAsync("a-trigger", Cancel);
        Time.Advance(TimeSpan.FromSeconds(1));

        await engine.Schedules.TriggerAsync("a", Cancel);
        var ids = await engine.Schedules.BackfillAsync("a-trigger", Time.GetUtcNow(), Time.GetUtcNow().AddSeconds(1), Cancel);

        Assert.Equal("a-trigger", (await engine.GetStatusAsync(Assert.Single(ids), Cancel))!.ScheduleName);
    }

    [Fact]
    public async Task A_change_of_the_expression_alone_keeps_options_that_are_set_meanwhile()
    {
        var faults = new CallFaults();
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(
            options => options.WrapStore = store => new FaultingStore(store, faults), workflow);
        await engine.Schedules.CreateAsync("tick", "0 0 1 7 *", workflow, options: new() { Context = "one" }, cancellationToken: Cancel);
        var writes = 0;
        faults.Before = (call, _) => call.Kind == StoreCallKind.WriteSchedules && Interlocked.Increment(ref writes) == 1
            ? engine.Schedules.UpdateAsync("tick", "0 0 1 8 *", options: new() { Context = "two" }, cancellationToken: Cancel)
            : Task.CompletedTask;

        await engine.Schedules.UpdateAsync("tick", EachMinute, cancellationToken: Cancel);
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal("two", (await ArrivesAsync()).Context);
    }

    [Fact]
    public async Task A_schedule_behind_a_run_that_nobody_takes_says_so_and_after_that_what_it_skips()
    {
        var engine = await LaunchVirtualAsync(_ => { }, Noted());
        var elsewhere = Workflow.Declare<ScheduledRun, Unit>("registered elsewhere");
        await engine.Schedules.CreateAsync(
            "far", EachMinute, elsewhere, options: new() { Overlap = Overlap.Skip }, cancellationToken: Cancel);
        await FollowedAsync();
        for (var minute = 1; minute <= 3; minute++)
        {
            Time.Advance(TimeSpan.FromMinutes(1));
            await FiredAsync(minute, "far");
        }

        await Eventually.TrueAsync(
            () => Log.Has(MomentSkippedBehindStranded) && Log.Has(MomentSkipped), Bounded.Limit, "what was skipped is told of");
        var (_, _, text) = Assert.Single(Log.Entries, entry => entry.Id == MomentSkippedBehindStranded);
        Assert.Contains("its run sched-far-2026-01-01T00:01:00.000Z has ended, which nobody takes", text, StringComparison.Ordinal);
        Assert.Contains("no engine that is alive has a workflow 'registered elsewhere'", text, StringComparison.Ordinal);
    }
}
