using Dbos.Fluent.Retention;

namespace Dbos.Fluent.Tests.Recovery;

/// <summary>Retention tells its own transactions from those of others.</summary>
public sealed class OtherWorkTests
{
    private readonly ManualTimeProvider time = new();
    private long? commits = 5000;
    private int reads;

    [Fact]
    public async Task Until_it_has_watched_for_a_second_the_database_counts_as_busy()
    {
        var others = Watch();
        Assert.True(await others.IsBusyAsync(TestContext.Current.CancellationToken));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await others.IsBusyAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(90, false)]
    [InlineData(300, true)]
    public async Task Transactions_of_others_make_it_busy_and_its_own_do_not(int othersPerSecond, bool busy)
    {
        var others = Watch();
        await others.IsBusyAsync(TestContext.Current.CancellationToken);
        for (var own = 0; own < 1000; own++)
        {
            others.AddOwn();
        }

        commits += 1000 + (2 * othersPerSecond);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(busy, await others.IsBusyAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task It_asks_once_a_second_at_most()
    {
        var others = Watch();
        for (var look = 0; look < 20; look++)
        {
            await others.IsBusyAsync(TestContext.Current.CancellationToken);
            time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal(2, reads);
    }

    [Fact]
    public async Task A_database_that_does_not_count_is_treated_as_busy()
    {
        commits = null;
        var others = Watch();
        await others.IsBusyAsync(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(await others.IsBusyAsync(TestContext.Current.CancellationToken));
    }

    private OtherWork Watch() => new(
        _ =>
        {
            reads++;
            return Task.FromResult(commits);
        },
        time);
}
