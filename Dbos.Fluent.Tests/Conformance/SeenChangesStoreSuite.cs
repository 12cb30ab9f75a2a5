using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>For stores that announce nothing but can see that something changed.</summary>
public abstract class SeenChangesStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Commit_of_another_process_is_seen()
    {
        await using var bed = await Fixture.CreateAsync();
        await using var listener = Listener.To(bed.Open());
        await listener.NextAsync();

        await RunningAsync(bed, "w");

        Assert.Equal(StoreSignal.Anything, await listener.NextAsync());
    }

    [Fact]
    public async Task Change_that_is_not_a_workflow_is_seen()
    {
        await using var bed = await Fixture.CreateAsync();
        await using var listener = Listener.To(bed.Open());
        await listener.NextAsync();

        await bed.ExecuteAsync("INSERT INTO queues (queue_id, name) VALUES ('q', 'line')");

        Assert.Equal(StoreSignal.Anything, await listener.NextAsync());
    }
}
