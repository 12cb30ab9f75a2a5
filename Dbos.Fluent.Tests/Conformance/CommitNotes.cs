using System.Collections.Concurrent;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Notes what an engine writes, batch by batch, and lets a test hold, fail or unsay what writes a row of a name.</summary>
internal sealed class CommitNotes
{
    private readonly ConcurrentQueue<string[]> batches = new();
    private readonly ConcurrentDictionary<string, Probe> held = new();
    private readonly ConcurrentDictionary<(string Row, bool AfterEffect), int> failures = new();

    public CommitNotes() => Faults = new() { Before = BeforeAsync, After = AfterAsync };

    public CallFaults Faults { get; }

    /// <summary>How many commits took effect.</summary>
    public int Count => batches.Count;

    /// <summary>How many commits wrote a row of this name.</summary>
    public int CountWith(string row) => batches.Count(units => units.Any(unit => unit.Split(" + ").Contains(row)));

    /// <summary>The units that were written with a row of this name, each as <c>S1 + Dbos.Fluent.any</c>.</summary>
    public string[] With(string row) => [.. batches.SelectMany(units => units).Where(unit => unit.Split(" + ").Contains(row)).Distinct()];

    /// <summary>Puts the notes around an engine's store.</summary>
    public void Wrap(EngineOptions options) => options.WrapStore = store => new FaultingStore(store, Faults);

    /// <summary>Whatever writes a row of this name stands still before it takes effect.</summary>
    public Probe Hold(string row) => held.GetOrAdd(row, _ => new Probe());

    /// <summary>The first write of a row of this name is lost, or its answer is.</summary>
    public void FailOnce(string row, bool afterEffect) => failures[(row, afterEffect)] = 1;

    private async Task BeforeAsync(StoreCall call, CancellationToken cancellationToken)
    {
        foreach (var row in Rows(call))
        {
            if (held.TryGetValue(row, out var probe))
            {
                await probe.PassAsync(cancellationToken);
            }
        }

        FailIf(call, afterEffect: false);
    }

    private Task AfterAsync(StoreCall call, CancellationToken cancellationToken)
    {
        if (call.Batch.Count > 0)
        {
            batches.Enqueue([.. call.Batch.Select(unit => string.Join(" + ", Names(unit)))]);
        }

        FailIf(call, afterEffect: true);
        return Task.CompletedTask;
    }

    private void FailIf(StoreCall call, bool afterEffect)
    {
        if (Rows(call).Any(row => failures.TryRemove((row, afterEffect), out _)))
        {
            throw CallFaults.Unavailable(afterEffect ? "The answer was lost." : "The call was lost.");
        }
    }

    private static IEnumerable<string> Rows(StoreCall call) => call.Batch.SelectMany(Names);

    private static IEnumerable<string> Names(CommitUnit unit) => unit switch
    {
        CheckpointUnit checkpoints => checkpoints.Rows.Select(row => row.Name),
        ReceiveUnit receive => [.. receive.Begun.Select(row => row.Name), receive.Row.Name, .. receive.With.Select(row => row.Name)],
        StartUnit { ParentCheckpoint: { } row } => [row.Name],
        SendUnit send => send.Rows.Select(row => row.Name),
        EventUnit set => set.Rows.Select(row => row.Name),
        StreamUnit stream => stream.Rows.Select(row => row.Name),
        OutcomeUnit { Last: { } row } => [row.Name],
        _ => [],
    };
}
