using Dbos.Fluent.Queues;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Queues;

/// <summary>How long is rested before the database is asked again: longer each time, and never the same in two processes.</summary>
public sealed class RestTests
{
    private const int Samples = 200;

    [Theory]
    [InlineData(0, 4)]
    [InlineData(1, 8)]
    [InlineData(3, 32)]
    [InlineData(6, 256)]
    [InlineData(7, 256)]
    [InlineData(int.MaxValue, 256)]
    public void A_claim_from_a_crowded_line_is_tried_again_after_a_rest_that_doubles_to_a_quarter_of_a_second(int empty, int nominalMs) =>
        Jittered(() => CrowdedLanes.RestAfter(empty), TimeSpan.FromMilliseconds(nominalMs), upTo: 1.5, from: 0.5);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(6, 32)]
    [InlineData(7, 60)]
    [InlineData(int.MaxValue, 60)]
    public void A_database_that_is_away_is_asked_again_after_a_wait_that_doubles_to_a_minute(int failures, int nominalSeconds) =>
        Jittered(() => StoreBackoff.DelayAfter(failures), TimeSpan.FromSeconds(nominalSeconds), upTo: 1.5, from: 0.5);

    [Fact]
    public void A_connection_that_has_broken_is_tried_once_more_at_once() => Assert.Equal(TimeSpan.Zero, StoreBackoff.DelayAfter(0));

    [Fact]
    public void The_look_behind_everything_comes_once_a_second_and_a_part_of_it_later() =>
        Jittered(OutlookLoop.Jittered, TimeSpan.FromSeconds(1), upTo: 1.1, from: 1);

    [Fact]
    public void Rests_grow_while_peers_hold_the_line_and_begin_again_with_what_is_taken()
    {
        var (crowded, lane) = (new CrowdedLanes(), new QueueLane(new QueueRow(new("line"), Paused: false, ApplicationName: null)));
        Assert.Equal(Timeout.InfiniteTimeSpan, crowded.Rest);
        for (var empty = 1; empty <= 9; empty++)
        {
            crowded.Note([lane], new ClaimEnd(0, More: true));
            InRange(crowded.Rest, Nominal(empty));
            Assert.False(lane.IsMarked);
            crowded.Mark();
            Assert.True(lane.TakeMark());
            Assert.Equal(Timeout.InfiniteTimeSpan, crowded.Rest);
        }

        crowded.Note([lane], new ClaimEnd(3, More: true));
        InRange(crowded.Rest, Nominal(0));
        crowded.Mark();
        crowded.Note([lane], new ClaimEnd(0, More: false));
        Assert.Equal(Timeout.InfiniteTimeSpan, crowded.Rest);

        static double Nominal(int empty) => 4 * Math.Pow(2, Math.Min(empty, 6));
    }

    private static void InRange(TimeSpan rest, double nominalMs) =>
        Assert.InRange(rest.TotalMilliseconds, nominalMs * 0.5, Math.Ceiling(nominalMs * 1.5));

    // Rests of less than a few milliseconds are rounded up to whole ones: a wait of a part of one is none.
    private static void Jittered(Func<TimeSpan> rest, TimeSpan nominal, double upTo, double from)
    {
        var rests = Enumerable.Range(0, Samples).Select(_ => rest()).ToList();

        var most = TimeSpan.FromMilliseconds(Math.Ceiling((nominal * upTo).TotalMilliseconds));
        Assert.All(rests, one => Assert.InRange(one, nominal * from, most));
        Assert.True(rests.Distinct().Count() > 2, "They are not the same each time.");
        var middle = nominal * ((from + upTo) / 2);
        Assert.Contains(rests, one => one < middle);
        Assert.Contains(rests, one => one > middle);
    }
}
