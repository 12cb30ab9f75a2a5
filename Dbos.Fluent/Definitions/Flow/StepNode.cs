using System.Collections.Immutable;

namespace Dbos.Fluent.Definitions;

/// <summary>The kind of step that a node yields, as far as known before it runs.</summary>
internal enum NodeKind
{
    /// <summary>A step with a user's body.</summary>
    Run,

    /// <summary>One such step for each item of a list.</summary>
    Each,

    /// <summary>Any descriptor that the user's code makes.</summary>
    Custom,

    /// <summary>A built-in step, which has no attempts of its own.</summary>
    BuiltIn,
}

/// <summary>A part of a fluent definition that yields one descriptor.</summary>
internal abstract record StepNode<TIn>(StepKey Key, NodeKind Kind) : FlowNode<TIn>
{
    /// <summary>The name that the user chose for the step; null if the definition does not choose it.</summary>
    public string? Name { get; init; }

    /// <summary>The step's label in the diagram.</summary>
    public string Label { get; init; } = Key.Title;

    /// <summary>The part of its structure besides name and code, such as a duration.</summary>
    public string Facts { get; init; } = "";

    /// <summary>The user's code in it.</summary>
    public ImmutableArray<Delegate> Code { get; init; } = [];

    /// <summary>The type of the step's value, where no user code shows it.</summary>
    public Type? ValueType { get; init; }

    /// <summary>True for a built-in step that can be undone.</summary>
    public bool Undoable { get; init; }

    /// <summary>The user's code that undoes the step; null if nothing is to be undone.</summary>
    public Delegate? UndoCode { get; init; }

    public RunStepOptions Options { get; init; } = RunStepOptions.Default;

    public bool Tolerant { get; init; }

    /// <summary>Makes the descriptor of one yield from the state so far.</summary>
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

        // An undo sees what its step saw, and the step's own result: later passes of a loop, parallel branches and the progress of a replay
        // change nothing.
        var seen = state.Copy();
        var undoing = Compensation.Of<T>((context, result) => undo(new StepState<TIn>(seen, context), result), Key.Title);
        var step = Tolerated(Descriptor(state, Options with { Undo = undoing }));
        seen.Keep(Key, step);
        return step;
    }

    private Step<T> Tolerated(Step<T> step) => Tolerant ? step.Try(out _) : step;
}
