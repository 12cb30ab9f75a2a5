using Dbos.Fluent.Execution;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>How a lane gathers units into batches.</summary>
public sealed class CommitLaneTests
{
    [Fact]
    public async Task A_batch_is_bounded_by_the_size_of_its_payloads()
    {
        var store = new RecordingStore();
        var lane = new CommitLane(store, CancellationToken.None);
        var large = new string('x', 7 << 20);
        Task[] writes = [lane.WriteAsync(Unit("first", "")), .. Enumerable.Range(0, 5).Select(i => lane.WriteAsync(Unit($"w{i}", large)))];

        store.Gate.Open();
        await Task.WhenAll(writes).Within(Bounded.Limit);

        Assert.Equal([1, 2, 2, 1], store.Batches);
    }

    [Fact]
    public async Task A_unit_larger_than_the_bound_goes_alone()
    {
        var store = new RecordingStore();
        var lane = new CommitLane(store, CancellationToken.None);
        var huge = new string('x', 17 << 20);
        (string Id, string Output)[] units = [("first", ""), ("a", huge), ("b", ""), ("c", "")];
        Task[] writes = [.. units.Select(unit => lane.WriteAsync(Unit(unit.Id, unit.Output)))];

        store.Gate.Open();
        await Task.WhenAll(writes).Within(Bounded.Limit);

        Assert.Equal([1, 1, 2], store.Batches);
    }

    [Fact]
    public void Waking_a_loop_that_has_ended_is_nothing()
    {
        var signal = new AsyncSignal();
        signal.Dispose();

        signal.Set();
    }

    private static CheckpointUnit Unit(string id, string output) =>
        new(new Ownership(id, "t"), [new CheckpointRow(0, "s", output, null, "dotnet_msgpack", null, 1, 1)]);

    /// <summary>Accepts everything, and remembers how much came at once; the first batch waits at a gate.</summary>
    private sealed class RecordingStore : ICommitStore
    {
        public Probe Gate { get; } = new();

        public List<int> Batches { get; } = [];

        public async ValueTask<IReadOnlyList<CommitResult>> CommitAsync(
            IReadOnlyList<CommitUnit> batch, CancellationToken cancellationToken)
        {
            Batches.Add(batch.Count);
            await Gate.PassAsync(cancellationToken);
            return [.. batch.Select(_ => CommitResult.Written)];
        }

        public ValueTask<CommitResult> CommitWaitingAsync(CommitUnit unit, CancellationToken cancellationToken) =>
            new(CommitResult.Written);
    }
}
