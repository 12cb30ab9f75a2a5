namespace Dbos.Fluent;

/// <summary>The outcome of a step that may fail without ending the workflow.</summary>
/// <param name="Succeeded">True if the step succeeded.</param>
/// <param name="Result">The step's result; the default of <typeparamref name="T"/> if it failed.</param>
/// <param name="Error">The step's recorded failure; null if it succeeded.</param>
/// <typeparam name="T">The step's result type.</typeparam>
public sealed record StepOutcome<T>(bool Succeeded, T? Result, RecordedFailure? Error);
