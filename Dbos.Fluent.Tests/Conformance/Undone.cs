using System.Collections.Concurrent;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Steps that note how they are undone.</summary>
internal sealed class Undone
{
    public const string Row = "Dbos.Fluent.compensating";

    private readonly ConcurrentQueue<string> notes = new();

    /// <summary>What was undone, in its order: <c>b gave 2, a</c>.</summary>
    public string Text => string.Join(", ", notes);

    public void Add(string note) => notes.Enqueue(note);

    /// <summary>A step that is undone without looking at its result.</summary>
    public RunStep<string> Plain(string name) => Step.Run(name, _ => Task.FromResult(name)).CompensateWith(async _ => notes.Enqueue(name));

    /// <summary>A step with a result that its undo is given.</summary>
    public RunStep<int> Giving(string name, int value) => Step.Run(name, _ => Task.FromResult(value))
        .CompensateWith(async (_, result) => notes.Enqueue($"{name} gave {result}"));

    /// <summary>A step whose undo stands still at a gate.</summary>
    public RunStep<string> Held(string name, Probe gate) => Step.Run(name, _ => Task.FromResult(name)).CompensateWith(async undo =>
    {
        notes.Enqueue(name);
        await gate.PassAsync(undo);
    });

    /// <summary>A step that fails.</summary>
    public static RunStep<int> Failing(string name = "fails", string why = "as asked") =>
        Step.Run<int>(name, async _ => throw new InvalidOperationException(why));
}
