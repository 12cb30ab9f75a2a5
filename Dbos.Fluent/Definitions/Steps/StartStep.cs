using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that starts a child, whatever its types.</summary>
internal interface IStartStep
{
    WorkflowDefinition Definition { get; }

    object? Input { get; }

    StartOptions Options { get; }
}

/// <summary>A step whose stored outcome is the id of a workflow and whose result is a handle to it.</summary>
internal interface IHandleStep
{
    void CompleteWithHandle(string workflowId, IWorkflowOutcomes outcomes);
}

/// <summary>Starts a child and returns its handle.</summary>
internal sealed class StartStep<TOut>(WorkflowDefinition definition, object? input, StartOptions? options)
    : Step<WorkflowHandle<TOut>>(definition.Name), IStartStep, IHandleStep
{
    public WorkflowDefinition Definition { get; } = definition;

    public object? Input { get; } = input;

    public StartOptions Options { get; } = StartRules.Check(options ?? new StartOptions(), definition);

    public void CompleteWithHandle(string workflowId, IWorkflowOutcomes outcomes) =>
        Complete(new WorkflowHandle<TOut>(workflowId, outcomes));
}
