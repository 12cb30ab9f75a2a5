namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Moments that passed while nobody followed a schedule, and those that it names anew. Scenarios SC.</summary>
public abstract class ScheduleCatchUpSuite(IDatabaseFixture fixture) : VirtualScheduleSuite(fixture)
{
    [Fact]
    public async Task A_schedule_that_catches_up_does_so_when_it_is_resumed()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        await engine.Schedules.CreateAsync(
            "tick", EachMinute, workflow, options: new() { AutomaticBackfill = true }, cancellationToken: Cancel);
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        await ArrivesAsync();
        await engine.Schedules.PauseAsync("tick", Cancel);
        Time.Advance(TimeSpan.FromMinutes(3));

        await engine.Schedules.ResumeAsync("tick", Cancel);

        List<DateTimeOffset> caughtUp = [];
        while (caughtUp.Count < 3)
        {
            caughtUp.Add((await ArrivesAsync()).ScheduledAt);
        }

        Assert.Equal(Enumerable.Range(2, 3).Select(minute => Start.AddMinutes(minute)), caughtUp.Order());
    }

    // As a resume in another process does that is not heard of: a poll finds it when its first moment has passed.
    [Fact]
    public async Task The_first_moment_after_a_resume_is_fired_although_the_resume_is_found_after_it()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(options => options.PollInterval = TimeSpan.FromSeconds(1), workflow);
        await engine.Schedules.CreateAsync("tick", EachMinute, workflow, cancellationToken: Cancel);
        await FollowedAsync();
        await engine.Schedules.PauseAsync("tick", Cancel);
        await Eventually.TrueAsync(() => Time.TimersPending == 0, Bounded.Limit, "it is followed no more");
        Time.Advance(TimeSpan.FromMinutes(2));

        await Database.ExecuteAsync("UPDATE workflow_schedules SET status = 'ACTIVE', last_fired_at = '2026-01-01T00:02:30.000Z'");
        Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(Start.AddMinutes(3), (await ArrivesAsync()).ScheduledAt);
    }

    [Fact]
    public async Task A_moment_that_a_schedule_names_no_more_is_not_fired_although_the_change_was_not_heard_of()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(options => options.PollInterval = TimeSpan.FromHours(1), workflow);
        await engine.Schedules.CreateAsync("tick", EachMinute, workflow, cancellationToken: Cancel);
        await FollowedAsync();

        await Database.ExecuteAsync("UPDATE workflow_schedules SET schedule = '30 * * * *'");
        Time.Advance(TimeSpan.FromMinutes(1));
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(29));

        Assert.Equal(Start.AddMinutes(30), (await ArrivesAsync()).ScheduledAt);
        Assert.Single(Runs);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 3)]
    public async Task What_passed_while_no_engine_ran_is_caught_up_on_where_asked(bool automaticBackfill, int caughtUp)
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(Declare);
        Time.Advance(TimeSpan.FromMinutes(1));
        await ArrivesAsync();
        await FiredAsync(1);
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        Time.Advance(TimeSpan.FromMinutes(3));

        await LaunchVirtualAsync(Declare);
        for (var i = 0; i < caughtUp; i++)
        {
            await ArrivesAsync();
        }

        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Start.AddMinutes(5), (await ArrivesAsync()).ScheduledAt);
        Assert.Equal(2 + caughtUp, Runs.Count);

        void Declare(EngineOptions options) =>
            options.Schedule("tick", EachMinute, workflow, options: new() { AutomaticBackfill = automaticBackfill });
    }

    [Fact]
    public async Task The_first_moments_of_a_schedule_are_caught_up_on_too()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(Declare);
        await FollowedAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel);
        Time.Advance(TimeSpan.FromMinutes(2));

        await LaunchVirtualAsync(Declare);

        List<DateTimeOffset> caughtUp = [(await ArrivesAsync()).ScheduledAt, (await ArrivesAsync()).ScheduledAt];
        Assert.Equal([Start.AddMinutes(1), Start.AddMinutes(2)], caughtUp.Order());

        void Declare(EngineOptions options) =>
            options.Schedule("tick", EachMinute, workflow, options: new() { AutomaticBackfill = true });
    }

    // As a machine does whose clock was a year ahead until it asked another for the time.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_fired_by_a_clock_far_ahead_does_not_silence_the_schedule(bool backfill)
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        var options = new ScheduleOptions { AutomaticBackfill = backfill };
        await engine.Schedules.CreateAsync("tick", EachMinute, workflow, options: options, cancellationToken: Cancel);
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("UPDATE workflow_schedules SET last_fired_at = '2999-01-01T00:00:00.000Z'");

        engine = await LaunchVirtualAsync(_ => { }, workflow);
        await FollowedAsync();
        Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(Start.AddMinutes(1), (await ArrivesAsync()).ScheduledAt);
        await FiredAsync(1);
    }

    [Fact]
    public async Task New_moments_of_a_schedule_that_catches_up_were_never_due_before()
    {
        var workflow = Noted();
        var engine = await LaunchVirtualAsync(_ => { }, workflow);
        var options = new ScheduleOptions { AutomaticBackfill = true };
        await engine.Schedules.CreateAsync("tick", "*/10 * * * *", workflow, options: options, cancellationToken: Cancel);
        Time.Advance(TimeSpan.FromMinutes(15));
        await FiredAsync(10);
        await ArrivesAsync();

        await engine.Schedules.UpdateAsync("tick", EachMinute, cancellationToken: Cancel);
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Start.AddMinutes(16), (await ArrivesAsync()).ScheduledAt);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task New_moments_were_not_due_either_where_nobody_followed_the_change(bool byClient)
    {
        var workflow = Noted();
        var options = new ScheduleOptions { AutomaticBackfill = true };
        var engine = await LaunchVirtualAsync(o => o.Schedule("tick", "*/10 * * * *", workflow, options: options));
        Time.Advance(TimeSpan.FromMinutes(15));
        await FiredAsync(10);
        await ArrivesAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        Time.Advance(TimeSpan.FromMinutes(10));
        if (byClient)
        {
            await using var client = await WorkflowClient.ConnectAsync(Configure, Cancel).Within(Bounded.Limit);
            await client.Schedules.UpdateAsync("tick", EachMinute, options: options, cancellationToken: Cancel);
            Time.Advance(TimeSpan.FromMinutes(2));
        }

        await LaunchVirtualAsync(o => o.Schedule("tick", EachMinute, workflow, options: options));
        Time.Advance(TimeSpan.FromMinutes(1));

        List<DateTimeOffset> fired = [];
        while (fired.Count < (byClient ? 3 : 1))
        {
            fired.Add((await ArrivesAsync()).ScheduledAt);
        }

        Assert.Equal(Enumerable.Range(26, byClient ? 3 : 1).Select(minute => Start.AddMinutes(minute)), fired.Order());

        void Configure(ClientOptions o)
        {
            Database.Use(o);
            o.TimeProvider = Time;
        }
    }
}
