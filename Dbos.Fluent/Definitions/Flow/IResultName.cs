namespace Dbos.Fluent.Definitions;

/// <summary>A <see cref="ResultOf{T}"/>, whatever its type.</summary>
internal interface IResultName
{
    StepKey Key { get; }
}
