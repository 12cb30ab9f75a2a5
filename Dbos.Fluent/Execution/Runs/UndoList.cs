namespace Dbos.Fluent.Execution;

/// <summary>The completed steps of a run that can be undone.</summary>
internal sealed class UndoList
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<int, Undo> bySequence = [];

    /// <summary>Whether all of these steps are known.</summary>
    public bool Holds(IEnumerable<int> sequences)
    {
        lock (gate)
        {
            return sequences.All(bySequence.ContainsKey);
        }
    }

    public void Add(Undo undo)
    {
        lock (gate)
        {
            bySequence[undo.Sequence] = undo;
        }
    }

    /// <summary>All of them, newest first.</summary>
    public IReadOnlyList<Undo> NewestFirst()
    {
        lock (gate)
        {
            return [.. bySequence.Values.Reverse()];
        }
    }
}

/// <summary>How one completed step is undone.</summary>
/// <param name="Sequence">The step's number.</param>
/// <param name="Step">The step, for its name and its modifiers.</param>
/// <param name="Result">Its decoded result, or a placeholder for one that cannot be decoded.</param>
/// <param name="Body">The user's code.</param>
internal sealed record Undo(int Sequence, Step Step, object? Result, Func<StepContext, object?, Task> Body);
