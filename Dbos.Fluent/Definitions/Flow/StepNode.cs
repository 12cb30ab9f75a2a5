using System.Collections.Immutable;

namespace Dbos.Fluent.Definitions;

/// <summary>What a step node yields, as far as that is known before it runs.</summary>
internal enum NodeKind
{
    /// <summary>A step with a body of the user's own.</summary>
    Run,

    /// <summary>One such step for each of a list of items.</summary>
    Each,

    /// <summary>Whatever descriptor the user's code makes.</summary>
    Custom,

    /// <summary>A built-in step, which has no attempts of its own.</summary>
    BuiltIn,
}

/// <summary>A part of a fluent definition that yields one descriptor.</summary>
internal abstract record StepNode<TIn>(StepKey Key, NodeKind Kind) : FlowNode<TIn>
{
    /// <summary>The name the user chose for the step; null where it is not the definition's to choose.</summary>
    public string? Name { get; init; }

    /// <summary>What the diagram calls it.</summary>
    public string Label { get; init; } = Key.Title;

    /// <summary>What belongs to its structure beside its name and its code, such as a duration.</summary>
    public string Facts { get; init; } = "";

    /// <summary>The user's code in it.</summary>
    public ImmutableArray<Delegate> Code { get; init; } = [];

    /// <summary>The type of what it waits for, where no code of the user's tells.</summary>
    public Type? ValueType { get; init; }

    /// <summary>True if it can be undone although it is a built-in step.</summary>
    public bool Undoable { get; init; }

    /// <summary>The user's code that undoes it; null where nothing is to be undone.</summary>
    public Delegate? UndoCode { get; init; }

    public RunStepOptions Options { get; init; } = RunStepOptions.Default;

    public bool Tolerant { get; init; }

    /// <summary>Makes the descriptor of one yield from what is known so far.</summary>
    public abstract Step Make(FlowState<TIn> state);
}

/// <summary>A part that yields a descriptor with a result of type <typeparamref name="T"/>.</summary>
internal sealed record StepNode<TIn, T>(StepKey Key, NodeKind Kind, Func<FlowState<TIn>, RunStepOptions, Step<T>> Descriptor)
    : StepNode<TIn>(Key, Kind)
{
    public Func<StepState<TIn>, T, Task>? Undo { get; init; }

    public override Step Make(FlowState<TIn> state)
    {
        if (Undo is not { } undo)
        {
            return Tolerated(Descriptor(state, Options));
        }

        // An undo sees what its step saw, and the step's own result: a pass later in a loop, a branch beside it or how far a replay got
        // change nothing.
        var seen = state.Copy();
        var undoing = Compensation.Of<T>((context, result) => undo(new StepState<TIn>(seen, context), result), Key.Title);
        var step = Tolerated(Descriptor(state, Options with { Undo = undoing }));
        seen.Keep(Key, step);
        return step;
    }

    private Step<T> Tolerated(Step<T> step) => Tolerant ? step.Try(out _) : step;
}
