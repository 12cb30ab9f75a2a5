using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What a rate's window counts after crashes, shutdowns and changes of the clock.</summary>
public abstract class RateWindowStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Window_counts_the_start_of_what_was_handed_on_and_not_of_what_never_began()
    {
        var queue = Queueing.Line with { RateLimit = new(3, TimeSpan.FromSeconds(10)) };
        await using var bed = await ArrangeAsync(queue, "a", "b", "c", "d");
        var first = bed.Time.NowMs;
        await Queueing.ClaimIdsAsync(bed, "one", limit: 2);
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "two", limit: 1));
        await bed.Store.Executors.HandBackAsync([new Ownership("a", "two")], attempted: true, Cancel);
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "three", limit: 1));
        await bed.Store.Executors.HandBackAsync([new Ownership("a", "three")], attempted: false, Cancel);

        Assert.Equal(["a", "b"], await Queueing.ClaimIdsAsync(bed, "four"));
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "five"));
        await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);

        HasColumns(await bed.RowAsync("a"), ("status", "ENQUEUED"), ("started_at_epoch_ms", first));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Clock_that_was_set_back_closes_a_window_for_its_length_and_no_longer(bool partitioned)
    {
        var rate = new RateLimit(1, TimeSpan.FromSeconds(10));
        await using var bed = await ArrangeAsync(
            partitioned ? Queueing.Line with { PartitionRateLimit = rate } : Queueing.Line with { RateLimit = rate });
        await EnqueueAsync(bed, Queueing.InPartition("a", "p"), Queueing.InPartition("b", "p"));
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "one"));
        await bed.ExecuteAsync("UPDATE workflow_status SET started_at_epoch_ms = started_at_epoch_ms + 3600000 WHERE workflow_uuid = 'a'");

        var held = await Queueing.ClaimAsync(bed, "two");
        Assert.Equal(("", bed.Time.NowMs + 10_000), (string.Join(' ', Queueing.IdsOf(held)), held.RetryAtMs));
        bed.Time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(["b"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    private async Task<StoreBed> ArrangeAsync(WorkflowQueue queue, params string[] waiting)
    {
        var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, queue);
        await Queueing.EnqueueAsync(bed, waiting);
        return bed;
    }
}
