using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that awaits another workflow.</summary>
internal interface IAwaitStep
{
    string WorkflowId { get; }
}

/// <summary>Awaits a workflow that a handle names.</summary>
internal sealed class AwaitStep<TOut>(WorkflowHandle<TOut> handle) : Step<TOut>(BuiltInNames.GetResult), IAwaitStep
{
    public string WorkflowId { get; } = handle.Id;
}
