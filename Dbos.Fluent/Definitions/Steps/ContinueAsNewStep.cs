using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Ends a run and starts its workflow from the beginning. It has no row, because no history is left to hold one.</summary>
internal sealed class ContinueAsNewStep(object? input, Type inputType) : Step<Unit>(BuiltInNames.ContinueAsNew)
{
    public object? Input { get; } = input;

    /// <summary>The input's type as the workflow's code gave it.</summary>
    public Type InputType { get; } = inputType;

    internal override int Slots => 0;
}
