using Dbos.Fluent.Execution;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>Waits follow the clock, also where that moves and the timers do not.</summary>
public sealed class StoreClockTests
{
    [Fact]
    public async Task A_wait_that_has_begun_ends_when_the_clock_is_set_behind_its_moment()
    {
        var clock = new StoreClock(TimeProvider.System) { Piece = TimeSpan.FromMilliseconds(20) };
        var moment = clock.NowMs + TimeSpan.MillisecondsPerHour;
        var waiting = clock.WaitUntilAsync(moment, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);

        clock.Synchronize(moment, TimeProvider.System.GetTimestamp());

        await waiting.Within(Bounded.Limit);
    }

    // Whoever tests a workflow that sleeps for years goes forward by years.
    [Fact]
    public async Task Virtual_time_is_waited_for_in_one_piece()
    {
        var time = new ManualTimeProvider();
        var clock = new StoreClock(time);
        var wait = TimeSpan.FromDays(40);
        var waiting = clock.WaitUntilAsync(clock.NowMs + (long)wait.TotalMilliseconds, TestContext.Current.CancellationToken);

        time.Advance(wait);

        await waiting.Within(Bounded.Limit);
        Assert.Equal(1, time.TimersSet);
    }

    [Fact]
    public async Task Virtual_time_that_goes_forward_while_a_wait_begins_does_not_make_it_late()
    {
        var time = new ForwardOnce(TimeSpan.FromHours(1));
        var clock = new StoreClock(time);

        var waiting = clock.WaitUntilAsync(
            clock.NowMs + TimeSpan.MillisecondsPerHour, TestContext.Current.CancellationToken);

        await waiting.Within(Bounded.Limit);
    }

    [Fact]
    public void A_less_precise_answer_does_not_replace_the_known_time_unless_it_contradicts_it()
    {
        var clock = new StoreClock(TimeProvider.System);
        clock.Synchronize(2_000_000, TimeProvider.System.GetTimestamp());

        // Asked 0.4 seconds ago, so the answer may be 0.2 seconds wrong.
        clock.Synchronize(1_999_650, TimeProvider.System.GetTimestamp() - (TimeProvider.System.TimestampFrequency * 4 / 10));

        Assert.InRange(clock.NowMs, 2_000_000, 2_060_000);
    }

    // The database read its clock at once, and the answer then lay unread for ten seconds: it is as wrong as it can be.
    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    [InlineData(-1)]
    public void An_answer_that_lay_unread_does_not_set_the_clock_back(int roundedMs)
    {
        var clock = new StoreClock(TimeProvider.System);
        var now = TimeProvider.System.GetTimestamp();
        clock.Synchronize(2_000_000, now);

        clock.Synchronize(1_990_000 + roundedMs, now - (10 * TimeProvider.System.TimestampFrequency));

        Assert.InRange(clock.NowMs, 2_000_000, 2_060_000);
    }

    [Fact]
    public void An_answer_counts_from_the_middle_between_question_and_answer_and_a_late_one_only_where_there_is_no_other()
    {
        var clock = new StoreClock(TimeProvider.System);
        var tenSecondsAgo = TimeProvider.System.GetTimestamp() - (10 * TimeProvider.System.TimestampFrequency);

        clock.Synchronize(1_000_000, tenSecondsAgo);
        Assert.InRange(clock.NowMs, 1_005_000, 1_060_000);

        clock.Synchronize(2_000_000, TimeProvider.System.GetTimestamp());
        clock.Synchronize(1_991_000, tenSecondsAgo);
        Assert.InRange(clock.NowMs, 2_000_000, 2_060_000);

        // The machine stood still, which its own clock knows nothing of.
        clock.Synchronize(5_600_000, tenSecondsAgo);
        Assert.InRange(clock.NowMs, 5_605_000, 5_660_000);
    }

    /// <summary>A clock that goes forward just before its first timer is set.</summary>
    private sealed class ForwardOnce(TimeSpan by) : TimeProvider
    {
        private readonly ManualTimeProvider inner = new();
        private bool done;

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override long GetTimestamp() => inner.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (!done)
            {
                done = true;
                inner.Advance(by);
            }

            return inner.CreateTimer(callback, state, dueTime, period);
        }
    }
}
