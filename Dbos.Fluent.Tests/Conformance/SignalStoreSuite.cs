using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Wake-ups between processes: pushed where the store can, and otherwise seen as "anything" where changes can be seen.</summary>
public abstract class SignalStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Capabilities_are_as_declared()
    {
        await using var bed = await Fixture.CreateApartAsync();

        Assert.Equal(Fixture.PushesSignals, bed.Store.Capabilities.PushesSignals);
        Assert.Equal(Fixture.LocksRows, bed.Store.Capabilities.Lanes > 1);
        Assert.True(bed.Store.Capabilities.PollInterval > TimeSpan.Zero);
    }

    [Fact]
    public async Task Listening_begins_with_anything()
    {
        await using var bed = await Fixture.CreateApartAsync();
        await using var listener = Listener.To(bed.Store);

        Assert.Equal(StoreSignal.Anything, await listener.NextAsync());
    }

    [Fact]
    public async Task Announcing_is_harmless_where_nobody_listens()
    {
        await using var bed = await Fixture.CreateApartAsync();

        await bed.Store.Signals.AnnounceAsync([new(StoreSignalKind.Enqueued, "line"), StoreSignal.Anything], Cancel).Within(Bounded.Limit);
    }

    [Fact]
    public async Task Listening_ends_when_it_is_cancelled()
    {
        await using var bed = await Fixture.CreateApartAsync();
        var listener = Listener.To(bed.Store);
        await listener.NextAsync();

        await listener.DisposeAsync().AsTask().Within(Bounded.Limit);

        Assert.True(listener.Ended);
    }
}
