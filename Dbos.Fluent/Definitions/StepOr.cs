namespace Dbos.Fluent;

/// <summary>The element that a workflow with a result yields: a step, or the result that completes it.</summary>
/// <remarks>Steps and results convert to it, so a body yields either directly. The default value is neither and is refused.</remarks>
/// <typeparam name="TOut">The workflow's result type.</typeparam>
public readonly struct StepOr<TOut>
{
    private StepOr(Step? step, TOut? value, bool isResult) => (Step, Value, IsResult) = (step, value, isResult);

    internal Step? Step { get; }

    internal TOut? Value { get; }

    internal bool IsResult { get; }

    /// <summary>Wraps a step to run.</summary>
    /// <param name="step">
    /// The step. Null is neither a step nor a result: it fails the workflow that yields it with an error that names the workflow.
    /// </param>
    public static implicit operator StepOr<TOut>(Step step) => new(step, default, isResult: false);

    /// <summary>Wraps the result that completes the workflow; code after yielding it never runs.</summary>
    /// <param name="result">The result.</param>
    public static implicit operator StepOr<TOut>(TOut result) => Of(result);

    internal static StepOr<TOut> Of(TOut result) => new(null, result, isResult: true);
}

/// <summary>Makes a <see cref="StepOr{TOut}"/> where no implicit conversion exists.</summary>
public static class StepOr
{
    /// <summary>
    /// Wraps the result that completes the workflow. Needed if <typeparamref name="TOut"/> is an interface, to which C# has no implicit
    /// conversion.
    /// </summary>
    /// <param name="result">The result.</param>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>The element for the body to yield.</returns>
    public static StepOr<TOut> Result<TOut>(TOut result) => StepOr<TOut>.Of(result);
}
