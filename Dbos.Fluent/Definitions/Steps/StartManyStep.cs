using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that starts several children, one number each.</summary>
internal interface IStartManyStep
{
    WorkflowDefinition Definition { get; }

    IReadOnlyList<(object? Input, StartOptions Options)> Starts { get; }

    void CompleteWithHandles(IReadOnlyList<string> workflowIds, IWorkflowOutcomes outcomes);
}

/// <summary>Starts several children of one definition and returns their handles.</summary>
internal sealed class StartManyStep<TIn, TOut> : Step<IReadOnlyList<WorkflowHandle<TOut>>>, IStartManyStep
{
    public StartManyStep(WorkflowDefinition<TIn, TOut> definition, IReadOnlyList<TIn> inputs, Func<TIn, StartOptions>? options)
        : base(definition.Name)
    {
        Definition = definition;
        Starts = [.. inputs.Select(input => ((object?)input, StartRules.Check(options?.Invoke(input) ?? new StartOptions(), definition)))];
    }

    public WorkflowDefinition Definition { get; }

    public IReadOnlyList<(object? Input, StartOptions Options)> Starts { get; }

    internal override int Slots => Starts.Count;

    public void CompleteWithHandles(IReadOnlyList<string> workflowIds, IWorkflowOutcomes outcomes) =>
        Complete(workflowIds.Select(id => new WorkflowHandle<TOut>(id, outcomes)).ToArray());
}
