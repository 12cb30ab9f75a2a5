using System.Collections.Immutable;

namespace Dbos.Fluent.Definitions;

/// <summary>What a step node yields, as far as that is known before it runs.</summary>
internal enum StepKind
{
    /// <summary>A step with a body of the user's own.</summary>
    Run,

    /// <summary>One such step for each of a list of items.</summary>
    Each,

    /// <summary>Whatever descriptor the user's code makes.</summary>
    Any,

    /// <summary>A built-in step, which has no attempts of its own.</summary>
    BuiltIn,
}

/// <summary>A part of a fluent definition that yields one descriptor.</summary>
internal abstract record StepNode<TIn>(StepKey Key, StepKind Kind) : FlowNode<TIn>
{
    /// <summary>The name the user chose for the step; null where it is not the definition's to choose.</summary>
    public string? Name { get; init; }

    /// <summary>What the diagram calls it.</summary>
    public string Label { get; init; } = Key.Title;

    /// <summary>What belongs to its structure beside its name and its code, such as a duration.</summary>
    public string Facts { get; init; } = "";

    /// <summary>The user's code in it.</summary>
    public ImmutableArray<Delegate> Code { get; init; } = [];

    public RunStepOptions Options { get; init; } = RunStepOptions.Default;

    public bool Tolerant { get; init; }

    /// <summary>Makes the descriptor of one yield from what is known so far.</summary>
    public abstract Step Make(FlowState<TIn> state);
}

/// <summary>A part that yields a descriptor with a result of type <typeparamref name="T"/>.</summary>
internal sealed record StepNode<TIn, T>(StepKey Key, StepKind Kind, Func<FlowState<TIn>, RunStepOptions, Step<T>> Descriptor)
    : StepNode<TIn>(Key, Kind)
{
    public override Step Make(FlowState<TIn> state)
    {
        var step = Descriptor(state, Options);
        return Tolerant ? step.Try(out _) : step;
    }
}
