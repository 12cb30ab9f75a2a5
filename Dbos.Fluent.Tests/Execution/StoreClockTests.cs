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

        clock.Synchronize(moment);

        await waiting.Within(Bounded.Limit);
    }
}
