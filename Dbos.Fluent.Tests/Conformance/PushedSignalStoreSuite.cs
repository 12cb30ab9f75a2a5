using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>For stores that push: what one process announces, every other hears.</summary>
public abstract class PushedSignalStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Announcement_reaches_every_listening_store()
    {
        await using var bed = await Fixture.CreateApartAsync();
        await using var near = Listener.To(bed.Store);
        await using var far = Listener.To(bed.Open());
        var announcer = bed.Open();
        Assert.Equal(StoreSignal.Anything, await near.NextAsync());
        Assert.Equal(StoreSignal.Anything, await far.NextAsync());
        StoreSignal[] signals =
        [
            new(StoreSignalKind.Enqueued, "line"),
            new(StoreSignalKind.Completed, "order 1"),
            new(StoreSignalKind.Cancelled, "order::2"),
            new(StoreSignalKind.Event, "order 1::state"),
            new(StoreSignalKind.Stream, "order 1::lines"),
        ];

        await announcer.Signals.AnnounceAsync(signals, Cancel);

        foreach (var listener in (Listener[])[near, far])
        {
            var heard = new HashSet<StoreSignal>();
            while (heard.Count < signals.Length)
            {
                heard.Add(await listener.NextAsync());
            }

            Assert.Equal(signals.ToHashSet(), heard);
        }
    }

    [Fact]
    public async Task Equal_announcements_come_once()
    {
        await using var bed = await Fixture.CreateApartAsync();
        await using var listener = Listener.To(bed.Open());
        await listener.NextAsync();
        var twice = new StoreSignal(StoreSignalKind.Completed, "order 1");
        var last = new StoreSignal(StoreSignalKind.Completed, "order 2");

        await bed.Store.Signals.AnnounceAsync([twice, twice, twice], Cancel);
        await bed.Store.Signals.AnnounceAsync([], Cancel);
        await bed.Store.Signals.AnnounceAsync([last], Cancel);

        Assert.Equal(twice, await listener.NextAsync());
        Assert.Equal(last, await listener.NextAsync());
    }

    [Fact]
    public async Task Message_of_any_SDK_is_heard()
    {
        await using var bed = await Fixture.CreateApartAsync();
        await RunningAsync(bed, "order 1");
        await using var listener = Listener.To(bed.Store);
        await listener.NextAsync();

        await bed.ExecuteAsync(
            """
            INSERT INTO notifications (message_uuid, destination_uuid, topic, message, created_at_epoch_ms)
            VALUES ('m', 'order 1', 'paid', '1', 1)
            """);

        Assert.Equal(new StoreSignal(StoreSignalKind.Message, "order 1::paid"), await listener.NextAsync());
    }
}
