namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a <see cref="RunStep{T}"/> without knowing its result's type.</summary>
internal interface IRunStep
{
    RunStepOptions Options { get; }

    Task<object?> InvokeAsync(StepContext context);
}
