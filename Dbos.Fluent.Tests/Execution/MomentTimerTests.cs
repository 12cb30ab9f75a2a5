using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>The timer on which loops rely between their polls.</summary>
public sealed class MomentTimerTests : IDisposable
{
    private const int TimerFailed = 1110;

    private readonly ManualLogger logger = new();
    private readonly CancellationTokenSource stopped = new();
    private readonly TaskCompletionSource due = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose()
    {
        stopped.Dispose();
        logger.Dispose();
    }

    [Fact]
    public async Task A_clock_that_sets_no_timer_is_reported_and_the_same_moment_can_be_set_again()
    {
        var time = new RefusingTime { Refuses = true };
        var clock = new StoreClock(time);
        var moment = clock.NowMs + 20;
        using var timer = new MomentTimer(clock, logger, due.SetResult, stopped.Token);

        timer.Set(moment);
        Assert.True(logger.Has(TimerFailed));
        Assert.False(due.Task.IsCompleted);

        time.Refuses = false;
        timer.Set(moment);
        await due.Task.Within(Bounded.Limit);
    }

    [Fact]
    public async Task What_the_callback_throws_is_reported()
    {
        var clock = new StoreClock(TimeProvider.System);
        using var timer = new MomentTimer(clock, logger, () => throw new InvalidOperationException("of the callback"), stopped.Token);

        timer.Set(clock.NowMs + 1);

        await Eventually.TrueAsync(() => logger.Has(TimerFailed), Bounded.Limit, "the failure is reported");
    }

    [Fact]
    public void Only_the_last_moment_that_was_set_comes()
    {
        var time = new ManualTimeProvider();
        var clock = new StoreClock(time);
        using var timer = new MomentTimer(clock, logger, due.SetResult, stopped.Token);

        timer.Set(clock.NowMs + 1000);
        timer.Set(clock.NowMs + 5000);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(due.Task.IsCompleted);

        timer.Set(null);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(due.Task.IsCompleted);
        Assert.Empty(logger.Entries);
    }

    private sealed class RefusingTime : TimeProvider
    {
        public bool Refuses { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            Refuses ? throw new InvalidOperationException("No timer.") : base.CreateTimer(callback, state, dueTime, period);
    }
}
