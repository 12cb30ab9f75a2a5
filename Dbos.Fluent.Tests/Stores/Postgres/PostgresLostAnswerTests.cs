using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Stores.Postgres;

/// <summary>
/// The connection breaks after the server has committed and before its answer arrives: the call says that nothing is known, and its
/// repetition finds what stands.
/// </summary>
public sealed class PostgresLostAnswerTests(PostgresStores f) : StoreSuite(f), IClassFixture<PostgresStores>
{
    private static readonly TimeSpan Hasty = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("start")]
    [InlineData("child")]
    [InlineData("checkpoint")]
    [InlineData("outcome")]
    [InlineData("all")]
    public async Task Commit_whose_answer_is_lost_stands_and_is_recognised(string kind)
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        CommitUnit[] every =
        [
            A.Start(A.Direct("started")), A.Child(owner, 0, A.Direct("child")), A.Checkpoints(owner, 1), A.Outcome(owner),
        ];
        CommitUnit[] units = kind switch
        {
            "start" => [every[0]],
            "child" => [every[1]],
            "checkpoint" => [every[2]],
            "outcome" => [every[3]],
            _ => every,
        };
        var (proxy, through) = TcpProxy.Before(bed.ConnectionString);
        await using var disposal = proxy;
        var store = bed.OpenThrough(through, Hasty);
        Assert.NotNull(await store.Workflows.ReadAsync("w", Cancel));

        var lost = proxy.LoseAnswerAsync(containing: "SELECT");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Commits.CommitAsync(units, Cancel).AsTask());
        await lost.Within(Bounded.Limit);
        var stands = await bed.DumpAsync();

        Assert.All(await StatusesAsync(store, units), status => Assert.Equal(CommitStatus.Written, status));
        Assert.Equal(stands, await bed.DumpAsync());
    }

    [Fact]
    public async Task Claim_whose_answer_is_lost_is_given_back_when_repeated()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"));
        var (proxy, through) = TcpProxy.Before(bed.ConnectionString);
        await using var disposal = proxy;
        var store = bed.OpenThrough(through, Hasty);
        Assert.NotNull(await store.Workflows.ReadAsync("a", Cancel));

        var lost = proxy.LoseAnswerAsync(containing: "input of a");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Claims.ClaimAsync(A.Claim("token"), Cancel));
        await lost.Within(Bounded.Limit);

        Assert.Equal(["a", "b"], await ClaimIdsAsync(store, A.Claim("token") with { Repeated = true }));
        HasColumns(await bed.RowAsync("a"), ("status", "PENDING"), ("owner_xid", "token"), ("recovery_attempts", 1));
    }

    [Fact]
    public async Task Network_that_goes_silent_is_given_up_after_the_command_timeout()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var (proxy, through) = TcpProxy.Before(bed.ConnectionString);
        await using var disposal = proxy;
        var store = bed.OpenThrough(through, TimeSpan.FromSeconds(1));
        Assert.NotNull(await store.Workflows.ReadAsync("w", Cancel));

        proxy.Mode = ProxyMode.Hang;
        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => store.Commits.CommitAsync([A.Checkpoints(owner, 0)], Cancel).AsTask().Within(Bounded.Limit));
        proxy.Mode = ProxyMode.Forward;

        Assert.Equal([CommitStatus.Written], await StatusesAsync(store, A.Checkpoints(owner, 0)));
    }

    [Fact]
    public async Task Listener_that_is_cut_off_connects_again_and_says_that_anything_may_have_happened()
    {
        await using var bed = (PostgresBed)await Fixture.CreateAsync();
        var (proxy, through) = TcpProxy.Before(bed.ConnectionString);
        await using var disposal = proxy;
        await using var listener = Listener.To(bed.OpenThrough(through, Hasty));
        Assert.Equal(StoreSignal.Anything, await listener.NextAsync());

        proxy.Cut();

        Assert.Equal(StoreSignal.Anything, await listener.NextAsync());
        var signal = new StoreSignal(StoreSignalKind.Completed, "w");
        await bed.Store.Signals.AnnounceAsync([signal], Cancel);
        Assert.Equal(signal, await listener.NextAsync());
    }
}
