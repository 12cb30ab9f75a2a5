using Dbos.Fluent.Retention;

namespace Dbos.Fluent.Tests.Recovery;

/// <summary>What was too large to delete is left alone for an hour, and then tried again, one at a time.</summary>
public sealed class LeftRowsTests
{
    private readonly ManualTimeProvider time = new();

    [Fact]
    public void Each_is_left_alone_for_an_hour_and_again_if_it_is_still_too_large()
    {
        var left = new LeftRows(time);
        left.Add("a");
        time.Advance(TimeSpan.FromMinutes(40));
        left.Add("b");
        Assert.Equal(["a", "b"], left.Ids.Order());

        time.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal(["b"], left.Ids);
        left.Add("a");
        Assert.Equal(["a", "b"], left.Ids.Order());
        time.Advance(TimeSpan.FromMinutes(39));
        Assert.Equal(2, left.Ids.Count);
    }

    [Fact]
    public void One_that_was_tried_again_in_time_is_forgotten()
    {
        var left = new LeftRows(time);
        left.Add("a");
        time.Advance(TimeSpan.FromHours(1));
        left.Add("b");

        left.ForgetOver();

        Assert.Equal(["b"], left.Ids);
    }

    // One that is too large no longer must not stay because another one is.
    [Fact]
    public void Those_whose_hour_is_over_are_tried_one_at_a_time()
    {
        var left = new LeftRows(time);
        left.Add("a");
        time.Advance(TimeSpan.FromMinutes(1));
        left.Add("b");
        time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(["b"], left.Ids);
        left.ForgetOver();
        Assert.Empty(left.Ids);
    }
}
