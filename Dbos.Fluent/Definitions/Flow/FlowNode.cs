using System.Collections.Immutable;

namespace Dbos.Fluent.Definitions;

/// <summary>One part of a fluent definition. A closed hierarchy of data: nodes hold the user's code and no state of a run.</summary>
internal abstract record FlowNode<TIn>
{
    private protected FlowNode()
    {
    }
}

/// <summary>Takes one of two branches.</summary>
internal sealed record IfNode<TIn>(
    Func<FlowState<TIn>, bool> Condition, string? Label, ImmutableArray<FlowNode<TIn>> Then, ImmutableArray<FlowNode<TIn>> Otherwise)
    : FlowNode<TIn>;

/// <summary>Runs its body as long as a condition holds, which is checked before each pass.</summary>
internal sealed record WhileNode<TIn>(Func<FlowState<TIn>, bool> Condition, string? Label, ImmutableArray<FlowNode<TIn>> Body)
    : FlowNode<TIn>;

/// <summary>Runs branches concurrently and continues when all have ended.</summary>
internal sealed record ParallelNode<TIn>(ImmutableArray<FlowBranch<TIn>> Branches) : FlowNode<TIn>;

/// <summary>One of the concurrent branches.</summary>
internal sealed record FlowBranch<TIn>(string Name, ImmutableArray<FlowNode<TIn>> Parts);

/// <summary>Takes the new or the old branch, as a marker in the history says.</summary>
internal sealed record PatchNode<TIn>(string Name, ImmutableArray<FlowNode<TIn>> Patched, ImmutableArray<FlowNode<TIn>> Before)
    : FlowNode<TIn>;

/// <summary>Continues the workflow as new.</summary>
internal sealed record ContinueNode<TIn>(Func<FlowState<TIn>, TIn> Input) : FlowNode<TIn>;

/// <summary>Fails the workflow with a user's exception.</summary>
internal sealed record FailNode<TIn>(Func<FlowState<TIn>, Exception> Exception, string? Label) : FlowNode<TIn>;

/// <summary>Completes the workflow with a result.</summary>
internal sealed record ReturnNode<TIn, TOut>(Func<FlowState<TIn>, TOut> Result) : ReturnNode<TIn>
{
    public override Delegate Code => Result;

    public override object? Evaluate(FlowState<TIn> state) => Result(state);
}

/// <summary>A return with a result of any type.</summary>
internal abstract record ReturnNode<TIn> : FlowNode<TIn>
{
    public abstract Delegate Code { get; }

    public abstract object? Evaluate(FlowState<TIn> state);
}
