using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that debounces a start, whatever its types.</summary>
internal interface IDebounceStep
{
    WorkflowDefinition Definition { get; }

    object? Input { get; }

    StartOptions Options { get; }

    DebounceCall Call { get; }
}

/// <summary>Starts a workflow after a quiet period, or moves the start of the one that waits, and returns its handle.</summary>
internal sealed class DebounceStep<TOut> : Step<WorkflowHandle<TOut>>, IDebounceStep, IHandleStep
{
    public DebounceStep(WorkflowDefinition definition, object? input, StartOptions options, DebounceCall call)
        : base(BuiltInNames.Debounce) =>
        (Definition, Input, Options, Call) = (definition, input, StartRules.Check(options, definition), call);

    public WorkflowDefinition Definition { get; }

    public object? Input { get; }

    public StartOptions Options { get; }

    public DebounceCall Call { get; }

    public void CompleteWithHandle(string workflowId, IWorkflowOutcomes outcomes) =>
        Complete(new WorkflowHandle<TOut>(workflowId, outcomes));
}
