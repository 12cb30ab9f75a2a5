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
    public async Task A_unit_that_is_late_each_time_leaves_the_lane_to_the_others()
    {
        var store = new LateStore("late");
        var lane = new CommitLane(store, CancellationToken.None);
        Task<CommitResult>[] writes = [.. new[] { "first", "late", "a", "b" }.Select(id => lane.WriteAsync(Unit(id, "")))];

        await Task.WhenAll(writes[0], writes[2], writes[3]).Within(Bounded.Limit);
        Assert.False(writes[1].IsCompleted);
        store.Gate.Open();

        Assert.Equal(CommitStatus.Written, (await writes[1].Within(Bounded.Limit)).Status);
    }

    [Fact]
    public async Task A_lane_that_closes_waits_for_what_is_written_apart()
    {
        var store = new LateStore("late");
        var lane = new CommitLane(store, CancellationToken.None);
        var late = lane.WriteAsync(Unit("late", ""));
        await store.Gate.ReachedAsync();

        var closed = lane.CloseAsync();
        Assert.False(closed.IsCompleted);
        store.Gate.Open();

        await closed.Within(Bounded.Limit);
        Assert.True(late.IsCompleted);
    }

    [Fact]
    public void Waking_a_loop_that_has_ended_is_nothing()
    {
        var signal = new AsyncSignal();
        signal.Dispose();

        signal.Set();
    }

    private static CheckpointUnit Unit(string id, string output) =>
        new(new Ownership(id, "t"), [new CheckpointRow(0, "s", 1, 1) { Output = output, Format = "dotnet_msgpack" }]);

    /// <summary>Does not answer in time where the unit of this workflow is written on a lane; apart it waits at a gate.</summary>
    private sealed class LateStore(string late) : ICommitStore
    {
        public Probe Gate { get; } = new();

        public ValueTask<IReadOnlyList<CommitResult>> CommitAsync(
            IReadOnlyList<CommitUnit> batch, CancellationToken cancellationToken) =>
            batch.Any(unit => unit.LaneKey == late)
                ? throw new StoreUnavailableException("The database", new TimeoutException()) { TimedOut = true }
                : new([.. batch.Select(_ => CommitResult.Written)]);

        public async ValueTask<CommitResult> CommitWaitingAsync(CommitUnit unit, CancellationToken cancellationToken)
        {
            await Gate.PassAsync(cancellationToken);
            return CommitResult.Written;
        }
    }

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
