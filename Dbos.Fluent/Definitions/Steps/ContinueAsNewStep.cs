using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Ends a run and starts its workflow afresh. It has no row, as no history is left that it could stand in.</summary>
internal sealed class ContinueAsNewStep(object? input, Type inputType) : Step<Unit>(BuiltInNames.ContinueAsNew)
{
    public object? Input { get; } = input;

    /// <summary>Its type as the workflow's code gave it.</summary>
    public Type InputType { get; } = inputType;

    internal override int Slots => 0;
}
