using Dbos.Fluent.Queues;

namespace Dbos.Fluent.Tests.Queues;

/// <summary>When all that is parked is looked through.</summary>
public sealed class CoveringLookTests
{
    [Fact]
    public void One_that_is_asked_for_is_due_at_once_and_taken_once()
    {
        var look = new CoveringLook();
        Assert.True(look.Take());
        Assert.False(look.Take());
        Assert.Equal(Timeout.InfiniteTimeSpan, look.DueIn);

        look.Took(TimeSpan.FromHours(1));
        look.Ask();

        Assert.Equal(TimeSpan.Zero, look.DueIn);
        Assert.True(look.Take());
    }

    [Fact]
    public void That_some_have_ended_rests_four_times_as_long_as_the_look_before_took()
    {
        var look = new CoveringLook();
        look.Take();
        look.SomeEnded();
        Assert.True(look.Take());

        look.Took(TimeSpan.FromHours(1));
        look.SomeEnded();

        Assert.False(look.IsDue);
        Assert.InRange(look.DueIn, TimeSpan.FromHours(3.9), TimeSpan.FromHours(4));
    }
}
