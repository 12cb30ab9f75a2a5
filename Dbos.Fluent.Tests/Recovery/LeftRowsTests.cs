using Dbos.Fluent.Retention;

namespace Dbos.Fluent.Tests.Recovery;

/// <summary>What was too large to delete is left alone for an hour, and then tried once.</summary>
public sealed class LeftRowsTests
{
    private readonly ManualTimeProvider time = new();

    [Fact]
    public void Each_is_left_alone_for_an_hour_and_again_after_a_try_that_was_late()
    {
        var left = new LeftRows(time);
        left.Add("a");
        time.Advance(TimeSpan.FromMinutes(40));
        left.Add("b");
        Assert.Equal(["a", "b"], left.Ids.Order());

        time.Advance(TimeSpan.FromMinutes(20));
        Assert.Equal(["b"], left.Ids);
        left.Renew();
        Assert.Equal(["a", "b"], left.Ids.Order());
        time.Advance(TimeSpan.FromMinutes(59));
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
        left.Renew();

        Assert.Equal(["b"], left.Ids);
    }
}
