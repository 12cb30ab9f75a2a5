using Dbos.Fluent.Retention;

namespace Dbos.Fluent.Tests.Recovery;

/// <summary>Retention is gentle beside running work, catches up where it falls behind, and is quick where nobody is disturbed.</summary>
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

        Assert.Equal(batch, RetentionPace.Batch(isBusy: true, lasted));
        Assert.Equal(taken * restInBatches, RetentionPace.Rest(isBusy: true, taken, lasted));
    }

    [Fact]
    public void Where_nobody_else_works_there_are_no_rests()
    {
        Assert.Equal(1000, RetentionPace.Batch(isBusy: false, TimeSpan.Zero));
        Assert.Equal(TimeSpan.Zero, RetentionPace.Rest(isBusy: false, TimeSpan.FromSeconds(1), TimeSpan.Zero));
    }
}
