using System.Collections.Immutable;

namespace Dbos.Fluent.Definitions;

/// <summary>The state of a builder: the parts of its own path, and the steps and names of the whole definition so far.</summary>
/// <remarks>
/// Immutable and shared by continuations. Steps of all branches share one numbering, so a run keeps its results in one array.
/// </remarks>
internal sealed record FlowPath<TIn>(string WorkflowName, object Scope)
{
    /// <summary>The parts, newest on top.</summary>
    private ImmutableStack<FlowNode<TIn>> Parts { get; init; } = [];

    private ImmutableList<StepKey> Steps { get; init; } = [];

    private ImmutableHashSet<string> StepNames { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>The branch of a <c>Parallel</c> that contains this path, at any depth; null outside a <c>Parallel</c>.</summary>
    public string? ParallelBranch { get; init; }

    public bool IsEmpty => Parts.IsEmpty;

    public static FlowPath<TIn> Begin(string workflowName) => new(workflowName, new object());

    /// <summary>Makes the key of the next step.</summary>
    public StepKey NextKey(string title) => new(Steps.Count, title, WorkflowName);

    public FlowPath<TIn> Add(FlowNode<TIn> part) => this with { Parts = Parts.Push(part) };

    public FlowPath<TIn> AddStep(StepNode<TIn> step) =>
        Add(step) with { Steps = Steps.Add(step.Key), StepNames = step.Name is null ? StepNames : Take(step.Name) };

    /// <summary>
    /// An empty path inside this definition, for a branch. Its scope shows whether a returned path continues that branch.
    /// </summary>
    public FlowPath<TIn> Branch() => this with { Scope = new object(), Parts = [] };

    /// <summary>This path after its branches, given the last of them: their steps and names stay taken.</summary>
    public FlowPath<TIn> After(FlowPath<TIn> branch) => this with { Steps = branch.Steps, StepNames = branch.StepNames };

    public ImmutableArray<FlowNode<TIn>> ToParts() => [.. Parts.Reverse()];

    public FlowPlan<TIn> ToPlan() => new(WorkflowName, ToParts(), [.. Steps]);

    private ImmutableHashSet<string> Take(string name)
    {
        var taken = StepNames.Add(name);
        return taken != StepNames
            ? taken
            : throw new ArgumentException(
                $"Workflow '{WorkflowName}' has a step '{name}' already: name each step of a definition differently, "
                + "so that a history and a diagram tell them apart.",
                nameof(name));
    }
}

/// <summary>A finished fluent definition, shared by all its runs.</summary>
internal sealed record FlowPlan<TIn>(string WorkflowName, ImmutableArray<FlowNode<TIn>> Parts, ImmutableArray<StepKey> Steps);
