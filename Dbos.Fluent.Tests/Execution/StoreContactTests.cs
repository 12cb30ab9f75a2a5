using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>How long calls rest that a database did not answer, once it answers again.</summary>
public sealed class StoreContactTests
{
    // A rest after so many failures is at least half a minute long.
    private const int Many = 20;

    // The least rest is 1.5 s at the longest.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1.5);

    private readonly ManualTimeProvider time = new();
    private readonly StoreContact contact = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_that_rest_go_on_when_another_call_has_come_through()
    {
        contact.Lost();
        Task[] resting = [RestAsync(), RestAsync(), RestAsync()];
        await AdvanceAsync(Least, pending: 3);
        Assert.All(resting, rest => Assert.False(rest.IsCompleted));

        contact.Reached();

        await Task.WhenAll(resting).Within(Bounded.Limit);
    }

    [Fact]
    public async Task A_call_that_fails_while_others_come_through_still_rests_a_while()
    {
        contact.Lost();
        contact.Reached();
        var rest = RestAsync();
        await Eventually.TrueAsync(() => time.TimersPending == 1, Bounded.Limit);
        time.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(rest.IsCompleted);

        time.Advance(Least);

        await rest.Within(Bounded.Limit);
    }

    // A client may have nobody who renews a lease.
    [Fact]
    public async Task One_of_those_that_rest_tries_again_within_seconds_and_the_next_after_it()
    {
        contact.Lost();
        var leader = RestAsync();
        var other = RestAsync();
        await AdvanceAsync(Least, pending: 2);

        time.Advance(TimeSpan.FromSeconds(5));

        await leader.Within(Bounded.Limit);
        Assert.False(other.IsCompleted);
        var next = RestAsync();
        await AdvanceAsync(Least, pending: 2);
        time.Advance(TimeSpan.FromSeconds(5));
        await next.Within(Bounded.Limit);
        Assert.False(other.IsCompleted);
        contact.Reached();
        await other.Within(Bounded.Limit);
    }

    [Fact]
    public async Task What_the_database_itself_refuses_rests_for_its_whole_time()
    {
        var rest = StoreBackoff.RestAsync(Many, contact: null, time, Cancel);
        await AdvanceAsync(TimeSpan.FromSeconds(29), pending: 1);
        contact.Lost();
        contact.Reached();
        Assert.False(rest.IsCompleted);

        time.Advance(TimeSpan.FromSeconds(61));

        await rest.Within(Bounded.Limit);
    }

    [Fact]
    public async Task A_rest_that_is_given_up_says_so_and_leads_no_more()
    {
        contact.Lost();
        using var giveUp = new CancellationTokenSource();
        var rest = StoreBackoff.RestAsync(Many, contact, time, giveUp.Token);
        await AdvanceAsync(Least, pending: 1);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rest.Within(Bounded.Limit));
        Assert.True(contact.TryLead());
    }

    private Task RestAsync() => StoreBackoff.RestAsync(Many, contact, time, Cancel);

    // Once the timers of the least rests are set; then until those of what is left are.
    private async Task AdvanceAsync(TimeSpan by, int pending)
    {
        await Eventually.TrueAsync(() => time.TimersPending == pending, Bounded.Limit);
        var set = time.TimersSet;
        time.Advance(by);
        await Eventually.TrueAsync(() => time.TimersPending == pending && time.TimersSet >= set, Bounded.Limit);
    }
}
