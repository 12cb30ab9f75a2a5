namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a <see cref="RunStep{T}"/>, whatever its result's type.</summary>
internal interface IRunStep
{
    RunStepOptions Options { get; }

    Task<object?> InvokeAsync(StepContext context);
}
