using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>Names the result of a step of a fluent definition; read with <see cref="FlowState{TIn}.Get"/>.</summary>
/// <remarks>
/// It is a name, not a value: it belongs to the definition, holds no state of a run, and works for all concurrent runs. Made by
/// <see cref="StepBuilder{TIn,TOut,T}.As"/> and <see cref="StepBuilder{TIn,TOut,T}.Try"/>.
/// </remarks>
/// <typeparam name="T">The result's type.</typeparam>
public sealed class ResultOf<T> : IResultName
{
    private readonly Func<Step, T> read;

    internal ResultOf(StepKey key, Func<Step, T> read) => (Key, this.read) = (key, read);

    internal StepKey Key { get; }

    StepKey IResultName.Key => Key;

    /// <summary>Describes the result for a log or a debugger.</summary>
    /// <returns>A text with the step's name.</returns>
    public override string ToString() => $"result of '{Key.Title}'";

    internal T Read(Step step) => read(step);
}
