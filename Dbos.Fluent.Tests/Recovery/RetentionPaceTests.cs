using Dbos.Fluent.Retention;

namespace Dbos.Fluent.Tests.Recovery;

/// <summary>How gently retention goes beside running work, and that it does not stay behind for ever.</summary>
public sealed class RetentionPaceTests
{
    [Theory]
    [InlineData(0, 50, 4)]
    [InlineData(59, 50, 4)]
    [InlineData(60, 100, 2)]
    [InlineData(120, 200, 1)]
    [InlineData(240, 800, 1)]
    [InlineData(300, 1000, 1)]
    [InlineData(864_000, 1000, 1)]
    public void A_pass_that_lasts_takes_more_and_rests_less(int secondsSinceItBegan, int batch, int restInBatches)
    {
        var lasted = TimeSpan.FromSeconds(secondsSinceItBegan);
        var taken = TimeSpan.FromMilliseconds(7);

        Assert.Equal(batch, RetentionPace.Gentle.Batch(lasted));
        Assert.Equal(taken * restInBatches, RetentionPace.Gentle.Rest(taken, lasted));
    }

    [Fact]
    public void What_is_asked_for_goes_without_rests()
    {
        Assert.Equal(1000, RetentionPace.Full.Batch(TimeSpan.Zero));
        Assert.Equal(TimeSpan.Zero, RetentionPace.Full.Rest(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(9)));
    }
}
